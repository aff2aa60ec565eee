/**
 * The events of a directory's journal as they are on the disk, also while another process has the directory open: nothing
 * is recovered and nothing is written. A record that is being written at this moment is read when it is whole.
 *
 * The other process removes segments that it does not need any more, each two seconds after it was created or later. This
 * reader looks for new ones five times a second and holds them open, so it reads every one to its end unless its consumer
 * stays away for longer. Then it gives the lifecycle events from the history and reports the range of the rest.
 */
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { prepareDirectory } from '../disk/directory.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { nodeFileSystem } from '../disk/node-file-system.ts';
import { withTypedErrors } from '../disk/typed-errors.ts';
import type { JournalEvent, Position } from '../model/events.ts';
import { stoppable } from '../stoppable.ts';
import { EventSource } from './event-source.ts';
import { describeFinding, type JournalFinding } from './findings.ts';
import { readHistoryFiles } from './read-history.ts';
import { listSegments } from './segment-list.ts';
import type { LostRange } from './subscription-cursors.ts';

/** How often a journal that is followed is looked at. */
const LOOK_MS = 200;
/** Lifecycle events between two turns of the host's event loop. */
const EVENTS_PER_BREATH = 1000;

export interface ReadEventsOptions {
  /** Events that end after this position. Default: from the oldest one that is kept. */
  readonly from?: Position;
  /** Goes on with what is written from now on, until `signal` aborts. Default false. */
  readonly follow?: boolean;
  /** Leaves out the batches of samples; lifecycle events are kept longer than those. Default false. */
  readonly lifecycle?: boolean;
  readonly signal?: AbortSignal;
  /** Called, with one sentence each, for what in the journal cannot be read. */
  readonly onProblem?: (message: string) => void;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
}

/**
 * Reads a directory's journal, oldest event first. Ends without an error when `signal` aborts.
 *
 * @throws {TidemarkError} `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`
 */
export const readEvents = (directory: string, options: ReadEventsOptions = {}): AsyncGenerator<JournalEvent> => {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  return stoppable(eventsOf(directory, { ...options, signal }), () => stop.abort());
};

async function* eventsOf(
  directory: string,
  options: ReadEventsOptions & { readonly signal: AbortSignal },
): AsyncGenerator<JournalEvent, void, undefined> {
  const { lifecycle = false, signal, clock = systemClock } = options;
  const fileSystem = withTypedErrors(options.fileSystem ?? nodeFileSystem);
  prepareDirectory(fileSystem, directory, { readOnly: true });
  const journal = new DirectoryJournal(fileSystem, join(directory, 'journal'), options);
  let count = 0;
  try {
    for (const events of lifecycle ? [journal.kept()] : []) {
      for (const event of events) {
        if (signal.aborted) return;
        if (++count % EVENTS_PER_BREATH === 0) await clock.breathe();
        yield event;
      }
    }
    journal.open();
    while (!signal.aborted) {
      const batch = journal.take(clock.monotonic());
      if (batch !== undefined) {
        yield* batch;
        await clock.breathe();
      } else if (options.follow === true) await pause(clock, signal);
      else return;
    }
  } finally {
    journal.close();
  }
}

/** The journal and the history beside it, as one source. */
class DirectoryJournal {
  private readonly parts: {
    readonly fileSystem: FileSystem;
    readonly directory: string;
    readonly onFinding: (finding: JournalFinding) => void;
  };
  private readonly options: ReadEventsOptions;
  private source: EventSource | undefined;
  /** Where the history ends that was given. */
  private through: Position;
  /** Ranges that are in no segment, and not accounted for yet. */
  private missing: LostRange[] = [];
  private lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(fileSystem: FileSystem, directory: string, options: ReadEventsOptions) {
    this.options = options;
    this.parts = { fileSystem, directory, onFinding: (finding) => this.note(finding) };
    this.through = options.from ?? 0;
  }

  /** The lifecycle events of the history. What is moved there meanwhile is given, too. */
  *kept(): Generator<JournalEvent, void, undefined> {
    for (;;) {
      const through = yield* readHistoryFiles(this.parts, this.through);
      const [oldest] = listSegments(this.parts.fileSystem, this.parts.directory).segments;
      const isComplete = oldest === undefined || oldest.previousEnd <= through || through === this.through;
      this.through = through;
      if (isComplete) return;
    }
  }

  open(): void {
    const { lifecycle = false } = this.options;
    // From the beginning means from what is kept.
    const [oldest] = this.through === 0 ? listSegments(this.parts.fileSystem, this.parts.directory).segments : [];
    const from = oldest?.start ?? this.through;
    this.source = new EventSource({ ...this.parts, from, eventsOnly: lifecycle });
  }

  /** The next events, or `undefined` when there are none now. */
  take(nowMs: number): JournalEvent[] | undefined {
    const { source, options } = this;
    if (source === undefined) return undefined;
    if (nowMs - this.lookedAtMs >= LOOK_MS / 2) {
      source.lookAhead();
      this.lookedAtMs = nowMs;
    }
    const batch = source.take();
    if (batch === undefined) return undefined;
    const filled = batch.lost === undefined ? [] : this.fill(batch.lost.to);
    return [...filled, ...(options.lifecycle === true ? batch.events.filter(isLifecycle) : batch.events)];
  }

  close(): void {
    this.source?.close();
  }

  /** The lifecycle events of missing ranges up to a position, from the history; reports what it does not have. */
  private fill(to: Position): JournalEvent[] {
    const events: JournalEvent[] = [];
    for (const range of this.missing.filter((one) => one.to <= to)) {
      let through = range.from;
      const history = readHistoryFiles(this.parts, range.from);
      for (let next = history.next(); ; next = history.next()) {
        if (next.done === true) {
          through = next.value;
          break;
        }
        if (next.value.position <= range.to) events.push(next.value);
      }
      const isWhole = this.options.lifecycle === true && through >= range.to;
      if (!isWhole) this.report({ kind: 'missingSegment', ...range });
    }
    this.missing = this.missing.filter((one) => one.to > to);
    return events;
  }

  private note(finding: JournalFinding): void {
    if (finding.kind === 'missingSegment') this.missing.push(finding);
    // The process that writes has created a file and not written its header yet.
    else if (finding.kind !== 'emptySegment' || this.options.follow !== true) this.report(finding);
  }

  private report(finding: JournalFinding): void {
    this.options.onProblem?.(describeFinding(finding));
  }
}

const isLifecycle = ({ type }: JournalEvent): boolean => type !== 'samplesAppended';

/** Waits until it is time to look again, or until the signal aborts. Keeps the process alive: nothing else may. */
const pause = (clock: Clock, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const release = clock.hold?.();
    const end = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', end);
      release?.();
      resolve();
    };
    const timer = clock.setTimeout(end, LOOK_MS);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
