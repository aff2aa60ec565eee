/**
 * Finds the row for a label set: the series is found, created, or woken from the archive. The collision mapper provides
 * the stored fingerprint, and labels are compared on every hit, so a series never gets samples of another series.
 */

import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { ArchiveIndex } from '../indexes/archive-index.ts';
import type { Indexer } from '../indexes/indexer.ts';
import type { FingerprintMapper } from '../model/collisions.ts';
import { TidemarkError } from '../model/errors.ts';
import { fastFingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, type Labels, labelHash, pairsHash, toLabelPairs } from '../model/labels.ts';
import type { TextTable } from '../model/text-table.ts';
import type { Clock } from '../ports/clock.ts';
import type { Admission } from './admission.ts';
import type { EventBus } from './event-bus.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

export interface SeriesDirectoryParts {
  readonly table: SeriesTable;
  readonly mapper: FingerprintMapper;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly admission: Admission;
  readonly bus: EventBus;
  readonly clock: Clock;
  /** Label texts that series share. */
  readonly texts: TextTable;
  /** Gives an archived series a row again. This changes the series' life, so its statechart does it. */
  readonly wake: (high: number, low: number, pairs: LabelPairs) => Row;
  /** The labels of a series that is neither in memory nor archived any more, but whose fingerprint is still in use. */
  readonly leavingPairs: (high: number, low: number) => LabelPairs | undefined;
  /** Makes a row accept samples, or throws if that is not possible now. */
  readonly makeWritable: (row: Row) => void;
}

export class SeriesDirectory {
  private readonly parts: SeriesDirectoryParts;
  private readonly fingerprint = new Int32Array(2);
  created = 0;

  constructor(parts: SeriesDirectoryParts) {
    this.parts = parts;
  }

  /** The row for these labels. The series is created, or woken from the archive, if needed. */
  resolve(labels: Labels): Row {
    const hash = labelHash(labels);
    const row = this.parts.table.findHashed(labels, hash);
    // rowOf searches again with the copied pairs, because getters may return different labels on each read. The strings
    // are kept: the program may append with these very strings again, and then they are recognised without being read.
    return row === NO_ROW ? this.rowOf(toLabelPairs(labels), false) : row;
  }

  /**
   * The same for labels in the store's form. If there is no row yet, strings of the array are replaced by equal ones that
   * other series have.
   */
  resolvePairs(pairs: LabelPairs): Row {
    return this.rowOf(pairs, true);
  }

  private rowOf(pairs: LabelPairs, sharesTexts: boolean): Row {
    const hash = pairsHash(pairs);
    const row = this.parts.table.findPairsHashed(pairs, hash);
    if (row !== NO_ROW) return row;
    if (sharesTexts) this.shareTexts(pairs as string[]);
    return this.admit(pairs, hash);
  }

  /** Replaces in place, which saves an array: a program can't tell a string from an equal one. */
  private shareTexts(pairs: string[]): void {
    const { texts } = this.parts;
    // The names are those of an object's properties, which the engine shares already.
    for (let i = 1; i < pairs.length; i += 2) pairs[i] = texts.share(pairs[i]);
  }

  /** For a series whose state takes no samples: wakes it, or throws `TIDEMARK_THROTTLED` while it is being deleted. */
  makeWritable(row: Row): void {
    this.demandRoom();
    this.parts.makeWritable(row);
  }

  /** The stored fingerprint of a label set, whether its series exists or not. */
  fingerprintOf(pairs: LabelPairs): { high: number; low: number } {
    const { table, mapper } = this.parts;
    const row = table.findPairs(pairs);
    if (row !== NO_ROW) return { high: table.high[row], low: table.low[row] };
    fastFingerprint(pairs, this.fingerprint);
    const known = mapper.peek(this.fingerprint[0], this.fingerprint[1], pairs, this.lookups);
    return { high: known.high, low: known.low };
  }

  /** The labels of the archived series with this fingerprint, or `undefined` if there is none. */
  readonly archivedPairs = (high: number, low: number): LabelPairs | undefined =>
    this.parts.archived.has(high, low)
      ? (this.parts.indexer.pendingArchived(high, low) ?? this.parts.archive.labelsOf(high, low))
      : undefined;

  /** The labels of the series with this fingerprint, in memory or archived; `undefined` if there is none. */
  pairsOf(high: number, low: number): LabelPairs | undefined {
    const row = this.parts.table.findFingerprint(high, low);
    return row === NO_ROW ? this.archivedPairs(high, low) : this.parts.table.labels[row];
  }

  private readonly memoryPairs = (high: number, low: number): LabelPairs | undefined => {
    const row = this.parts.table.findFingerprint(high, low);
    return row === NO_ROW ? this.parts.leavingPairs(high, low) : this.parts.table.labels[row];
  };

  private readonly lookups = { inMemory: this.memoryPairs, archived: this.archivedPairs };

  /**
   * The index queue is bounded. From when it is full until it is half empty, the store's statechart refuses series that
   * must be indexed or woken from the archive.
   */
  private demandRoom(): void {
    const { admission, indexer } = this.parts;
    if (!admission.refusesNewSeries) return;
    throw new TidemarkError(
      'TIDEMARK_THROTTLED',
      `${indexer.queued} changes of series wait for the indexes; await store.ready() and append again`,
    );
  }

  private admit(pairs: LabelPairs, hash: number): Row {
    const { table, mapper, archived, indexer, bus, clock } = this.parts;
    fastFingerprint(pairs, this.fingerprint);
    const stored = mapper.map(this.fingerprint[0], this.fingerprint[1], pairs, this.lookups);
    const { high, low } = stored;
    this.demandRoom();
    if (archived.has(high, low)) return this.parts.wake(high, low, pairs);
    const row = table.add(high, low, pairs, undefined, hash);
    this.created++;
    const position = bus.publishCreated(clock.now(), high, low, pairs);
    indexer.enqueue({ type: 'index', high, low, pairs, position });
    return row;
  }
}
