/**
 * Reads an ExportMetricsServiceRequest in Protocol Buffers and gives its points to a converter, one at a time. No tree is
 * built, so a request takes little more memory than its bytes. Fields may come in any order: of each message, the few
 * that describe it are read first, and the lists below it in a second pass.
 *
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
 */
import { LABEL_BYTES_MAX } from '../model/labels.ts';
import { LENGTH_DELIMITED, ProtobufReader } from '../wire/protobuf-reader.ts';
import { AttributeList } from './attribute-list.ts';
import { type AnyValue, VALUE_DEPTH_MAX } from './attribute-text.ts';
import { DataPoint, type MetricKind, type Temporality } from './data-point.ts';
import { millisecondsOfHalves } from './nanoseconds.ts';
import type { PointConverter } from './point-converter.ts';
import { WorkCounter } from './work-counter.ts';

/** Field numbers of a metric's data, by kind. */
const kinds: ReadonlyMap<number, MetricKind> = new Map([
  [5, 'gauge'],
  [7, 'sum'],
  [9, 'histogram'],
  [10, 'exponentialHistogram'],
  [11, 'summary'],
]);

/** Bit of a point's flags: there is no value. */
const NO_RECORDED_VALUE = 1;
const FIXED64_BYTES = 8;
/** What an attribute takes beside its texts. */
const ATTRIBUTE_OVERHEAD_BYTES = 32;

/**
 * Decodes a request. The iterable yields where the caller may let the event loop go on. Throws `WireError` if the bytes
 * are not a request; the points before that place have been converted then.
 */
export const decodeProtobuf = (bytes: Uint8Array, converter: PointConverter): Iterable<void> =>
  new ProtobufDecoder(bytes, converter).request();

class ProtobufDecoder {
  private readonly reader: ProtobufReader;
  private readonly converter: PointConverter;
  private readonly attributes = new AttributeList();
  private readonly point = new DataPoint();
  private readonly work = new WorkCounter();

  constructor(bytes: Uint8Array, converter: PointConverter) {
    this.reader = new ProtobufReader(bytes);
    this.converter = converter;
  }

  *request(): Generator<void> {
    const { reader } = this;
    while (reader.next()) {
      if (reader.field !== 1) {
        reader.skip();
        continue;
      }
      const outer = reader.enter();
      yield* this.resourceMetrics();
      reader.leave(outer);
    }
  }

  private *resourceMetrics(): Generator<void> {
    const { reader, attributes, work } = this;
    const start = reader.offset;
    attributes.clear();
    while (reader.next()) {
      if (reader.field === 1) this.readAttributesOf(1);
      else reader.skip();
      if (work.isDue(1)) yield;
    }
    this.converter.beginResource(attributes);
    reader.rewind(start);
    while (reader.next()) {
      if (reader.field === 2) {
        const outer = reader.enter();
        yield* this.scopeMetrics();
        reader.leave(outer);
      } else reader.skip();
    }
    this.converter.endResource();
  }

  private *scopeMetrics(): Generator<void> {
    const { reader, attributes, work } = this;
    const start = reader.offset;
    attributes.clear();
    const scope = { name: '', version: '' };
    let schemaUrl = '';
    while (reader.next()) {
      if (reader.field === 1) this.readScope(scope);
      else if (reader.field === 3) schemaUrl = this.readName();
      else reader.skip();
      if (work.isDue(1)) yield;
    }
    this.converter.beginScope(scope.name, scope.version, schemaUrl, attributes);
    reader.rewind(start);
    while (reader.next()) {
      if (reader.field === 2) {
        const outer = reader.enter();
        yield* this.metric();
        reader.leave(outer);
      } else reader.skip();
      if (work.isDue(1)) yield;
    }
  }

  private readScope(scope: { name: string; version: string }): void {
    const { reader } = this;
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.field === 1) scope.name = this.readName();
      else if (reader.field === 2) scope.version = this.readName();
      else if (reader.field === 3) this.readAttribute(this.attributes);
      else reader.skip();
    }
    reader.leave(outer);
  }

  private *metric(): Generator<void> {
    const { reader, work } = this;
    const start = reader.offset;
    let name = '';
    let unit = '';
    let dataField = 0;
    while (reader.next()) {
      if (reader.field === 1) name = this.readName();
      else if (reader.field === 3) unit = this.readName();
      else {
        // Only one of these fields should be set. If several are, the last one counts.
        if (kinds.has(reader.field)) dataField = reader.field;
        reader.skip();
      }
      if (work.isDue(1)) yield;
    }
    const kind = kinds.get(dataField);
    reader.rewind(start);
    while (kind !== undefined && reader.next()) {
      if (reader.field === dataField) {
        const outer = reader.enter();
        yield* this.data(name, unit, kind);
        reader.leave(outer);
      } else reader.skip();
    }
  }

  /** Text that becomes part of labels. Throws `WireError` if no label could hold it. */
  private readName(): string {
    const { reader } = this;
    const start = reader.offset;
    const outer = reader.enter();
    if (reader.remaining > LABEL_BYTES_MAX) throw reader.error(`a name longer than ${LABEL_BYTES_MAX} bytes`);
    reader.leave(outer);
    reader.rewind(start);
    return reader.readString();
  }

  private *data(name: string, unit: string, kind: MetricKind): Generator<void> {
    const { reader, converter, work, point } = this;
    const start = reader.offset;
    const hasTemporality = kind !== 'gauge' && kind !== 'summary';
    let temporality: Temporality = hasTemporality ? 'unspecified' : 'cumulative';
    let isMonotonic = false;
    while (reader.next()) {
      if (reader.field === 2 && hasTemporality) temporality = temporalityOf(reader.readUint32());
      else if (reader.field === 3 && kind === 'sum') isMonotonic = reader.readUint32() !== 0;
      else reader.skip();
      if (work.isDue(1)) yield;
    }
    converter.beginMetric({ name, unit, kind, temporality, isMonotonic });
    reader.rewind(start);
    while (reader.next()) {
      if (reader.field === 1) {
        point.clear();
        const outer = reader.enter();
        this.readPoint(kind);
        reader.leave(outer);
        converter.point(point);
        if (work.isDue(1 + point.attributes.length + point.parts.length)) yield;
      } else reader.skip();
    }
  }

  private readPoint(kind: MetricKind): void {
    switch (kind) {
      case 'histogram':
        this.readHistogramPoint();
        return;
      case 'summary':
        this.readSummaryPoint();
        return;
      case 'exponentialHistogram':
        this.readTimeOnly();
        return;
      default:
        this.readNumberPoint();
    }
  }

  private readNumberPoint(): void {
    const { reader, point } = this;
    while (reader.next()) {
      switch (reader.field) {
        case 4:
          reader.readBits();
          point.high = reader.high;
          point.low = reader.low;
          break;
        case 6:
          point.setValue(reader.readFixed64(true));
          break;
        case 7:
          this.readAttribute(point.attributes);
          break;
        case 8:
          point.isStale = (reader.readUint32() & NO_RECORDED_VALUE) !== 0;
          break;
        default:
          this.readTime();
      }
    }
  }

  private readHistogramPoint(): void {
    const { reader, point } = this;
    while (reader.next()) {
      switch (reader.field) {
        case 4:
          point.count = reader.readFixed64();
          break;
        case 5:
          point.hasSum = true;
          point.sum = reader.readDouble();
          break;
        case 6:
          this.readBuckets();
          break;
        case 7:
          this.readBounds();
          break;
        case 9:
          this.readAttribute(point.attributes);
          break;
        case 10:
          point.isStale = (reader.readUint32() & NO_RECORDED_VALUE) !== 0;
          break;
        default:
          this.readTime();
      }
    }
  }

  private readSummaryPoint(): void {
    const { reader, point } = this;
    while (reader.next()) {
      switch (reader.field) {
        case 4:
          point.count = reader.readFixed64();
          break;
        case 5:
          point.sum = reader.readDouble();
          break;
        case 6:
          this.readQuantile();
          break;
        case 7:
          this.readAttribute(point.attributes);
          break;
        case 8:
          point.isStale = (reader.readUint32() & NO_RECORDED_VALUE) !== 0;
          break;
        default:
          this.readTime();
      }
    }
  }

  /** A point that is refused anyway. Its time counts for `target_info`. */
  private readTimeOnly(): void {
    while (this.reader.next()) this.readTime();
  }

  /** Reads the fields that all points have in common; skips any other field. */
  private readTime(): void {
    const { reader, point } = this;
    if (reader.field !== 2 && reader.field !== 3) {
      reader.skip();
      return;
    }
    reader.readBits();
    const time = millisecondsOfHalves(reader.high, reader.low);
    if (reader.field === 2) point.startTime = time;
    else point.time = time;
  }

  /** Counts of buckets: packed, as the specification demands, or one by one. */
  private readBuckets(): void {
    const { reader, point } = this;
    if (reader.wireType !== LENGTH_DELIMITED) {
      point.addPart(reader.readFixed64());
      return;
    }
    const outer = reader.enter();
    if (point.takesParts(reader.remaining / FIXED64_BYTES - 1))
      while (!reader.isAtEnd) point.addPart(reader.nextFixed64());
    reader.leave(outer);
  }

  private readBounds(): void {
    const { reader, point } = this;
    if (reader.wireType !== LENGTH_DELIMITED) {
      point.addBound(reader.readDouble());
      return;
    }
    const outer = reader.enter();
    if (point.takesParts(reader.remaining / FIXED64_BYTES)) while (!reader.isAtEnd) point.addBound(reader.nextDouble());
    reader.leave(outer);
  }

  private readQuantile(): void {
    const { reader, point } = this;
    const outer = reader.enter();
    let quantile = 0;
    let value = 0;
    while (reader.next()) {
      if (reader.field === 1) quantile = reader.readDouble();
      else if (reader.field === 2) value = reader.readDouble();
      else reader.skip();
    }
    reader.leave(outer);
    point.addBound(quantile);
    if (point.bounds.length > point.parts.length) point.addPart(value);
  }

  /** Reads a message of which only one field, a list of attributes, is wanted. */
  private readAttributesOf(field: number): void {
    const { reader } = this;
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.field === field) this.readAttribute(this.attributes);
      else reader.skip();
    }
    reader.leave(outer);
  }

  private readAttribute(attributes: AttributeList): void {
    const { reader } = this;
    const outer = reader.enter();
    if (!attributes.hasRoom()) {
      reader.leave(outer);
      return;
    }
    const isTooLarge = reader.remaining > attributes.charactersLeft + ATTRIBUTE_OVERHEAD_BYTES;
    let key = '';
    let value: AnyValue;
    while (reader.next()) {
      if (reader.field === 1 && !isTooLarge) key = reader.readString();
      else if (reader.field === 2 && !isTooLarge) value = this.readValue(0);
      else reader.skip();
    }
    reader.leave(outer);
    if (isTooLarge) attributes.leaveOut();
    else attributes.add(key, value);
  }

  /** Reads an AnyValue, whose attribute has been found small enough. */
  private readValue(depth: number): AnyValue {
    const { reader } = this;
    if (depth > VALUE_DEPTH_MAX) throw reader.error(`values that are nested deeper than ${VALUE_DEPTH_MAX} levels`);
    const outer = reader.enter();
    let value: AnyValue;
    while (reader.next()) value = this.readVariant(value, depth);
    reader.leave(outer);
    return value;
  }

  private readVariant(earlier: AnyValue, depth: number): AnyValue {
    const { reader } = this;
    switch (reader.field) {
      case 1:
        return reader.readString();
      case 2:
        return reader.readUint32() !== 0;
      case 3:
        return this.readInteger();
      case 4:
        return reader.readDouble();
      case 5:
        return this.readArray(depth);
      case 6:
        return this.readMap(depth);
      case 7:
        return reader.readBytes();
      default:
        reader.skip();
        return earlier;
    }
  }

  private readInteger(): number | bigint {
    const { reader } = this;
    const value = reader.readInt64();
    return Number.isSafeInteger(value) ? value : (BigInt(reader.high | 0) << 32n) | BigInt(reader.low >>> 0);
  }

  private readArray(depth: number): AnyValue {
    const { reader } = this;
    const values: AnyValue[] = [];
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.field === 1) values.push(this.readValue(depth + 1));
      else reader.skip();
    }
    reader.leave(outer);
    return values;
  }

  private readMap(depth: number): AnyValue {
    const { reader } = this;
    const map = Object.create(null) as Record<string, AnyValue>;
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.field === 1) this.readEntry(map, depth);
      else reader.skip();
    }
    reader.leave(outer);
    return map;
  }

  private readEntry(map: Record<string, AnyValue>, depth: number): void {
    const { reader } = this;
    const outer = reader.enter();
    let key = '';
    let value: AnyValue;
    while (reader.next()) {
      if (reader.field === 1) key = reader.readString();
      else if (reader.field === 2) value = this.readValue(depth + 1);
      else reader.skip();
    }
    reader.leave(outer);
    map[key] = value;
  }
}

const temporalityOf = (number: number): Temporality => {
  if (number === 1) return 'delta';
  return number === 2 ? 'cumulative' : 'unspecified';
};
