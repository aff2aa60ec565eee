/**
 * The path of a sample into the store: admission, labels to row, order check, journal, head chunk. Nothing here awaits.
 * Once a series exists, nothing is allocated per sample.
 */

import type { AppendResult, Sample } from '../api/api.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { type ErrorCode, TidemarkError } from '../model/errors.ts';
import { type LabelPairs, type Labels, toLabelPairs } from '../model/labels.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import { unitHint } from '../model/time-units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Admission } from './admission.ts';
import type { LateSamples } from './late-samples.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import type { SeriesDirectory } from './series-lookup.ts';
import { ADDED, CONFLICTING } from './sorted-samples.ts';
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
export const TIME_LIMIT_MS = 8_640_000_000_000_000;
/** A series' late samples are announced whenever so many more wait. It is the number that is merged without waiting. */
const LATE_PER_NOTICE = 1024;
/** How long a computed retention limit stays usable. */
const LOOK_EVERY_MS = 60_000;

export interface IngestParts {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly directory: SeriesDirectory;
  readonly journal: JournalWriter;
  readonly admission: Admission;
  readonly late: LateSamples;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** How much older than its series' newest sample a sample may be, in milliseconds. */
  readonly outOfOrderWindowMs: number;
  /** Makes every sample durable before `append` returns (`durability: 'always'`). */
  readonly commitEach: boolean;
  /** No series refuses samples from this time on for their age; -Infinity if everything is kept. */
  readonly keptFrom: () => number;
  /** Samples of the series before this time are past retention. Absent when all series have the same limit. */
  readonly keptFromOf?: ((pairs: LabelPairs) => number) | undefined;
  /** Samples after this time are too far ahead of the clock; Infinity if any time is taken. */
  readonly takenUntil: () => number;
}

/** Called with each accepted sample while samples are being watched. */
export type SampleListener = (row: Row, timestamp: number, high: number, low: number, isLate: boolean) => void;

export class Ingest {
  private readonly parts: IngestParts;
  private readonly scratch = new Float64Array(1);
  private readonly words = new Int32Array(this.scratch.buffer);
  private readonly succession: Succession;
  private commitEach: boolean;

  /** Set while samples are being watched; `undefined` costs one comparison per append. */
  listener: SampleListener | undefined;
  /**
   * Called every {@link LATE_PER_NOTICE} late samples of a series, so that they are merged even if the event loop does
   * not turn.
   */
  onLate: (row: Row) => void = () => {};
  accepted = 0;
  /** Accepted samples that were older than their series' newest one. They count as accepted, too. */
  late = 0;
  outOfOrder = 0;
  duplicates = 0;
  tooOld = 0;
  tooFarAhead = 0;
  /** Times between these two are accepted without reading the clock; see {@link noteTime}. */
  private surelyKeptFrom = -TIME_LIMIT_MS;
  private surelyUntil = TIME_LIMIT_MS;

  constructor(parts: IngestParts) {
    this.parts = parts;
    this.succession = new Succession(parts.table);
    this.commitEach = parts.commitEach;
    this.noteTime();
  }

  /**
   * Reads the clock, so that appends don't have to. Until the next call, a sample is accepted without a check if it is
   * at least a minute later than the retention limit, and not later than the clock now allows. Must be called more often
   * than once a minute. After the clock was set back, the old upper bound holds until the next call.
   */
  noteTime(): void {
    this.surelyKeptFrom = Math.max(-TIME_LIMIT_MS, this.parts.keptFrom() + LOOK_EVERY_MS);
    this.surelyUntil = Math.min(TIME_LIMIT_MS, this.parts.takenUntil());
  }

  /** Appends one sample by labels. If it throws a {@link TidemarkError}, nothing has changed. */
  append(labels: Labels, timestamp: number, value: number): void {
    this.appendLabelled(labels, timestamp, value, false);
  }

  /** `isSame` is a hint for {@link Succession.guess}. */
  private appendLabelled(labels: Labels, timestamp: number, value: number, isSame: boolean): void {
    if (this.parts.admission.refusal !== undefined) throw this.parts.admission.error();
    checkValue(value);
    if (!this.isTaken(timestamp) && this.isSettledOf(labels, timestamp, value)) return;
    const row = this.rowOf(labels, isSame);
    this.scratch[0] = value;
    this.add(row, timestamp, this.words[HIGH_WORD], this.words[LOW_WORD]);
  }

  /** Checks that do not need a row. Called before a series is created or woken for the sample. */
  admit(pairs: LabelPairs, timestamp: number, value: number): void {
    if (this.parts.admission.refusal !== undefined) throw this.parts.admission.error();
    if (!this.isTaken(timestamp)) this.isSettled(NO_ROW, pairs, timestamp);
    checkValue(value);
  }

  /** Appends to a row that was created or woken for this sample, after {@link admit}. */
  appendAdmitted(row: Row, timestamp: number, value: number): void {
    this.scratch[0] = value;
    this.add(row, timestamp, this.words[HIGH_WORD], this.words[LOW_WORD]);
  }

  appendAdmittedBits(row: Row, timestamp: number, high: number, low: number): void {
    this.add(row, timestamp, high, low);
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
      if (this.isSettled(row, this.parts.table.labels[row] ?? [], timestamp)) return;
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
    this.together(() => {
      for (let index = 0; index < samples.length; index++) {
        try {
          const { labels, timestamp, value } = samples[index];
          // Most batches are scrapes, and programs keep the labels of what they scrape.
          this.appendLabelled(labels, timestamp, value, true);
          accepted++;
        } catch (error) {
          rejected.push({ index, code: error instanceof TidemarkError ? error.code : 'TIDEMARK_INVALID_LABELS' });
        }
      }
    }, true);
    return { accepted, rejected };
  }

  /**
   * Runs work that appends. With `durability: 'always'` the samples are made durable together when it has ended, or by the
   * next flush if `sync` is false.
   */
  together<T>(work: () => T, sync: boolean): T {
    const { commitEach } = this;
    const before = this.accepted;
    this.commitEach = false;
    try {
      return work();
    } finally {
      this.commitEach = commitEach;
      if (commitEach && sync && this.accepted > before) this.parts.journal.commitBlocking();
    }
  }

  /** The times that a series takes now, whatever it has: from the retention's limit to the tolerance ahead of the clock. */
  timesTaken(pairs: LabelPairs): { readonly from: number; readonly until: number } {
    const { keptFrom, keptFromOf, takenUntil } = this.parts;
    return { from: keptFromOf === undefined ? keptFrom() : keptFromOf(pairs), until: takenUntil() };
  }

  /** Counts samples that did not come through {@link append}. */
  countBackfilled(accepted: number, rejected: ReadonlyMap<ErrorCode, number>): void {
    this.accepted += accepted;
    this.tooOld += rejected.get('TIDEMARK_TOO_OLD') ?? 0;
    this.tooFarAhead += rejected.get('TIDEMARK_TOO_FAR_AHEAD') ?? 0;
    this.duplicates += rejected.get('TIDEMARK_DUPLICATE_TIMESTAMP') ?? 0;
  }

  /** Returns false for a time that some series refuses, or that is too far ahead; throws for an invalid time. */
  private isTaken(timestamp: number): boolean {
    if (
      typeof timestamp === 'number' &&
      Math.floor(timestamp) === timestamp &&
      timestamp <= this.surelyUntil &&
      timestamp >= this.surelyKeptFrom
    )
      return true;
    return this.isWithinLimits(timestamp);
  }

  private isWithinLimits(timestamp: number): boolean {
    const { keptFrom, takenUntil, clock } = this.parts;
    if (!Number.isInteger(timestamp) || Math.abs(timestamp) > TIME_LIMIT_MS) throw invalidTime(timestamp, clock.now());
    this.noteTime();
    return timestamp >= keptFrom() && timestamp <= takenUntil();
  }

  /** {@link isSettled} for labels. Apart from {@link append}, which stays small enough to be compiled well. */
  private isSettledOf(labels: Labels, timestamp: number, value: number): boolean {
    const pairs = toLabelPairs(labels);
    this.scratch[0] = value;
    return this.isSettled(this.parts.table.findPairs(pairs), pairs, timestamp);
  }

  /**
   * Decides about a sample that {@link isTaken} has not taken; its value is in `scratch`. Throws if it is past the
   * retention of its series or too far ahead of the clock. Returns whether nothing is left to do because the sample
   * repeats the newest one.
   */
  private isSettled(row: Row, pairs: LabelPairs, timestamp: number): boolean {
    const high = this.words[HIGH_WORD];
    const low = this.words[LOW_WORD];
    if (row !== NO_ROW && this.isRepeat(row, timestamp, this.parts.table.lastTime(row), high, low)) return true;
    const { clock, keptFromOf } = this.parts;
    const now = clock.now();
    const takenUntil = this.parts.takenUntil();
    if (timestamp > takenUntil) {
      this.tooFarAhead++;
      throw new TidemarkError(
        'TIDEMARK_TOO_FAR_AHEAD',
        `timestamp ${timestamp} is ahead of the clock, ${now}; the option futureTolerance takes samples up to ${takenUntil}${unitHint(timestamp, now)}`,
        { details: { timestamp, now, takenUntil } },
      );
    }
    const keptFrom = keptFromOf === undefined ? this.parts.keptFrom() : keptFromOf(pairs);
    if (timestamp >= keptFrom) return false;
    this.tooOld++;
    throw new TidemarkError(
      'TIDEMARK_TOO_OLD',
      `timestamp ${timestamp} is past the series' retention, which keeps samples from ${keptFrom} on${unitHint(timestamp, now)}`,
      { details: { timestamp, keptFrom } },
    );
  }

  private rowOf(labels: Labels, isSame: boolean): Row {
    try {
      return this.rowRead(labels, isSame);
    } catch (error) {
      throw this.labelsError(error, labels);
    }
  }

  private rowRead(labels: Labels, isSame: boolean): Row {
    const guessed = this.succession.guess(labels, isSame);
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
      if (!this.isRepeat(row, timestamp, lastTime, high, low)) this.addLate(row, timestamp, lastTime, high, low);
      return;
    }
    journal.appendSample(row, table.high[row], table.low[row], timestamp, high, low);
    chunks.append(row, timestamp, high, low);
    this.accepted++;
    if (this.listener !== undefined) this.listener(row, timestamp, high, low, false);
    if (this.commitEach) journal.commitBlocking();
  }

  /** Adds a sample that is not newer than the series' newest one. It waits until a visit merges it. */
  private addLate(row: Row, timestamp: number, lastTime: number, high: number, low: number): void {
    const { table, journal, chunks, late, clock } = this.parts;
    if (timestamp === lastTime && (table.flags(row) & VALUE_KNOWN) !== 0) throw this.conflicting(row, timestamp);
    const comparison = late.compare(row, timestamp, high, low);
    if (comparison === CONFLICTING) throw this.conflicting(row, timestamp);
    if (comparison !== ADDED) return;
    if (lastTime - timestamp > this.parts.outOfOrderWindowMs) {
      // A sender that got no answer sends its samples again. They change nothing, however small the window is.
      if (chunks.has(row, timestamp, high, low)) return;
      throw this.outsideWindow(row, timestamp, lastTime);
    }
    const position = journal.end;
    journal.appendLate(row, table.high[row], table.low[row], timestamp, high, low);
    late.add(row, timestamp, high, low, position, clock.monotonic());
    this.accepted++;
    this.late++;
    if (this.listener !== undefined) this.listener(row, timestamp, high, low, true);
    if (this.commitEach) journal.commitBlocking();
    const waiting = late.of(row)?.waiting.count ?? 0;
    if (waiting > 0 && waiting % LATE_PER_NOTICE === 0) this.onLate(row);
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

  private conflicting(row: Row, timestamp: number): TidemarkError {
    this.duplicates++;
    return new TidemarkError(
      'TIDEMARK_DUPLICATE_TIMESTAMP',
      `the series already has another value at ${timestamp}; a timestamp may be given once`,
      { details: this.detailsOf(row, timestamp) },
    );
  }

  private outsideWindow(row: Row, timestamp: number, lastTime: number): TidemarkError {
    this.outOfOrder++;
    const { clock, outOfOrderWindowMs } = this.parts;
    const hint = unitHint(timestamp, clock.now());
    return new TidemarkError(
      'TIDEMARK_OUT_OF_ORDER',
      outOfOrderWindowMs === 0
        ? `timestamp ${timestamp} is before the series' last one, ${lastTime}; with outOfOrderWindow 0, samples of a series must come in order of time${hint}`
        : `timestamp ${timestamp} is ${lastTime - timestamp} ms before the series' last one, ${lastTime}; outOfOrderWindow allows ${outOfOrderWindowMs} ms${hint}`,
      { details: { ...this.detailsOf(row, timestamp), outOfOrderWindowMs } },
    );
  }

  private detailsOf(row: Row, timestamp: number): Record<string, unknown> {
    const { table } = this.parts;
    return { timestamp, lastTimestamp: table.lastTime(row), labels: table.labels[row] };
  }
}

const invalidTime = (timestamp: unknown, now: number): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_INVALID_TIMESTAMP',
    `timestamp is ${shownValue(timestamp)}; allowed: whole milliseconds since the epoch, at most ${TIME_LIMIT_MS} either side${unitHint(timestamp, now)}`,
    { details: { timestamp: detailOf(timestamp) } },
  );

const checkValue = (value: number): void => {
  if (typeof value === 'number') return;
  throw new TidemarkError('TIDEMARK_INVALID_VALUE', `value is a ${typeof value}; allowed: a number`, {
    details: { value: detailOf(value) },
  });
};
