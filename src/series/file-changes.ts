/**
 * Keeps track of changes of series files that are under way. Before a file is touched, the intent is durable in the
 * journal, so that recovery after a crash has to check only these files. A checkpoint must not drop the journal's
 * beginning beyond an intent whose change has not been published yet, so it calls {@link FileChanges.oldest}. A backup
 * records which files change while it copies, and pauses changes while it copies those again.
 */

import type { Position } from '../model/events.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventBus } from './event-bus.ts';

export interface CommittableJournal {
  readonly end: Position;
  commit(): Promise<unknown>;
}

export class FileChanges {
  private readonly journal: CommittableJournal;
  private readonly bus: EventBus;
  private readonly clock: Clock;
  private readonly intents = new Set<{ readonly position: Position }>();
  /** Changes that have begun but not ended. */
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly records = new Set<Set<Fingerprint>>();
  /** Resolves when changes may begin again. */
  private paused: Promise<void> | undefined;

  constructor(journal: CommittableJournal, bus: EventBus, clock: Clock) {
    this.journal = journal;
    this.bus = bus;
    this.clock = clock;
  }

  /** The journal position at which the oldest change under way was announced; `undefined` if there is none. */
  oldest(): Position | undefined {
    let oldest: Position | undefined;
    for (const { position } of this.intents) if (oldest === undefined || position < oldest) oldest = position;
    return oldest;
  }

  /**
   * For a change that may need several attempts: until the returned function is called, checkpoints keep the journal
   * from the current position on, and so the change's announcements.
   */
  hold(): () => void {
    const intent = { position: this.journal.end };
    this.intents.add(intent);
    return () => this.intents.delete(intent);
  }

  /**
   * Announces the change durably, together with the events that `announce` publishes, then makes the change. `change`
   * must publish its outcome before it ends.
   */
  async around<T>(fingerprints: readonly Fingerprint[], change: () => Promise<T>, announce?: () => void): Promise<T> {
    while (this.paused !== undefined) await this.paused;
    const making = this.make(fingerprints, change, announce);
    this.underWay.add(making);
    try {
      return await making;
    } finally {
      this.underWay.delete(making);
      this.note(fingerprints);
    }
  }

  /** Records the files that change from now on in the returned set, until `stop` is called. */
  record(): { readonly changed: Set<Fingerprint>; stop(): void } {
    const changed = new Set<Fingerprint>();
    this.records.add(changed);
    return { changed, stop: () => this.records.delete(changed) };
  }

  /** Waits until no file is being changed. No change begins until the function it resolves with is called. */
  async pause(): Promise<() => void> {
    while (this.paused !== undefined) await this.paused;
    let resume = (): void => {};
    this.paused = new Promise((resolve) => {
      resume = () => {
        this.paused = undefined;
        resolve();
      };
    });
    await Promise.allSettled([...this.underWay]);
    return resume;
  }

  /**
   * Called within a change, before files are removed because all their samples are past retention. Announces the
   * removal durably: without this event, recovery would treat a missing file as damage.
   */
  async announceRemoval(fingerprints: readonly Fingerprint[]): Promise<void> {
    this.bus.publish({ type: 'seriesFilesChanging', time: this.clock.now(), fingerprints, removing: true });
    await this.journal.commit();
  }

  /** Called with the announcement of a change: the files are rewritten, so their chunks become other ones. */
  announceRewriting(fingerprints: readonly Fingerprint[]): void {
    this.bus.publish({ type: 'seriesFilesChanging', time: this.clock.now(), fingerprints, rewriting: true });
  }

  private async make<T>(
    fingerprints: readonly Fingerprint[],
    change: () => Promise<T>,
    announce: (() => void) | undefined,
  ): Promise<T> {
    const intent = { position: this.journal.end };
    this.intents.add(intent);
    // Recorded before the change begins as well, so that a backup copies the file again if it copied it meanwhile.
    this.note(fingerprints);
    try {
      this.bus.publish({ type: 'seriesFilesChanging', time: this.clock.now(), fingerprints });
      announce?.();
      await this.journal.commit();
      return await change();
    } finally {
      this.intents.delete(intent);
    }
  }

  private note(fingerprints: readonly Fingerprint[]): void {
    for (const changed of this.records) for (const fingerprint of fingerprints) changed.add(fingerprint);
  }
}
