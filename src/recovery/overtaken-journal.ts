/**
 * Adds samples that only the journal has, after another program has written in the directory since the journal ended.
 * The journal's samples were acknowledged, so they are kept. But the files, the archive and the labels that the other
 * program wrote are newer than the journal's events. So only samples are taken from the journal, and nothing is cut,
 * replaced or deleted:
 *
 *   - Samples that are newer than all samples of the series are appended.
 *   - Samples between those of the series are merged into its file.
 *   - A series that exists only in the journal is created again, unless the journal says that it was deleted.
 *
 * The journal is read twice: first the events, which have the labels and the deletions, then the samples. A bounded
 * number of samples is in memory at a time.
 */

import { Slices } from '../async/slices.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { ArchiveIndex } from '../indexes/archive-index.ts';
import type { IndexingOperation } from '../indexes/indexer.ts';
import type { FindingListener } from '../journal/read/journal-findings.ts';
import { readJournal, type SamplesRecord } from '../journal/read/read-journal.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { isReserved } from '../model/collisions.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { type Fingerprint, type FingerprintHalves, fingerprintText, parseFingerprint } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import { type LabelPairs, pairsEqual, toLabelPairs, toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { TimeSpan } from '../series/erased-ranges.ts';
import { FILE_UNSYNCED, NO_ROW, type Row } from '../series/table.ts';
import { type MergeParts, mergeSeries, SampleBag, timesInFile, timesInMemory } from './merge-series.ts';

/** Samples of the journal that are in memory at a time, roughly: 24 bytes each, and up to 1 kB for each series. */
const SAMPLES_AT_A_TIME = 1 << 21;
/** Bytes that a sample takes in the journal, at least nearly always. */
const SAMPLE_BYTES = 3;
/** Series whose refused samples are logged one by one. */
const LOGGED_MAX = 100;

export interface OvertakenParts extends MergeParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly archive: Pick<ArchiveIndex, 'labelsOf'>;
  readonly archived: ArchiveDirectory;
  /** Collects index operations that may run only after a checkpoint holds the added samples. */
  readonly afterCheckpoint: (operation: IndexingOperation) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFinding: FindingListener;
  readonly onProgress: (done: number, total: number) => void;
  /** Most samples of the journal that are in memory at a time. Default: 2,097,152. */
  readonly samplesAtATime?: number;
}

export interface OvertakenResult {
  /** Number of samples that were missing and have been added. */
  readonly added: number;
  /** Number of series to which samples were added. */
  readonly series: number;
  /** Number of samples that could not be added. The log names their series. */
  readonly refused: number;
}

export const addFromJournal = async (
  parts: OvertakenParts,
  from: Position,
  end: Position,
): Promise<OvertakenResult> => {
  const { fileSystem, directory, clock, onFinding, onProgress, samplesAtATime = SAMPLES_AT_A_TIME } = parts;
  const slices = new Slices(clock);
  const history = new History();
  // From the journal's first record on: labels of series that are older than `from` are told there.
  for (const record of readJournal({ fileSystem, directory, limit: end, eventsOnly: true, onFinding: () => {} })) {
    if (record.type === 'events') for (const event of record.events) history.note(event, record.position);
    if (slices.isOver) await slices.breathe();
  }
  const dropped = history.droppedFrom(from);
  if (dropped.length > 0) {
    parts.logger.warn(
      { fingerprints: dropped },
      'Time ranges of these series were dropped before another program had the directory. It may have brought their ' +
        'samples back: drop the ranges once more.',
    );
  }
  const addition = new Addition(parts, history);
  // Each round takes a part of the series with all their samples, so that no series file is merged twice.
  const rounds = Math.max(1, Math.ceil((end - from) / SAMPLE_BYTES / samplesAtATime));
  for (let round = 0; round < rounds; round++) {
    for (const record of readJournal({ fileSystem, directory, from, limit: end, onFinding })) {
      if (record.type !== 'events') addition.take(record, round, rounds);
      if (!slices.isOver) continue;
      onProgress((round * (end - from) + record.position - from) / rounds, end - from);
      await slices.breathe();
    }
    await addition.add(slices);
  }
  return addition.result();
};

/** Labels and deletions of series, from the journal's events. */
class History {
  private readonly labels = new Map<Fingerprint, LabelPairs>();
  private readonly deletedAt = new Map<Fingerprint, Position>();
  private readonly dropped = new Map<Fingerprint, (TimeSpan & { readonly position: Position })[]>();

  note(event: LifecycleEvent, position: Position): void {
    switch (event.type) {
      case 'seriesCreated':
      case 'seriesArchived':
      case 'seriesUnarchived':
        this.labels.set(event.fingerprint, toLabelPairs(event.labels));
        return;
      case 'seriesQuarantined':
        // The series went on with the samples that it had in memory.
        if (event.hasSuccessor === true) return;
        this.end(event.fingerprint, position);
        return;
      case 'seriesPurged':
        this.end(event.fingerprint, position);
        return;
      case 'samplesDropped': {
        const { fingerprint, from = -Infinity, through = Infinity } = event;
        this.dropped.set(fingerprint, [...(this.dropped.get(fingerprint) ?? []), { from, through, position }]);
        return;
      }
      default:
        return;
    }
  }

  private end(fingerprint: Fingerprint, position: Position): void {
    this.labels.delete(fingerprint);
    this.deletedAt.set(fingerprint, position);
  }

  /** Whether the sample's time range was dropped after the position. */
  isDroppedAfter(fingerprint: Fingerprint, time: number, position: Position): boolean {
    const spans = this.dropped.get(fingerprint);
    return spans?.some((span) => span.position > position && time >= span.from && time <= span.through) === true;
  }

  /** Series with a time range that was dropped at the position or later. */
  droppedFrom(position: Position): Fingerprint[] {
    const hasLater = (spans: readonly { readonly position: Position }[]): boolean =>
      spans.some((span) => span.position >= position);
    return [...this.dropped].filter(([, spans]) => hasLater(spans)).map(([fingerprint]) => fingerprint);
  }

  labelsOf(fingerprint: Fingerprint): LabelPairs | undefined {
    return this.labels.get(fingerprint);
  }

  /** Whether the series with this fingerprint was deleted after the position. */
  isDeletedAfter(fingerprint: Fingerprint, position: Position): boolean {
    return (this.deletedAt.get(fingerprint) ?? -1) > position;
  }
}

/** Collects samples of the journal by series and adds the missing ones to the store. */
class Addition {
  private readonly parts: OvertakenParts;
  private readonly history: History;
  private readonly bags = new Map<Fingerprint, SampleBag>();
  private readonly changed = new Set<Fingerprint>();
  private added = 0;
  private refused = 0;
  private loggedCount = 0;

  constructor(parts: OvertakenParts, history: History) {
    this.parts = parts;
    this.history = history;
  }

  /** Collects the samples of those series whose turn it is in this round. */
  take({ count, highs, lows, timestamps, words, position }: SamplesRecord, round: number, rounds: number): void {
    for (let i = 0; i < count; i++) {
      if ((lows[i] >>> 0) % rounds !== round) continue;
      const fingerprint = fingerprintText(highs[i], lows[i]);
      if (this.history.isDeletedAfter(fingerprint, position)) continue;
      if (this.history.isDroppedAfter(fingerprint, timestamps[i], position)) continue;
      let bag = this.bags.get(fingerprint);
      if (bag === undefined) {
        bag = new SampleBag();
        this.bags.set(fingerprint, bag);
      }
      bag.add(timestamps[i], words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
    }
  }

  /** Adds the collected samples. */
  async add(slices: Slices): Promise<void> {
    for (const [fingerprint, bag] of this.bags) {
      const count = this.addSeries(parseFingerprint(fingerprint) ?? { high: 0, low: 0 }, fingerprint, bag);
      this.added += count;
      if (count > 0) this.changed.add(fingerprint);
      if (slices.isOver) await slices.breathe();
    }
    this.bags.clear();
  }

  result(): OvertakenResult {
    return { added: this.added, series: this.changed.size, refused: this.refused };
  }

  /** Returns how many samples were missing and have been added. */
  private addSeries(told: FingerprintHalves, fingerprint: Fingerprint, bag: SampleBag): number {
    const { table, archive, archived } = this.parts;
    const pairs = this.history.labelsOf(fingerprint);
    const row = this.rowOf(told, pairs);
    if (row !== NO_ROW) return this.addToRow(row, bag);
    const { high, low } = told;
    const reason = pairs === undefined ? NOT_NAMED : HELD_BY_ANOTHER;
    if (table.findFingerprint(high, low) !== NO_ROW) return this.refuse(told, pairs, bag, reason);
    if (archived.has(high, low)) {
      const found = archive.labelsOf(high, low);
      const isItself = found !== undefined && (pairs === undefined ? !isReserved(high, low) : pairsEqual(found, pairs));
      return isItself ? this.addToArchived(told, found, bag) : this.refuse(told, pairs, bag, reason);
    }
    // The series' labels are unknown: it was deleted, or the event that named it came before the journal's start.
    if (pairs === undefined) return 0;
    return this.addToRow(table.add(high, low, pairs), bag);
  }

  /** Finds the row by its labels if the journal has them: the other program may have changed the fingerprint. */
  private rowOf({ high, low }: FingerprintHalves, pairs: LabelPairs | undefined): Row {
    const { table } = this.parts;
    if (pairs !== undefined) {
      const byLabels = table.findPairs(pairs);
      if (byLabels !== NO_ROW) return byLabels;
    }
    const row = table.findFingerprint(high, low);
    if (row === NO_ROW) return NO_ROW;
    const isItself = pairs === undefined ? !isReserved(high, low) : pairsEqual(table.labels[row] ?? [], pairs);
    return isItself ? row : NO_ROW;
  }

  private addToRow(row: Row, bag: SampleBag): number {
    const { parts } = this;
    const { table } = parts;
    const { added, older } = this.appendNewer(row, bag);
    if (older.columns.count === 0) return added;
    const series = { high: table.high[row], low: table.low[row], row };
    const inFile = timesInFile(parts, series, older.sortedTimes());
    const inMemory = timesInMemory(parts, row);
    const lacking = without(older, inFile.times, inMemory.times);
    if (lacking.columns.count === 0) return added;
    const isWhole = !inFile.isIncomplete && !inMemory.isIncomplete;
    if (isWhole && mergeSeries(parts, series, lacking) !== undefined) return added + lacking.columns.count;
    this.refuse(series, table.labels[row], lacking, CANNOT_BE_READ);
    return added;
  }

  /** Appends the samples that are newer than the series' last one. Returns the others as `older`. */
  private appendNewer(row: Row, bag: SampleBag): { readonly added: number; readonly older: SampleBag } {
    const { table, chunks } = this.parts;
    const { timestamps, words } = bag.columns;
    const older = new SampleBag();
    let added = 0;
    for (const i of bag.inOrder()) {
      const high = words[2 * i + HIGH_WORD];
      const low = words[2 * i + LOW_WORD];
      if (timestamps[i] > table.lastTime(row)) {
        chunks.append(row, timestamps[i], high, low);
        added++;
      } else older.add(timestamps[i], high, low);
    }
    return { added, older };
  }

  private addToArchived({ high, low }: FingerprintHalves, pairs: LabelPairs, bag: SampleBag): number {
    const { parts } = this;
    const series = { high, low, row: NO_ROW };
    const times = bag.sortedTimes();
    const inFile = timesInFile(parts, series, times);
    const lacking = without(bag, inFile.times);
    if (lacking.columns.count === 0) return 0;
    const merged = inFile.isIncomplete ? undefined : mergeSeries(parts, series, lacking);
    if (merged === undefined) {
      const hasNewer = times[times.length - 1] > parts.archived.lastTimeOf(high, low);
      return hasNewer
        ? this.addToRow(this.wake(series, pairs), bag)
        : this.refuse(series, pairs, lacking, CANNOT_BE_READ);
    }
    const { firstTime, lastTime } = merged;
    parts.archived.add(high, low, firstTime, lastTime);
    parts.afterCheckpoint({ type: 'updateTimeRange', high, low, firstTime, lastTime });
    return lacking.columns.count;
  }

  /** Brings an archived series back into memory: its file has a damaged chunk, so newer samples can only go there. */
  private wake({ high, low }: FingerprintHalves, pairs: LabelPairs): Row {
    const { table, archived, chunks, seriesFiles, afterCheckpoint } = this.parts;
    const row = table.add(high, low, pairs);
    const found = seriesFiles.stat(high, low);
    table.chunksInFile[row] = found?.chunks ?? 0;
    table.mtimeNs[row] = found?.mtimeNs ?? -1n;
    table.firstTime[row] = archived.firstTimeOf(high, low);
    table.lastChunkFirstTime[row] = EARLIEST;
    table.lastChunkLastTime[row] = archived.lastTimeOf(high, low);
    table.setFlag(row, FILE_UNSYNCED);
    table.adoptLastTime(row, archived.lastTimeOf(high, low));
    chunks.touch(row);
    archived.remove(high, low);
    afterCheckpoint({ type: 'unarchive', high, low });
    return row;
  }

  private refuse(
    { high, low }: FingerprintHalves,
    pairs: LabelPairs | undefined,
    { columns: { count, timestamps } }: SampleBag,
    reason: string,
  ): 0 {
    this.refused += count;
    if (this.loggedCount++ >= LOGGED_MAX) return 0;
    const times = timestamps.subarray(0, count);
    this.parts.logger.warn(
      {
        fingerprint: fingerprintText(high, low),
        ...(pairs === undefined ? {} : { labels: toLabels(pairs) }),
        samples: count,
        from: times.reduce((a, b) => Math.min(a, b)),
        through: times.reduce((a, b) => Math.max(a, b)),
      },
      `Samples of the journal could not be added: ${reason}.`,
    );
    return 0;
  }
}

const CANNOT_BE_READ = 'a chunk among those of the series is damaged';
const HELD_BY_ANOTHER = 'another series has the fingerprint now';
const NOT_NAMED = 'the fingerprint is a mapped one, and the journal does not name its series';

/** The samples whose time is in none of the sorted lists, one for each time. */
const without = (bag: SampleBag, ...known: readonly Float64Array[]): SampleBag => {
  const lacking = new SampleBag();
  const cursors = known.map(() => 0);
  const { timestamps, words } = bag.columns;
  for (const i of bag.inOrder()) {
    let isKnown = false;
    for (const [k, times] of known.entries()) {
      while (cursors[k] < times.length && times[cursors[k]] < timestamps[i]) cursors[k]++;
      isKnown ||= times[cursors[k]] === timestamps[i];
    }
    if (!isKnown) lacking.add(timestamps[i], words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
  }
  return lacking;
};
