/**
 * From labels to the row of their series: found, created, or woken from the archive. The stored fingerprint comes from
 * the collision mapper, and labels are compared on every hit, so one series never gets another's samples.
 */
import type { Clock } from '../clock.ts';
import { TidemarkError } from '../errors.ts';
import type { ArchiveDirectory } from '../index/archive-directory.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { Indexer } from '../index/indexer.ts';
import type { FingerprintMapper } from '../model/collisions.ts';
import { fastFingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, type Labels, labelHash, pairsHash, toLabelPairs } from '../model/labels.ts';
import type { EventBus } from './event-bus.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

export interface SeriesDirectoryParts {
  readonly table: SeriesTable;
  readonly mapper: FingerprintMapper;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly bus: EventBus;
  readonly clock: Clock;
  /** Brings an archived series back into a row; the life of the series changes, so its statechart does it. */
  readonly wake: (high: number, low: number, pairs: LabelPairs) => Row;
  /** The labels of a series that is neither in memory nor archived any more, and whose fingerprint is not free yet. */
  readonly leavingPairs: (high: number, low: number) => LabelPairs | undefined;
  /** Makes a row take samples, or throws why it can't now. */
  readonly makeWritable: (row: Row) => void;
}

export class SeriesDirectory {
  private readonly parts: SeriesDirectoryParts;
  private readonly fingerprint = new Int32Array(2);
  created = 0;

  constructor(parts: SeriesDirectoryParts) {
    this.parts = parts;
  }

  /** The row for these labels: the series is created, or woken from the archive, if need be. */
  resolve(labels: Labels): Row {
    const hash = labelHash(labels);
    const row = this.parts.table.findHashed(labels, hash);
    // Asked again by what is kept: labels may answer differently each time that they are read.
    return row === NO_ROW ? this.resolvePairs(toLabelPairs(labels)) : row;
  }

  resolvePairs(pairs: LabelPairs): Row {
    const hash = pairsHash(pairs);
    const row = this.parts.table.findPairsHashed(pairs, hash);
    return row === NO_ROW ? this.admit(pairs, hash) : row;
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

  /** The labels of an archived series, or `undefined` when there is none with this fingerprint. */
  readonly archivedPairs = (high: number, low: number): LabelPairs | undefined =>
    this.parts.archived.has(high, low)
      ? (this.parts.indexer.pendingArchived(high, low) ?? this.parts.archive.labelsOf(high, low))
      : undefined;

  private readonly memoryPairs = (high: number, low: number): LabelPairs | undefined => {
    const row = this.parts.table.findFingerprint(high, low);
    return row === NO_ROW ? this.parts.leavingPairs(high, low) : this.parts.table.labels[row];
  };

  private readonly lookups = { inMemory: this.memoryPairs, archived: this.archivedPairs };

  /** The index queue is bounded: a series that has to be indexed, or taken out of the archive, waits when it is full. */
  private demandRoom(): void {
    const { indexer } = this.parts;
    if (indexer.queued < indexer.capacity) return;
    throw new TidemarkError(
      'TIDEMARK_THROTTLED',
      `${indexer.queued} changes of series wait to be indexed, the most that may; await store.ready() and append again`,
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
