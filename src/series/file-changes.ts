/**
 * Changes of series files that are under way. Before a file is touched, the intent is in the journal and on the disk,
 * so that recovery after a crash looks at these files and at no others. A checkpoint must not let the journal begin
 * after an intent whose change has not been published yet: it asks {@link FileChanges.oldest}.
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
    const intent = { position: this.journal.end };
    this.intents.add(intent);
    try {
      this.bus.publish({ type: 'seriesFilesChanging', time: this.clock.now(), fingerprints });
      announce?.();
      await this.journal.commit();
      return await change();
    } finally {
      this.intents.delete(intent);
    }
  }

  /**
   * Within a change, before files are removed because all of them is past retention: says so, durably. Nothing else would
   * tell recovery that a missing file is no damage.
   */
  async announceRemoval(fingerprints: readonly Fingerprint[]): Promise<void> {
    this.bus.publish({ type: 'seriesFilesChanging', time: this.clock.now(), fingerprints, removing: true });
    await this.journal.commit();
  }
}
