/**
 * Which series files a full recovery leaves to the replay that follows it.
 *
 * If the journal continues exactly this checkpoint, the replay compares the files that the journal names as changing
 * with what was acknowledged (reconcile.ts). A scan could not do that: a loss of power leaves zeros in chunks that were
 * not synced, and zeros can decode as repeated samples. If chunks are missing or have a damaged header whose samples are
 * neither in memory nor in the journal, the scan examines the file nevertheless.
 */
import { Slices } from '../async/slices.ts';
import type { ChunkDescriptors } from '../disk/series-files/series-file-reader.ts';
import type { SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import type { FileSystem } from '../files/file-system.ts';
import { type JournalFinding, losesRecords } from '../journal/read/journal-findings.ts';
import { readJournal } from '../journal/read/read-journal.ts';
import type { LifecycleEvent, Position, SamplesDropped } from '../model/events.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { Clock } from '../ports/clock.ts';
import { isInOrder } from './file-examiner.ts';

/** Files whose headers are read with one message to the worker. */
const FILES_PER_BATCH = 128;

/** The part of the journal that is replayed after the scan. */
export interface ReplayAfterScan {
  readonly from: Position;
  readonly end: Position;
  /** It begins exactly where a sound checkpoint ends. */
  readonly isGapless: boolean;
}

export interface LeftParts {
  readonly fileSystem: FileSystem;
  readonly journalDirectory: string;
  readonly files: Pick<SeriesFileWorker, 'run'>;
  readonly clock: Clock;
  /** All chunks of all files are to be read. */
  readonly isPedantic: boolean;
}

/** What was known of a file before the replayed part of the journal. Later chunks were written from memory. */
export interface KnownFile {
  readonly high: number;
  readonly low: number;
  /** Number of chunks; `undefined` if it is unknown. */
  readonly chunks: number | undefined;
  /** First time of the file; EARLIEST if it is unknown. */
  readonly firstTime: number;
  /** Last time of these chunks, or that of the first sample after them; EARLIEST if it is unknown. */
  readonly lastTime: number;
}

/** What the journal says about files. */
interface TailFacts {
  readonly created: ReadonlySet<Fingerprint>;
  /** Series that were taken out of the archive, with the last time of their file as it was then. */
  readonly woken: ReadonlyMap<Fingerprint, number | undefined>;
  /** Series whose files have changed, or were about to change. */
  readonly changed: ReadonlySet<Fingerprint>;
  /** Of these, the files that were rewritten, or from whose beginning chunks were dropped. */
  readonly reshaped: ReadonlySet<Fingerprint>;
  /** The time ranges that were dropped. */
  readonly dropped: ReadonlyMap<Fingerprint, readonly SamplesDropped[]>;
  /** Records are lost, so samples of the files may be nowhere else. */
  readonly isDamaged: boolean;
}

export class LeftToReplay {
  private readonly parts: LeftParts;
  private readonly tail: TailFacts;
  private readonly leavesFiles: boolean;

  private constructor(parts: LeftParts, tail: TailFacts, leavesFiles: boolean) {
    this.parts = parts;
    this.tail = tail;
    this.leavesFiles = leavesFiles && !tail.isDamaged;
  }

  static async read(parts: LeftParts, replay: ReplayAfterScan | undefined): Promise<LeftToReplay> {
    if (replay === undefined) return new LeftToReplay(parts, nothing, false);
    const leavesFiles = replay.isGapless && !parts.isPedantic;
    // Only then it matters whether a record of samples is damaged.
    return new LeftToReplay(parts, await readTail(parts, replay, { eventsOnly: !leavesFiles }), leavesFiles);
  }

  /** Whether the replay will create the series. */
  isCreated(high: number, low: number): boolean {
    return this.tail.created.has(fingerprintText(high, low));
  }

  /** Whether the file of a series that the replay creates is left to it. The journal has all samples of such a series. */
  leavesCreated(high: number, low: number): boolean {
    return this.mayLeave(high, low) && this.isCreated(high, low);
  }

  /** What is known of the file of an archived series that the replay wakes; `undefined` if it is not left to it. */
  wokenFile(high: number, low: number): KnownFile | undefined {
    const lastTime = this.tail.woken.get(fingerprintText(high, low));
    if (lastTime === undefined || !this.mayLeave(high, low)) return undefined;
    return { high, low, chunks: undefined, firstTime: EARLIEST, lastTime };
  }

  /** Whether the file may be left to the replay: the journal names it as changing. */
  mayLeave(high: number, low: number): boolean {
    return this.leavesFiles && this.tail.changed.has(fingerprintText(high, low));
  }

  /** Which of these files are left to the replay. {@link mayLeave} holds for each of them. */
  async choose(known: readonly KnownFile[]): Promise<boolean[]> {
    const { files, clock } = this.parts;
    const isLeft: boolean[] = [];
    for (let start = 0; start < known.length; start += FILES_PER_BATCH) {
      const batch = known.slice(start, start + FILES_PER_BATCH);
      const outcomes = await files.run(
        batch.map(
          ({ high, low }) => ({ kind: 'descriptors', high, low, skipFromEnd: 0, passOverTornEnd: true }) as const,
        ),
      );
      for (const [i, file] of batch.entries()) {
        const outcome = outcomes[i];
        isLeft.push(outcome.ok && isKnownPartSound(file, outcome.value, this.shapeOf(file)));
      }
      await clock.breathe();
    }
    return isLeft;
  }

  private shapeOf({ high, low, lastTime }: KnownFile): Shape {
    const fingerprint = fingerprintText(high, low);
    if (!this.tail.reshaped.has(fingerprint)) return 'same';
    const ranges = this.tail.dropped.get(fingerprint) ?? [];
    const isDropped = ranges.some(
      ({ from = -Infinity, through = Infinity }) => from <= lastTime && lastTime <= through,
    );
    return isDropped ? 'shortened' : 'reshaped';
  }
}

/**
 * How the file has changed since. `same`: chunks were only added to its end. `reshaped`: chunks were dropped from its
 * beginning, or divided in another way. `shortened`: its last samples were dropped, too.
 */
type Shape = 'same' | 'reshaped' | 'shortened';

/** Whether the known chunks are there, and their headers are sound. */
export const isKnownPartSound = (
  { chunks, firstTime, lastTime }: Pick<KnownFile, 'chunks' | 'firstTime' | 'lastTime'>,
  found: ChunkDescriptors,
  shape: Shape,
): boolean => {
  const { firstTimes, lastTimes, encodings } = found;
  if (shape === 'same' && firstTime !== EARLIEST && firstTimes[0] !== firstTime) return false;
  let end = encodings.length;
  if (shape === 'same') end = chunks ?? lastTimes.indexOf(lastTime) + 1;
  else if (shape === 'reshaped' && lastTime !== EARLIEST) end = lastTimes.findIndex((time) => time >= lastTime) + 1;
  const isThere = end > 0 || chunks === 0;
  return (
    isThere &&
    end <= encodings.length &&
    isInOrder({
      firstTimes: firstTimes.subarray(0, end),
      lastTimes: lastTimes.subarray(0, end),
      encodings: encodings.subarray(0, end),
    })
  );
};

const readTail = async (
  { fileSystem, journalDirectory, clock }: LeftParts,
  { from, end }: ReplayAfterScan,
  { eventsOnly }: { readonly eventsOnly: boolean },
): Promise<TailFacts> => {
  const created = new Set<Fingerprint>();
  const woken = new Map<Fingerprint, number | undefined>();
  const changed = new Set<Fingerprint>();
  const reshaped = new Set<Fingerprint>();
  const dropped = new Map<Fingerprint, SamplesDropped[]>();
  let isDamaged = false;
  const onFinding = (finding: JournalFinding): void => {
    if (losesRecords(finding)) isDamaged = true;
  };
  const note = (event: LifecycleEvent): void => {
    if (event.type === 'seriesCreated') created.add(event.fingerprint);
    else if (event.type === 'chunksDropped') reshaped.add(event.fingerprint);
    else if (event.type === 'samplesDropped')
      dropped.set(event.fingerprint, [...(dropped.get(event.fingerprint) ?? []), event]);
    else if (event.type === 'seriesUnarchived') {
      // The first time counts: afterwards, its samples are in the journal.
      if (!woken.has(event.fingerprint)) woken.set(event.fingerprint, event.lastTime);
    } else if (event.type === 'seriesFilesChanging') {
      for (const fingerprint of event.fingerprints) {
        changed.add(fingerprint);
        if (event.rewriting === true || event.removing === true) reshaped.add(fingerprint);
      }
    }
  };
  const slices = new Slices(clock);
  const tail = { fileSystem, directory: journalDirectory, from, limit: end, eventsOnly, onFinding };
  for (const record of readJournal(tail)) {
    if (slices.isOver) await slices.breathe();
    if (record.type === 'events') for (const event of record.events) note(event);
  }
  return { created, woken, changed, reshaped, dropped, isDamaged };
};

const nothing: TailFacts = {
  created: new Set(),
  woken: new Map(),
  changed: new Set(),
  reshaped: new Set(),
  dropped: new Map(),
  isDamaged: false,
};
