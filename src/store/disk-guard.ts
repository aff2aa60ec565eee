/**
 * Handles a disk that refuses writes. It passes the statechart's decision to the append path, keeps the reserve file,
 * and repeats writes that the disk refused. While the store waits for the disk, it refuses samples with the reason; no
 * accepted sample is lost.
 */
import { admissionOf, type DiskTrouble } from '../../machines/store.machine.ts';
import { ReserveFile, ReserveGivenBack } from '../files/reserve-file.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import { isDiskFull, isDiskTrouble } from '../model/errors.ts';
import type { TimerHandle } from '../ports/clock.ts';
import type { Engine, StoreActor } from './engine.ts';

/** Where there is plenty of room, the reserve is written so long after the opening. */
export const RESERVE_AFTER_MS = 1000;

export class DiskGuard {
  private readonly reserve: ReserveFile;
  /** Waits for the time to write the reserve. */
  private timer: TimerHandle;
  /** The removal of the reserve at the clean close. */
  private removal: Promise<void> | undefined;
  private readonly engine: Engine;
  private readonly journal: JournalWriter;
  private readonly actor: StoreActor;

  constructor(engine: Engine, journal: JournalWriter, actor: StoreActor) {
    this.engine = engine;
    this.journal = journal;
    this.actor = actor;
    this.reserve = new ReserveFile(engine.fileSystem, engine.journalDirectory);
  }

  /**
   * The store refuses samples because of the disk, or because it was opened read-only. Only work that frees space goes
   * on.
   */
  get isWaiting(): boolean {
    return this.actor.getSnapshot().hasTag('readOnly');
  }

  /**
   * Writes the reserve in the background. Where there is plenty of room it waits for a moment: a program that closes
   * the store right away need not write 4 MiB, and would remove them again.
   */
  keepReserve(): void {
    if (this.reserve.isHeld || !this.reserve.hasPlentyOfRoom) void this.holdReserve();
    else this.timer = this.engine.clock.setTimeout(() => void this.holdReserve(), RESERVE_AFTER_MS);
  }

  private async holdReserve(): Promise<void> {
    // While the disk refuses writes, the probe writes the reserve, after what is more important.
    if (this.isWaiting) return;
    try {
      await this.reserve.hold(() => this.engine.clock.breathe());
    } catch (error) {
      if (error instanceof ReserveGivenBack) return;
      this.engine.logger.warn({ err: error }, 'The reserve for a full disk could not be written.');
    }
  }

  /**
   * Stops the writing of the reserve, and waits for its end and for that of a removal. A reserve that is held stays.
   */
  async close(): Promise<void> {
    this.engine.clock.clearTimeout(this.timer);
    await this.reserve.close();
    await this.removal;
  }

  /** Gives the space of the reserve to the journal and the checkpoint. */
  releaseReserve(): void {
    this.reserve.release();
  }

  /**
   * Called in a clean close when the last checkpoint is written: little more is to be written. Removes the reserve
   * where there is plenty of room, so that the next opening hardly finds the disk full. Never rejects: a reserve that
   * stays does no harm.
   */
  leaveReserve(): Promise<void> {
    this.removal ??= this.removeReserve();
    return this.removal;
  }

  private async removeReserve(): Promise<void> {
    if (!this.reserve.hasPlentyOfRoom) return;
    try {
      await this.reserve.remove();
    } catch (error) {
      this.engine.logger.warn({ err: error }, 'The reserve for a full disk could not be removed.');
    }
  }

  /** Copies the statechart's decision to the object that the append path reads. */
  applyAdmission(): void {
    const { admission } = this.engine;
    const snapshot = this.actor.getSnapshot();
    admission.refusesNewSeries = snapshot.hasTag('indexingBehind');
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
        else {
          const { reason, trouble } = snapshot.context;
          const code = trouble?.code ?? 'TIDEMARK_IO';
          admission.refuse(code, `the disk refuses writes: ${reason}; await store.ready()`, trouble?.error);
        }
        return;
      case 'closed':
        admission.end('TIDEMARK_CLOSED', 'the store is closed');
    }
  }

  /**
   * Logs a failure in the background. If the disk is the cause, the store turns read-only until the disk works again.
   */
  note(message: string, error: unknown): void {
    this.engine.logger.warn({ err: error }, message);
    if (!isDiskTrouble(error)) return;
    this.actor.send({
      type: 'diskTrouble',
      reason: error instanceof Error ? error.message : String(error),
      trouble: { code: isDiskFull(error) ? 'TIDEMARK_DISK_FULL' : 'TIDEMARK_IO', error },
    });
  }

  /**
   * Called when the store has turned read-only. Releases the reserve if the disk is full, and repeats the journal
   * writes that the disk refused. So accepted samples become durable as soon as possible, and retention has room to
   * free more.
   */
  async makeRoom(trouble: DiskTrouble | undefined): Promise<void> {
    try {
      if (trouble?.code === 'TIDEMARK_DISK_FULL') this.reserve.release();
      await this.retryJournal();
    } catch (error) {
      this.engine.logger.debug({ err: error }, 'The disk still refuses.');
    }
  }

  /** Repeats the journal writes that the disk refused, if there are any. Releases the reserve if the disk was full. */
  async retryJournal(): Promise<void> {
    const { journal } = this;
    if (journal.writable) return;
    if (isDiskFull(journal.error)) this.reserve.release();
    await journal.retry();
  }

  /**
   * The statechart's probe: resolves if the disk takes the waiting journal bytes, and then the reserve. The journal
   * comes first, because it may use the space of the reserve.
   */
  async probe(): Promise<void> {
    if (this.journal.writable) await this.journal.commit();
    else await this.retryJournal();
    await this.reserve.hold(() => this.engine.clock.breathe());
    // Writing the reserve takes time and space. Appends during that time may have been refused because of it.
    if (this.journal.error !== undefined) throw this.journal.error;
  }
}
