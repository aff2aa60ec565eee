/**
 * The path of a sample into the store: admission, labels to row, order check, journal, head chunk. Nothing here awaits.
 * Once a series exists, nothing is allocated per sample.
 */

import type { AppendResult, Sample } from '../api/api.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { type ErrorCode, TidemarkError } from '../model/errors.ts';
import { type Labels, toLabelPairs } from '../model/labels.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import type { Admission } from './admission.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import type { SeriesDirectory } from './series-lookup.ts';
import { Succession } from './succession.ts';
import {
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME_DOUBLE,
  NO_ROW,
  NOT_WRITABLE,
  ROW_DOUBLES_SHIFT,
  ROW_SHIFT,
  type Row,
  type SeriesTable,
  VALUE_KNOWN,
} from './table.ts';

/** The largest distance of a sample's time from the epoch: the range of a Date. */
const TIME_LIMIT_MS = 8_640_000_000_000_000;
/** How long a computed retention limit stays usable. */
const LOOK_EVERY_MS = 60_000;

export interface IngestParts {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly directory: SeriesDirectory;
  readonly journal: JournalWriter;
  readonly admission: Admission;
  /** Makes every sample durable before `append` returns (`durability: 'always'`). */
  readonly commitEach: boolean;
  /** Samples before this time are past retention; -Infinity if everything is kept. */
  readonly keptFrom: () => number;
}

/** Called with each accepted sample while samples are being watched. */
export type SampleListener = (row: Row, timestamp: number, high: number, low: number) => void;

export class Ingest {
  private readonly parts: IngestParts;
  private readonly scratch = new Float64Array(1);
  private readonly words = new Int32Array(this.scratch.buffer);
  private readonly succession: Succession;
  private commitEach: boolean;

  /** Set while samples are being watched; `undefined` costs one comparison per append. */
  listener: SampleListener | undefined;
  accepted = 0;
  outOfOrder = 0;
  duplicates = 0;
  tooOld = 0;
  /** Times from here on are accepted without reading the clock; see {@link noteTime}. */
  private surelyKeptFrom = -TIME_LIMIT_MS;

  constructor(parts: IngestParts) {
    this.parts = parts;
    this.succession = new Succession(parts.table);
    this.commitEach = parts.commitEach;
    this.noteTime();
  }

  /**
   * Reads the clock, so that appends don't have to. Until the next call, a sample that is at least a minute later than
   * the retention limit is accepted without a check. Must be called more often than once a minute.
   */
  noteTime(): void {
    this.surelyKeptFrom = Math.max(-TIME_LIMIT_MS, this.parts.keptFrom() + LOOK_EVERY_MS);
  }

  /** Appends one sample by labels. If it throws a {@link TidemarkError}, nothing has changed. */
  append(labels: Labels, timestamp: number, value: number): void {
    if (this.parts.admission.refusal !== undefined) throw this.parts.admission.error();
    checkValue(value);
    if (!this.isTaken(timestamp)) {
      const known = this.parts.table.findPairs(toLabelPairs(labels));
      this.scratch[0] = value;
      this.refuseOld(known, timestamp);
      return;
    }
    const row = this.rowOf(labels);
    this.scratch[0] = value;
    this.add(row, timestamp, this.words[HIGH_WORD], this.words[LOW_WORD]);
  }

  /** Checks that do not depend on the series. Called before a series is created or woken for the sample. */
  admit(timestamp: number, value: number): void {
    if (this.parts.admission.refusal !== undefined) throw this.parts.admission.error();
    if (!this.isTaken(timestamp)) this.refuseOld(NO_ROW, timestamp);
    checkValue(value);
  }

  /** Appends to a known row. */
  appendToRow(row: Row, timestamp: number, value: number): void {
    checkValue(value);
    this.scratch[0] = value;
    this.appendBitsToRow(row, timestamp, this.words[HIGH_WORD], this.words[LOW_WORD]);
  }

  appendBitsToRow(row: Row, timestamp: number, high: number, low: number): void {
    if (this.parts.admission.refusal !== undefined) throw this.parts.admission.error();
    if (!this.isTaken(timestamp)) {
      this.words[HIGH_WORD] = high;
      this.words[LOW_WORD] = low;
      this.refuseOld(row, timestamp);
      return;
    }
    this.add(row, timestamp, high, low);
  }

  /** Appends many samples. With `durability: 'always'` they are made durable together. */
  appendBatch(samples: readonly Sample[]): AppendResult {
    if (!Array.isArray(samples)) {
      throw new TidemarkError(
        'TIDEMARK_INVALID_OPTION',
        `samples is ${shownValue(samples)}; allowed: an array of { labels, timestamp, value }`,
        { details: { option: 'samples', value: detailOf(samples) } },
      );
    }
    let accepted = 0;
    const rejected: { index: number; code: ErrorCode }[] = [];
    this.commitEach = false;
    try {
      for (let index = 0; index < samples.length; index++) {
        try {
          const { labels, timestamp, value } = samples[index];
          this.append(labels, timestamp, value);
          accepted++;
        } catch (error) {
          rejected.push({ index, code: error instanceof TidemarkError ? error.code : 'TIDEMARK_INVALID_LABELS' });
        }
      }
    } finally {
      this.commitEach = this.parts.commitEach;
    }
    if (this.commitEach && accepted > 0) this.parts.journal.commitBlocking();
    return { accepted, rejected };
  }

  /** Returns false for a time past retention; throws for an invalid time. */
  private isTaken(timestamp: number): boolean {
    if (
      typeof timestamp === 'number' &&
      Math.floor(timestamp) === timestamp &&
      timestamp <= TIME_LIMIT_MS &&
      timestamp >= this.surelyKeptFrom
    )
      return true;
    return this.isKept(timestamp);
  }

  private isKept(timestamp: number): boolean {
    if (!Number.isInteger(timestamp) || Math.abs(timestamp) > TIME_LIMIT_MS) throw invalidTime(timestamp);
    this.noteTime();
    return timestamp >= this.parts.keptFrom();
  }

  /** Refuses a sample that is past retention, unless it repeats the newest sample. Its value is in `scratch`. */
  private refuseOld(row: Row, timestamp: number): void {
    const high = this.words[HIGH_WORD];
    const low = this.words[LOW_WORD];
    if (row !== NO_ROW && this.isRepeat(row, timestamp, this.parts.table.lastTime(row), high, low)) return;
    this.tooOld++;
    const keptFrom = this.parts.keptFrom();
    throw new TidemarkError(
      'TIDEMARK_TOO_OLD',
      `timestamp ${timestamp} is past the store's retention, which keeps samples from ${keptFrom} on`,
      { details: { timestamp, keptFrom } },
    );
  }

  private rowOf(labels: Labels): Row {
    try {
      return this.rowRead(labels);
    } catch (error) {
      throw this.labelsError(error, labels);
    }
  }

  private rowRead(labels: Labels): Row {
    const guessed = this.succession.guess(labels);
    if (guessed !== NO_ROW) return guessed;
    const row = this.parts.directory.resolve(labels);
    this.succession.learn(row);
    return row;
  }

  /** If reading the labels fails, the labels are invalid. Any other error is returned unchanged. */
  private labelsError(error: unknown, labels: Labels): unknown {
    if (error instanceof TidemarkError) return error;
    try {
      toLabelPairs(labels);
      return error;
    } catch (invalid) {
      return invalid;
    }
  }

  private add(row: Row, timestamp: number, high: number, low: number): void {
    const { table, journal, chunks } = this.parts;
    if ((table.ints[row << ROW_SHIFT] & NOT_WRITABLE) !== 0) this.parts.directory.makeWritable(row);
    const lastTime = table.doubles[(row << ROW_DOUBLES_SHIFT) + LAST_TIME_DOUBLE];
    if (timestamp <= lastTime) {
      if (this.isRepeat(row, timestamp, lastTime, high, low)) return;
      throw this.notInOrder(row, timestamp, lastTime);
    }
    journal.appendSample(row, table.high[row], table.low[row], timestamp, high, low);
    chunks.append(row, timestamp, high, low);
    this.accepted++;
    if (this.listener !== undefined) this.listener(row, timestamp, high, low);
    if (this.commitEach) journal.commitBlocking();
  }

  private isRepeat(row: Row, timestamp: number, lastTime: number, high: number, low: number): boolean {
    const base = row << ROW_SHIFT;
    const { ints } = this.parts.table;
    return (
      timestamp === lastTime &&
      (ints[base] & VALUE_KNOWN) !== 0 &&
      ints[base + LAST_HIGH] === high &&
      ints[base + LAST_LOW] === low
    );
  }

  private notInOrder(row: Row, timestamp: number, lastTime: number): TidemarkError {
    const details = { timestamp, lastTimestamp: lastTime, labels: this.parts.table.labels[row] };
    if (timestamp === lastTime) {
      this.duplicates++;
      return new TidemarkError(
        'TIDEMARK_DUPLICATE_TIMESTAMP',
        `the series already has another value at ${timestamp}; a timestamp may be given once`,
        { details },
      );
    }
    this.outOfOrder++;
    return new TidemarkError(
      'TIDEMARK_OUT_OF_ORDER',
      `timestamp ${timestamp} is before the series' last one, ${lastTime}; samples of a series must come in order of time`,
      { details },
    );
  }
}

const invalidTime = (timestamp: unknown): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_INVALID_TIMESTAMP',
    `timestamp is ${shownValue(timestamp)}; allowed: whole milliseconds since the epoch, at most ${TIME_LIMIT_MS} either side`,
    { details: { timestamp: detailOf(timestamp) } },
  );

const checkValue = (value: number): void => {
  if (typeof value === 'number') return;
  throw new TidemarkError('TIDEMARK_INVALID_VALUE', `value is a ${typeof value}; allowed: a number`, {
    details: { value: detailOf(value) },
  });
};
