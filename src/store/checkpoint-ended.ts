/** Waits for the checkpoint that the store's statechart shows. */
import type { Observable } from 'rxjs';
import { isRunning } from '../../machines/store.machine.ts';
import type { StoreActor } from './engine.ts';

/**
 * Resolves when the checkpoint that is being written has ended, or when `hurry$` emits. Resolves at once if none is being
 * written. It does not wait for a checkpoint that follows: under load, one can follow the other for a long time.
 */
export const checkpointEnded = (actor: StoreActor, hurry$: Observable<unknown>): Promise<void> => {
  const before = actor.getSnapshot();
  if (!isRunning(before) || !before.hasTag('busy')) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      watching.unsubscribe();
      hurried.unsubscribe();
      resolve();
    };
    const watching = actor.subscribe({
      next: (now) => {
        // The reasons are a new array for each checkpoint.
        const isAnother = now.context.checkpointReasons !== before.context.checkpointReasons;
        if (isAnother || !now.hasTag('busy')) end();
      },
      error: end,
      complete: end,
    });
    const hurried = hurry$.subscribe(end);
  });
};
