/**
 * The handle that `store.series(labels)` returns. It is valid as long as the store is open. The first appended sample
 * resolves its labels; from then on the handle keeps the row and shares the row's labels.
 */
import type { AnyActorRef } from 'xstate';
import type { SeriesHandle, SeriesState } from '../api/api.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, type Labels, toLabels } from '../model/labels.ts';
import { STALE_HIGH, STALE_LOW } from '../model/staleness.ts';
import type { Ingest } from './ingest.ts';
import type { SeriesDirectory } from './series-lookup.ts';
import { EARLIEST, GENERATION, NO_ROW, ROW_SHIFT, type Row, type SeriesTable } from './table.ts';

/**
 * The parts of the store that a handle uses. All handles share one object, because a program may hold a million
 * handles.
 */
export interface HandleServices {
  readonly table: SeriesTable;
  readonly directory: SeriesDirectory;
  readonly ingest: Ingest;
  fingerprintOf(pairs: LabelPairs): Fingerprint;
  stateOf(pairs: LabelPairs): SeriesState;
  lastTimeOf(pairs: LabelPairs): number | undefined;
  /** The series' actor. It is kept in memory for the handle until it is released. */
  actorOf(handle: SeriesHandle, pairs: LabelPairs): AnyActorRef;
  releaseActor(handle: SeriesHandle): void;
}

export class StoredSeriesHandle implements SeriesHandle {
  private readonly services: HandleServices;
  private pairs: LabelPairs;
  private row: Row = NO_ROW;
  private generation = -1;

  constructor(services: HandleServices, pairs: LabelPairs) {
    this.services = services;
    this.pairs = pairs;
  }

  get labels(): Labels {
    return toLabels(this.pairs);
  }

  get fingerprint(): Fingerprint {
    return this.services.fingerprintOf(this.pairs);
  }

  get state(): SeriesState {
    return this.services.stateOf(this.pairs);
  }

  get lastTime(): number | undefined {
    const { table } = this.services;
    const isCurrent = this.row !== NO_ROW && table.generation(this.row) === this.generation;
    return isCurrent && table.lastTime(this.row) !== EARLIEST
      ? table.lastTime(this.row)
      : this.services.lastTimeOf(this.pairs);
  }

  append(timestamp: number, value: number): void {
    const row = this.rowInMemory();
    if (row !== NO_ROW) this.services.ingest.appendToRow(row, timestamp, value);
    else this.services.ingest.appendAdmitted(this.admitted(timestamp, value), timestamp, value);
  }

  appendBits(timestamp: number, high: number, low: number): void {
    if (typeof high !== 'number' || typeof low !== 'number') throw invalidBits();
    const row = this.rowInMemory();
    if (row !== NO_ROW) this.services.ingest.appendBitsToRow(row, timestamp, high | 0, low | 0);
    else this.services.ingest.appendAdmittedBits(this.admitted(timestamp, 0), timestamp, high | 0, low | 0);
  }

  appendStale(timestamp: number): void {
    this.appendBits(timestamp, STALE_HIGH, STALE_LOW);
  }

  actor(): AnyActorRef {
    return this.services.actorOf(this, this.pairs);
  }

  release(): void {
    this.services.releaseActor(this);
  }

  /**
   * The series' row; NO_ROW if the series is not in memory. This is the kept row, unless the row was given to another
   * series after this series was archived or purged.
   */
  private rowInMemory(): Row {
    const { table } = this.services;
    if (this.row !== NO_ROW && table.ints[(this.row << ROW_SHIFT) + GENERATION] === this.generation) return this.row;
    const row = table.findPairs(this.pairs);
    return row === NO_ROW ? NO_ROW : this.keep(row);
  }

  /**
   * The row of a series that is created or woken for a sample. The sample is checked first, and only then: the clock goes
   * on, and a second check could leave a series without a sample.
   */
  private admitted(timestamp: number, value: number): Row {
    this.services.ingest.admit(this.pairs, timestamp, value);
    return this.keep(this.services.directory.resolvePairs(this.pairs));
  }

  private keep(row: Row): Row {
    const { table } = this.services;
    this.row = row;
    this.generation = table.generation(row);
    this.pairs = table.labels[row] ?? this.pairs;
    return row;
  }
}

const invalidBits = (): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_INVALID_VALUE',
    'the halves of a bit pattern must be numbers; allowed: whole 32-bit numbers',
  );
