/**
 * Requests of OTLP as plain objects, written as JSON and as Protocol Buffers, and what a converter makes of them. The
 * objects have the names of OTLP's JSON; numbers of 64 bits are bigints.
 */
import { conversionSettings, type OtlpOptions } from '../../src/otlp/conversion-options.ts';
import type { DeltaStreams } from '../../src/otlp/delta-streams.ts';
import { decodeJson } from '../../src/otlp/json-decoder.ts';
import { PointConverter } from '../../src/otlp/point-converter.ts';
import { decodeProtobuf } from '../../src/otlp/protobuf-decoder.ts';
import { ProtobufWriter } from '../../src/wire/protobuf-writer.ts';

export type TestValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: bigint }
  | { doubleValue: number }
  | { bytesValue: Uint8Array }
  | { arrayValue: { values: TestValue[] } }
  | { kvlistValue: { values: TestAttribute[] } }
  | Record<string, never>;

export interface TestAttribute {
  key: string;
  value: TestValue;
}

export interface TestPoint {
  startTimeUnixNano?: bigint;
  timeUnixNano?: bigint;
  attributes?: TestAttribute[];
  flags?: number;
  asDouble?: number;
  asInt?: bigint;
  count?: bigint;
  sum?: number;
  bucketCounts?: bigint[];
  explicitBounds?: number[];
  quantileValues?: { quantile: number; value: number }[];
}

export interface TestData {
  dataPoints: TestPoint[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

export interface TestMetric {
  name?: string;
  unit?: string;
  gauge?: TestData;
  sum?: TestData;
  histogram?: TestData;
  exponentialHistogram?: TestData;
  summary?: TestData;
}

export interface TestRequest {
  resourceMetrics: {
    resource?: { attributes: TestAttribute[] };
    scopeMetrics: {
      scope?: { name: string; version?: string; attributes?: TestAttribute[] };
      metrics: TestMetric[];
      schemaUrl?: string;
    }[];
  }[];
}

export const text = (key: string, value: string): TestAttribute => ({ key, value: { stringValue: value } });

/** A request with one resource and one scope. */
export const requestOf = (metrics: TestMetric[], resource: TestAttribute[] = []): TestRequest => ({
  resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ metrics }] }],
});

const jsonNumber = (value: number): number | string => {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) && !Object.is(value, -0) ? value : value === 0 ? '-0' : String(value);
};

export const asJson = (request: TestRequest): Buffer =>
  Buffer.from(
    JSON.stringify(request, (_, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      if (typeof value === 'number') return jsonNumber(value);
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      return value;
    }),
  );

class RequestWriter {
  readonly writer = new ProtobufWriter();

  request({ resourceMetrics }: TestRequest): Buffer {
    this.each(1, resourceMetrics, ({ resource, scopeMetrics }) => {
      // The resource comes last, so that no decoder may depend on the order.
      this.each(2, scopeMetrics, ({ scope, metrics, schemaUrl }) => {
        this.each(2, metrics, (metric) => this.metric(metric));
        if (schemaUrl !== undefined) this.writer.string(3, schemaUrl);
        if (scope !== undefined)
          this.nested(1, () => {
            this.attributes(3, scope.attributes);
            this.writer.string(1, scope.name);
            if (scope.version !== undefined) this.writer.string(2, scope.version);
          });
      });
      if (resource !== undefined) this.nested(1, () => this.attributes(1, resource.attributes));
    });
    return Buffer.from(this.writer.finish());
  }

  private metric({ name, unit, gauge, sum, histogram, exponentialHistogram, summary }: TestMetric): void {
    this.data(5, gauge, (point) => this.number(point));
    this.data(7, sum, (point) => this.number(point));
    this.data(9, histogram, (point) => this.histogram(point));
    this.data(10, exponentialHistogram, (point) => this.times(point));
    this.data(11, summary, (point) => this.summary(point));
    if (name !== undefined) this.writer.string(1, name);
    if (unit !== undefined) this.writer.string(3, unit);
  }

  private data(field: number, data: TestData | undefined, point: (point: TestPoint) => void): void {
    if (data === undefined) return;
    this.nested(field, () => {
      this.each(1, data.dataPoints, point);
      if (data.aggregationTemporality !== undefined) this.writer.uint(2, data.aggregationTemporality);
      if (data.isMonotonic !== undefined) this.writer.uint(3, data.isMonotonic ? 1 : 0);
    });
  }

  private times({ startTimeUnixNano, timeUnixNano }: TestPoint): void {
    if (startTimeUnixNano !== undefined) this.fixed64(2, startTimeUnixNano);
    if (timeUnixNano !== undefined) this.fixed64(3, timeUnixNano);
  }

  private number(point: TestPoint): void {
    this.times(point);
    if (point.asDouble !== undefined) this.writer.double(4, point.asDouble);
    if (point.asInt !== undefined) this.fixed64(6, point.asInt);
    this.attributes(7, point.attributes);
    if (point.flags !== undefined) this.writer.uint(8, point.flags);
  }

  private histogram(point: TestPoint): void {
    this.attributes(9, point.attributes);
    this.times(point);
    if (point.count !== undefined) this.fixed64(4, point.count);
    if (point.sum !== undefined) this.writer.double(5, point.sum);
    const { bucketCounts = [], explicitBounds = [] } = point;
    if (bucketCounts.length > 0) this.packed64(6, bucketCounts);
    if (explicitBounds.length > 0) {
      const bytes = Buffer.alloc(8 * explicitBounds.length);
      for (const [i, bound] of explicitBounds.entries()) bytes.writeDoubleLE(bound, 8 * i);
      this.writer.blob(7, bytes);
    }
    if (point.flags !== undefined) this.writer.uint(10, point.flags);
  }

  private summary(point: TestPoint): void {
    this.times(point);
    if (point.count !== undefined) this.fixed64(4, point.count);
    if (point.sum !== undefined) this.writer.double(5, point.sum);
    this.each(6, point.quantileValues ?? [], ({ quantile, value }) => {
      this.writer.double(2, value);
      this.writer.double(1, quantile);
    });
    this.attributes(7, point.attributes);
    if (point.flags !== undefined) this.writer.uint(8, point.flags);
  }

  private attributes(field: number, attributes: TestAttribute[] = []): void {
    this.each(field, attributes, ({ key, value }) => {
      this.writer.string(1, key);
      this.nested(2, () => this.value(value));
    });
  }

  private value(value: TestValue): void {
    if ('stringValue' in value) this.writer.string(1, value.stringValue);
    if ('boolValue' in value) this.writer.uint(2, value.boolValue ? 1 : 0);
    if ('intValue' in value) this.int64(3, value.intValue as bigint);
    if ('doubleValue' in value) this.writer.double(4, value.doubleValue);
    if ('arrayValue' in value)
      this.nested(5, () => this.each(1, value.arrayValue.values as TestValue[], (inner) => this.value(inner)));
    if ('kvlistValue' in value) this.nested(6, () => this.attributes(1, value.kvlistValue.values as TestAttribute[]));
    if ('bytesValue' in value) this.writer.blob(7, value.bytesValue as Uint8Array);
  }

  private each<T>(field: number, items: readonly T[], write: (item: T) => void): void {
    for (const item of items) this.nested(field, () => write(item));
  }

  private nested(field: number, write: () => void): void {
    this.writer.begin(field);
    write();
    this.writer.end();
  }

  private fixed64(field: number, value: bigint): void {
    this.writer.doubleBits(field, Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
  }

  private int64(field: number, value: bigint): void {
    // The writer's numbers are exact within 53 bits, and a `packed` number below 128 is a byte as it is.
    if (value >= -(2n ** 53n) && value <= 2n ** 53n) this.writer.int64(field, Number(value));
    else throw new Error('the test needs an attribute within 53 bits');
  }

  private packed64(field: number, values: readonly bigint[]): void {
    const bytes = Buffer.alloc(8 * values.length);
    for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * i);
    this.writer.blob(field, bytes);
  }
}

export const asProtobuf = (request: TestRequest): Buffer => new RequestWriter().request(request);

export interface Converted {
  /** `name{a="1"} value @time`, in the order of appending. Values are bits where they are NaN. */
  readonly samples: readonly string[];
  readonly accepted: number;
  readonly refused: number;
  readonly message: string;
}

const shownBits = (high: number, low: number): string => {
  const words = new DataView(new ArrayBuffer(8));
  words.setInt32(0, high);
  words.setInt32(4, low);
  const value = words.getFloat64(0);
  return Number.isNaN(value) ? words.getBigUint64(0).toString(16) : String(Object.is(value, -0) ? '-0' : value);
};

export const convert = (
  format: 'json' | 'protobuf',
  bytes: Uint8Array,
  options: OtlpOptions = {},
  deltas?: DeltaStreams,
): Converted => {
  const samples: string[] = [];
  const target = {
    append: (labels: Readonly<Record<string, string>>, time: number, high: number, low: number): undefined => {
      const { __name__: name, ...others } = labels;
      const shown = Object.keys(others)
        .filter((key) => others[key] !== '')
        .sort()
        .map((key) => `${key}=${JSON.stringify(others[key])}`);
      samples.push(`${name}{${shown.join(',')}} ${shownBits(high, low)} @${time}`);
    },
  };
  const converter = new PointConverter(conversionSettings(options), target, deltas);
  const decode = format === 'json' ? decodeJson : decodeProtobuf;
  for (const _ of decode(bytes, converter)) {
    // Nothing else wants this turn.
  }
  for (const _ of converter.finish()) {
    // Nor this one.
  }
  return {
    samples,
    accepted: converter.accepted,
    refused: converter.refusals.points,
    message: converter.refusals.message,
  };
};

/** What both formats give, which has to be the same. */
export const convertBoth = (request: TestRequest, options: OtlpOptions = {}): Converted => {
  const fromJson = convert('json', asJson(request), options);
  const fromProtobuf = convert('protobuf', asProtobuf(request), options);
  if (JSON.stringify(fromJson) !== JSON.stringify(fromProtobuf))
    throw new Error(`JSON: ${JSON.stringify(fromJson)}\nprotobuf: ${JSON.stringify(fromProtobuf)}`);
  return fromProtobuf;
};
