/**
 * Reads the events of a directory's journal from its files, even while another process has the directory open. Nothing
 * is recovered and nothing is written. A record that is being written now is read when it is whole.
 *
 * The other process removes segments that it no longer needs. It keeps each one for at least two seconds after its
 * creation, but only half a second when it closes the store, and no time at all when the size of the store is limited
 * (docs/decisions/0013-segments-stay-for-a-moment.md). This reader looks for new segments five times a second and holds
 * them open. So it reads every segment to its end, unless its consumer pauses for longer. Then it takes the lifecycle
 * events from the history and reports the rest of the range as lost.
 */
import { join } from 'node:path';
import { stoppable } from '../async/stoppable.ts';
import { prepareDirectory } from '../disk/store-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { withTypedErrors } from '../files/typed-errors.ts';
import { readHistoryFiles } from '../journal/history/read-history.ts';
import { describeFinding, type JournalFinding } from '../journal/read/journal-findings.ts';
import { listSegments } from '../journal/read/segment-list.ts';
import type { JournalEvent, Position } from '../model/events.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { EventSource } from './event-source.ts';
import type { LostRange } from './subscription-cursors.ts';

/** Time between two looks at a journal that is followed. */
const LOOK_MS = 200;
/** Lifecycle events between two turns of the host's event loop. */
const EVENTS_PER_BREATH = 1000;

export interface ReadEventsOptions {
  /** Begins with the first event after this position. Default: the oldest event that is kept. */
  readonly from?: Position;
  /** Continues with events that are written from now on, until `signal` aborts. Default false. */
  readonly follow?: boolean;
  /** Leaves out the batches of samples. Lifecycle events are kept longer than samples. Default false. */
  readonly lifecycle?: boolean;
  readonly signal?: AbortSignal;
  /** Called with one sentence for each part of the journal that cannot be read. */
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

/** Reads the journal and its history as one source of events. */
class DirectoryJournal {
  private readonly parts: {
    readonly fileSystem: FileSystem;
    readonly directory: string;
    readonly onFinding: (finding: JournalFinding) => void;
  };
  private readonly options: ReadEventsOptions;
  private source: EventSource | undefined;
  /** Position up to which events of the history have been yielded. */
  private through: Position;
  /** Ranges that are in no segment. `fill` has not looked for them in the history yet. */
  private missing: LostRange[] = [];
  private lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(fileSystem: FileSystem, directory: string, options: ReadEventsOptions) {
    this.options = options;
    this.parts = { fileSystem, directory, onFinding: (finding) => this.note(finding) };
    this.through = options.from ?? 0;
  }

  /** The lifecycle events of the history, including events that are moved there meanwhile. */
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
    // Position 0 means the oldest record that is kept.
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

  /** The history's lifecycle events for the missing ranges up to a position. Reports ranges that are not filled. */
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
    // When following, an empty segment is a file that the writing process has just created; its header will come.
    else if (finding.kind !== 'emptySegment' || this.options.follow !== true) this.report(finding);
  }

  private report(finding: JournalFinding): void {
    this.options.onProblem?.(describeFinding(finding));
  }
}

const isLifecycle = ({ type }: JournalEvent): boolean => type !== 'samplesAppended' && type !== 'lateSamplesAppended';

/** Waits for the next look, or until the signal aborts. It keeps the process alive, because nothing else may do so. */
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
