/**
 * Between the store and a disk that refuses: turns what the statechart says into what the append path reads, keeps the
 * reserve, and tries again what the disk refused. While the store waits for the disk, samples are refused with the reason
 * and nothing that was taken is lost.
 */
import { admissionOf } from '../../machines/store.machine.ts';
import { ReserveFile } from '../disk/reserve-file.ts';
import { isDiskFull, isDiskTrouble } from '../errors.ts';
import type { JournalWriter } from '../journal/journal-writer.ts';
import type { Engine, StoreActor } from './engine.ts';

export class DiskGuard {
  readonly reserve: ReserveFile;
  private readonly engine: Engine;
  private readonly journal: JournalWriter;
  private readonly actor: StoreActor;
  private trouble: unknown;

  constructor(engine: Engine, journal: JournalWriter, actor: StoreActor) {
    this.engine = engine;
    this.journal = journal;
    this.actor = actor;
    this.reserve = new ReserveFile(engine.fileSystem, engine.journalDirectory);
  }

  /** Samples are refused because of the disk; only what frees space is still done. */
  get isWaiting(): boolean {
    return this.actor.getSnapshot().hasTag('readOnly');
  }

  /** Puts what the statechart says into what the append path reads. */
  applyAdmission(): void {
    const { admission } = this.engine;
    const snapshot = this.actor.getSnapshot();
    switch (admissionOf(snapshot)) {
      case 'open':
        if (admission.refusal !== undefined) admission.open();
        return;
      case 'throttled':
        admission.refuse(
          'TIDEMARK_THROTTLED',
          'too many chunks wait to be written to the disk; await store.ready() and append again',
        );
        return;
      case 'readOnly':
        if (snapshot.context.openedReadOnly)
          admission.end('TIDEMARK_READ_ONLY', 'the store was opened with readOnly: true');
        else
          admission.refuse(
            this.troubleCode,
            `the disk refuses writes: ${snapshot.context.reason}; await store.ready()`,
            this.trouble,
          );
        return;
      case 'closed':
        admission.end('TIDEMARK_CLOSED', 'the store is closed');
    }
  }

  private get troubleCode(): 'TIDEMARK_DISK_FULL' | 'TIDEMARK_IO' {
    return isDiskFull(this.trouble) ? 'TIDEMARK_DISK_FULL' : 'TIDEMARK_IO';
  }

  /** Something failed in the background: said, and when it is the disk's doing, the store waits for the disk. */
  note(message: string, error: unknown): void {
    this.engine.logger.warn({ err: error }, message);
    if (!isDiskTrouble(error)) return;
    this.trouble = error;
    this.actor.send({ type: 'diskTrouble', reason: error instanceof Error ? error.message : String(error) });
  }

  /**
   * The store has turned read-only: what the disk refused is tried again with the reserve given back, so that nothing
   * taken waits longer than it must, and retention has room to free more.
   */
  async makeRoom(): Promise<void> {
    try {
      if (isDiskFull(this.trouble)) this.reserve.release();
      await this.retryJournal();
    } catch (error) {
      this.engine.logger.debug({ err: error }, 'The disk still refuses.');
    }
  }

  /** Tries again what the disk refused of the journal, if it did, with the reserve given back if that is what it takes. */
  async retryJournal(): Promise<void> {
    const { journal } = this;
    if (journal.writable) return;
    if (isDiskFull(journal.error)) this.reserve.release();
    await journal.retry();
  }

  /**
   * Resolves if the disk takes what waits and there is room for the reserve again; the statechart's probe. What was taken
   * comes first: it may use the reserve, too.
   */
  async probe(): Promise<void> {
    if (this.journal.writable) await this.journal.commit();
    else await this.retryJournal();
    await this.reserve.hold(() => this.engine.clock.breathe());
    // The reserve takes its time, and space: what came meanwhile may have been refused for want of it.
    if (this.journal.error !== undefined) throw this.journal.error;
  }
}
