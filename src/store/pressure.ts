/** How urgently chunks must be written: tells the store's statechart, and follows what it decides. */
import type { Urgency } from '../../streams/maintenance-sweep.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { StoreActor } from './engine.ts';
import type { Memory } from './memory.ts';
import type { ResolvedOptions } from './options.ts';

export interface PressureParts {
  readonly memory: Memory;
  readonly disk: DiskGuard;
  readonly actor: StoreActor;
  readonly syncSeriesFiles: ResolvedOptions['syncSeriesFiles'];
}

export class Pressure {
  private readonly parts: PressureParts;

  constructor(parts: PressureParts) {
    this.parts = parts;
  }

  urgency(): Urgency {
    const { memory, disk, actor } = this.parts;
    // While the disk refuses writes, a rushed sweep would only repeat refused writes.
    if (disk.isWaiting) return { score: 0, rushed: false };
    return { score: memory.score, rushed: actor.getSnapshot().hasTag('rushed') };
  }

  /**
   * Sends the score to the statechart if it has changed. The statechart depends on nothing else, so an unchanged score
   * would have no effect.
   */
  measure(): void {
    const { memory, actor } = this.parts;
    const { score } = memory;
    if (score === actor.getSnapshot().context.score) return;
    actor.send({ type: 'pressureMeasured', score });
  }

  /** Whether each series file is synced when it is written. Otherwise the next checkpoint syncs it. */
  syncsSeriesFiles(): boolean {
    const { syncSeriesFiles, actor } = this.parts;
    if (syncSeriesFiles !== 'adaptive') return syncSeriesFiles === 'always';
    return !actor.getSnapshot().hasTag('rushed');
  }
}
