/**
 * Changes of series files that are under way. Before a file is touched, the intent is in the journal and on the disk,
 * so that recovery after a crash looks at these files and at no others. A checkpoint must not let the journal begin
 * after an intent whose change has not been published yet: it asks {@link FileChanges.oldest}. A backup asks which files
 * were changed while it copied, and has changes wait while it copies those again.
 */
import type { Clock } from '../clock.ts';
import type { Position } from '../model/events.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
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
  /** Changes that have begun and not ended. */
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly records = new Set<Set<Fingerprint>>();
  /** Resolves when changes may begin again. */
  private paused: Promise<void> | undefined;

  constructor(journal: CommittableJournal, bus: EventBus, clock: Clock) {
    this.journal = journal;
    this.bus = bus;
    this.clock = clock;
  }

  /** Where the oldest change under way was announced; `undefined` when there is none. */
  oldest(): Position | undefined {
    let oldest: Position | undefined;
    for (const { position } of this.intents) if (oldest === undefined || position < oldest) oldest = position;
    return oldest;
  }

  /**
   * For a change that may have to be tried again and again: from now on, until what is returned is called, no checkpoint
   * lets the journal begin after its announcements.
   */
  hold(): () => void {
    const intent = { position: this.journal.end };
    this.intents.add(intent);
    return () => this.intents.delete(intent);
  }

  /**
   * Announces the change durably, with what else `announce` publishes, then makes it. What became of it must be published
   * before `change` ends.
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

  /** Notes which files are changed from now on, in the set that is returned; `stop` ends that. */
  record(): { readonly changed: Set<Fingerprint>; stop(): void } {
    const changed = new Set<Fingerprint>();
    this.records.add(changed);
    return { changed, stop: () => this.records.delete(changed) };
  }

  /** Resolves when no file is being changed. None will be until what it resolves with is called. */
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
   * Within a change, before files are removed because all of them is past retention: says so, durably. Nothing else would
   * tell recovery that a missing file is no damage.
   */
  async announceRemoval(fingerprints: readonly Fingerprint[]): Promise<void> {
    this.bus.publish({ type: 'seriesFilesChanging', time: this.clock.now(), fingerprints, removing: true });
    await this.journal.commit();
  }

  private async make<T>(
    fingerprints: readonly Fingerprint[],
    change: () => Promise<T>,
    announce: (() => void) | undefined,
  ): Promise<T> {
    const intent = { position: this.journal.end };
    this.intents.add(intent);
    // Also before it begins: what is copied in the middle of it is copied again.
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
