/**
 * Reads the messages of Prometheus' remote write: `prometheus.WriteRequest` (1.0) and `io.prometheus.write.v2.Request`
 * (2.0).
 *
 *   1.0  1 TimeSeries { 1 Label { 1 name, 2 value }, 2 Sample { 1 value, 2 time }, 3 Exemplar, 4 Histogram }
 *        3 Metadata
 *   2.0  4 symbols
 *        5 TimeSeries { 1 label references, 2 Sample { 1 value, 2 time, 3 start }, 3 Histogram, 4 Exemplar, 5 Metadata }
 *
 * A message is read twice: `scan` verifies it to its end, then `step` gives its content. So nothing of a damaged message
 * is stored. Samples are given in fields of the reader, without an object for each. Both calls pause after some thousand
 * fields, so that a large message does not hold up the event loop:
 *
 *   while (reader.scan()) await breathe();
 *   for (let at = reader.step(); at !== END; at = reader.step()) switch (at) { case SAMPLE: reader.timestamp … }
 *
 * What is wrong with one series, such as a reference without a symbol, is that series' `problem`; the others are read.
 */
import { isUtf8 } from 'node:buffer';
import { LENGTH_DELIMITED, ProtobufReader } from './protobuf-reader.ts';
import { WireError } from './wire-error.ts';

/** The message has been read to its end. */
export const END = 0;
/** Time to yield to the event loop. */
export const PAUSE = 1;
/** A series begins: `labels` and `problem` are those of the series, after {@link WriteRequestReader.readSeriesLabels}. */
export const SERIES = 2;
/** A sample of the series: `timestamp`, `high` and `low`. */
export const SAMPLE = 3;
/** The series ends: `samples`, `histograms` and `exemplars` count what it has. */
export const SERIES_END = 4;
export type Step = typeof END | typeof PAUSE | typeof SERIES | typeof SAMPLE | typeof SERIES_END;

/** Fields and samples between two pauses. */
const FIELDS_PER_PAUSE = 2048;
/** Labels of a series that are read; a series with more of them has a `problem`. */
const LABELS_MAX = 1000;
/** References of one packed list that are read. */
const REFERENCES_MAX = 2 * LABELS_MAX + 2;
/** Fields that a label or a sample may have; the formats define two or three. */
const SMALL_FIELDS_MAX = 64;
const SYMBOLS_MAX = 1_000_000;

const LABELS_FIELD = 1;
const SAMPLES_FIELD = 2;
/** Of 2.0. */
const METADATA_FIELD = 5;

/** Places in a message at which `step` goes on. */
const BETWEEN_SERIES = 0;
const IN_LABELS = 1;
const IN_SAMPLES = 2;

export abstract class WriteRequestReader {
  /** Names and values of the series' labels in turn, in the order of the message. */
  readonly labels: string[] = [];
  /** Why the labels of the series can't be read; `undefined` if they can. */
  problem: string | undefined;
  /** What is wrong with the exemplars or the metadata of the series that was read; its samples are not affected. */
  besides: string | undefined;
  samples = 0;
  histograms = 0;
  exemplars = 0;
  /**
   * Where the labels of the series are in the message, if the same bytes mean the same labels in every message;
   * otherwise `labelsEnd` is 0.
   */
  labelsStart = 0;
  labelsEnd = 0;
  /** Milliseconds since the epoch; exact up to 2^53. */
  timestamp = 0;
  /** The halves of the value's bits. */
  high = 0;
  low = 0;
  protected readonly reader: ProtobufReader;
  protected abstract readonly seriesField: number;
  protected abstract readonly histogramsField: number;
  protected abstract readonly exemplarsField: number;
  /** Whether the same bytes mean the same labels in every message. */
  protected abstract readonly isSelfContained: boolean;
  readonly content: Buffer;
  private place = BETWEEN_SERIES;
  /** The end of the message around the series that is being read, or -1. */
  private outer = -1;
  private start = 0;
  /** Whether some series has labels after other fields. All labels are then collected before the samples are read. */
  private isUnordered = false;
  private isPastLabels = false;
  private budget = FIELDS_PER_PAUSE;

  constructor(content: Buffer) {
    this.content = content;
    this.reader = new ProtobufReader(content);
  }

  /** Verifies the next part of the message; false when it has been verified to its end. Throws `WireError`. */
  scan(): boolean {
    const { reader } = this;
    for (let budget = FIELDS_PER_PAUSE; budget > 0; budget--) {
      if (this.outer >= 0) {
        if (reader.next()) this.scanSeriesField();
        else this.leaveSeries();
      } else if (!reader.next()) {
        reader.rewind(0);
        return false;
      } else if (reader.field === this.seriesField) {
        this.outer = reader.enter();
        this.isPastLabels = false;
      } else this.scanField();
    }
    return true;
  }

  /** Goes on to the next thing in the message. Throws `WireError` only for what `scan` would have found. */
  step(): Step {
    for (;;) {
      if (--this.budget <= 0) {
        this.budget = FIELDS_PER_PAUSE;
        return PAUSE;
      }
      const found = this.place === IN_SAMPLES ? this.nextInSamples() : this.nextBefore();
      if (found !== PAUSE) return found;
    }
  }

  /** Makes the labels of the series that begins, unless that has been done. They are read only if somebody asks. */
  readSeriesLabels(): void {
    if (this.labelsEnd === 0 || this.labels.length > 0) return;
    const { reader } = this;
    const after = reader.offset;
    reader.rewind(this.labelsStart);
    while (reader.offset < this.labelsEnd && this.problem === undefined) {
      reader.next();
      this.readLabels();
    }
    reader.rewind(after);
  }

  /** Reads one label, or several if they are packed, of the current field. */
  protected abstract readLabels(): void;

  /** Verifies a field outside the series. */
  protected scanField(): void {
    this.reader.skip();
  }

  /** Verifies a field with labels of a series. */
  protected abstract scanLabels(): void;

  /** Adds a label to the series. */
  protected addLabel(name: string | undefined, value: string | undefined): void {
    if (name === undefined || value === undefined) this.problem ??= 'a label is not UTF-8';
    else if (this.labels.length >= 2 * LABELS_MAX) this.problem ??= `the series has more than ${LABELS_MAX} labels`;
    else this.labels.push(name, value);
  }

  /** Text of the message; `undefined` if it is not UTF-8. */
  protected textAt(start: number, end: number): string | undefined {
    const text = this.content.toString('utf8', start, end);
    // The decoder writes U+FFFD for bytes that are not UTF-8. The text may have that character itself, too.
    return text.includes('\ufffd') && !isUtf8(this.content.subarray(start, end)) ? undefined : text;
  }

  /** Bounds the fields of a label or a sample, which are read without a pause. */
  protected checkedCount(count: number): number {
    if (count > SMALL_FIELDS_MAX) throw this.reader.error(`more than ${SMALL_FIELDS_MAX} fields in a label or sample`);
    return count;
  }

  private scanSeriesField(): void {
    const { reader } = this;
    if (reader.field === LABELS_FIELD) {
      if (this.isPastLabels) this.isUnordered = true;
      this.scanLabels();
      return;
    }
    this.isPastLabels = true;
    if (reader.field === SAMPLES_FIELD) this.readSample();
    else if (reader.field === this.histogramsField || reader.field === this.exemplarsField) {
      reader.leave(reader.enter());
    } else reader.skip();
  }

  /** One field before the samples of a series. `PAUSE` means that nothing was found. */
  private nextBefore(): Step {
    const { reader } = this;
    if (this.place === BETWEEN_SERIES) {
      if (!reader.next()) return END;
      if (reader.field !== this.seriesField) {
        reader.skip();
        return PAUSE;
      }
      this.beginSeries();
    }
    const before = reader.offset;
    if (reader.next()) {
      if (reader.field === LABELS_FIELD) {
        if (this.isSelfContained && !this.isUnordered) reader.skip();
        else this.readLabels();
        return PAUSE;
      }
      if (this.isUnordered) {
        reader.skip();
        return PAUSE;
      }
    }
    reader.rewind(this.isUnordered ? this.start : before);
    if (this.isSelfContained && !this.isUnordered) {
      this.labelsStart = this.start;
      this.labelsEnd = before;
    }
    this.place = IN_SAMPLES;
    return SERIES;
  }

  /** One field of a series whose labels are known. `PAUSE` means that nothing was found. */
  private nextInSamples(): Step {
    const { reader } = this;
    if (!reader.next()) {
      this.leaveSeries();
      this.place = BETWEEN_SERIES;
      return SERIES_END;
    }
    if (reader.field === SAMPLES_FIELD) {
      this.readSample();
      this.samples += 1;
      return SAMPLE;
    }
    if (reader.field === this.histogramsField) this.histograms += 1;
    else if (reader.field === this.exemplarsField) this.exemplars += 1;
    this.readOther();
    return PAUSE;
  }

  /** Reads a field of a series that is neither labels nor samples. */
  protected readOther(): void {
    this.reader.skip();
  }

  private beginSeries(): void {
    this.outer = this.reader.enter();
    this.start = this.reader.offset;
    this.place = IN_LABELS;
    this.labels.length = 0;
    this.labelsEnd = 0;
    this.problem = undefined;
    this.besides = undefined;
    this.samples = 0;
    this.histograms = 0;
    this.exemplars = 0;
  }

  private leaveSeries(): void {
    this.reader.leave(this.outer);
    this.outer = -1;
  }

  /** Fields that the sender left out have the value 0. */
  private readSample(): void {
    const { reader } = this;
    this.timestamp = 0;
    this.high = 0;
    this.low = 0;
    const outer = reader.enter();
    for (let count = 1; reader.next(); count = this.checkedCount(count + 1)) {
      if (reader.field === 1) {
        reader.readBits();
        this.high = reader.high;
        this.low = reader.low;
      } else if (reader.field === 2) this.timestamp = reader.readInt64();
      else reader.skip();
    }
    reader.leave(outer);
  }
}

/** A `prometheus.WriteRequest`. */
export class WriteRequest1Reader extends WriteRequestReader {
  protected override readonly seriesField = 1;
  protected override readonly exemplarsField = 3;
  protected override readonly histogramsField = 4;
  protected override readonly isSelfContained = true;
  private nameStart = 0;
  private nameEnd = 0;
  private valueStart = 0;
  private valueEnd = 0;

  protected override scanLabels(): void {
    this.readPlaces();
  }

  protected override readLabels(): void {
    this.readPlaces();
    this.addLabel(this.textAt(this.nameStart, this.nameEnd), this.textAt(this.valueStart, this.valueEnd));
  }

  /** Where the label's name and value are in the message. */
  private readPlaces(): void {
    const { reader } = this;
    this.nameStart = 0;
    this.nameEnd = 0;
    this.valueStart = 0;
    this.valueEnd = 0;
    const outer = reader.enter();
    for (let count = 1; reader.next(); count = this.checkedCount(count + 1)) {
      if (reader.field > 2) {
        reader.skip();
        continue;
      }
      const around = reader.enter();
      const start = reader.offset;
      reader.leave(around);
      if (reader.field === 1) {
        this.nameStart = start;
        this.nameEnd = reader.offset;
      } else {
        this.valueStart = start;
        this.valueEnd = reader.offset;
      }
    }
    reader.leave(outer);
  }
}

/** An `io.prometheus.write.v2.Request`. Symbols become text when a series first refers to them. */
export class WriteRequest2Reader extends WriteRequestReader {
  protected override readonly seriesField = 5;
  protected override readonly histogramsField = 3;
  protected override readonly exemplarsField = 4;
  protected override readonly isSelfContained = false;
  private symbols = 0;
  /** Start and end of each symbol in the message. */
  private places = new Uint32Array(512);
  /** The symbols that were read; `null` for one that is not UTF-8. */
  private readonly texts: (string | null | undefined)[] = [];
  /** The first reference of a pair, or -1. */
  private nameReference = -1;

  override step(): Step {
    const step = super.step();
    if (step === SERIES) {
      if (this.nameReference >= 0) this.problem ??= 'the number of label references is odd';
      this.nameReference = -1;
    }
    return step;
  }

  protected override scanField(): void {
    const { reader } = this;
    if (reader.field !== 4) {
      reader.skip();
      return;
    }
    const outer = reader.enter();
    const start = reader.offset;
    reader.leave(outer);
    this.notePlace(start, reader.offset);
  }

  protected override scanLabels(): void {
    const { reader } = this;
    if (reader.wireType !== LENGTH_DELIMITED) {
      reader.readUint32();
      return;
    }
    const outer = reader.enter();
    for (let count = 0; !reader.isAtEnd && count < REFERENCES_MAX; count++) reader.nextUint32();
    reader.leave(outer);
  }

  protected override readLabels(): void {
    const { reader } = this;
    if (reader.wireType !== LENGTH_DELIMITED) {
      this.addReference(reader.readUint32());
      return;
    }
    const outer = reader.enter();
    // The rest of a longer list is passed over: the series has a problem by then.
    for (let count = 0; !reader.isAtEnd && count < REFERENCES_MAX; count++) this.addReference(reader.nextUint32());
    reader.leave(outer);
  }

  /** The references of exemplars and metadata must have a symbol, too, although their texts are not kept. */
  protected override readOther(): void {
    const { reader } = this;
    if (reader.field === this.exemplarsField) this.checkExemplar();
    else if (reader.field === METADATA_FIELD) this.checkMetadata();
    else reader.skip();
  }

  private checkExemplar(): void {
    const { reader } = this;
    let references = 0;
    const outer = reader.enter();
    for (let count = 1; reader.next(); count = this.checkedCount(count + 1)) {
      if (reader.field !== 1) reader.skip();
      else if (reader.wireType !== LENGTH_DELIMITED) {
        this.checkReference(reader.readUint32(), 'an exemplar');
        references += 1;
      } else {
        const around = reader.enter();
        for (let read = 0; !reader.isAtEnd && read < REFERENCES_MAX; read++) {
          this.checkReference(reader.nextUint32(), 'an exemplar');
          references += 1;
        }
        reader.leave(around);
      }
    }
    reader.leave(outer);
    if (references % 2 !== 0) this.besides ??= 'the number of label references of an exemplar is odd';
  }

  private checkMetadata(): void {
    const { reader } = this;
    const outer = reader.enter();
    for (let count = 1; reader.next(); count = this.checkedCount(count + 1)) {
      if ((reader.field === 3 || reader.field === 4) && reader.wireType !== LENGTH_DELIMITED)
        this.checkReference(reader.readUint32(), 'the metadata');
      else reader.skip();
    }
    reader.leave(outer);
  }

  private checkReference(reference: number, what: string): void {
    if (reference >= this.symbols)
      this.besides ??= `${what} refers to symbol ${reference}, but the request has ${this.symbols} symbols`;
  }

  private addReference(reference: number): void {
    if (this.nameReference < 0) {
      this.nameReference = reference;
      return;
    }
    const name = this.nameReference;
    this.nameReference = -1;
    const highest = Math.max(name, reference);
    if (highest >= this.symbols)
      this.problem ??= `a label refers to symbol ${highest}, but the request has ${this.symbols} symbols`;
    else this.addLabel(this.symbol(name), this.symbol(reference));
  }

  private symbol(reference: number): string | undefined {
    const known = this.texts[reference];
    if (known !== undefined) return known ?? undefined;
    const text = this.textAt(this.places[2 * reference], this.places[2 * reference + 1]);
    this.texts[reference] = text ?? null;
    return text;
  }

  private notePlace(start: number, end: number): void {
    if (this.symbols >= SYMBOLS_MAX) throw new WireError(`the message has more than ${SYMBOLS_MAX} symbols`);
    if (this.symbols === 0 && end > start) throw new WireError('the first symbol of the message is not empty');
    if (2 * this.symbols === this.places.length) {
      const larger = new Uint32Array(2 * this.places.length);
      larger.set(this.places);
      this.places = larger;
    }
    this.places[2 * this.symbols] = start;
    this.places[2 * this.symbols + 1] = end;
    this.symbols += 1;
  }
}
