/**
 * One life of the simulated program, from start to exit, kill or loss of power. The ports that it was given belong to
 * it: once it is dead every blocking call throws {@link SimulatedCrash} and every promise it waits for stays pending, so
 * that nothing it still has on its stack can reach the disk. Code that swallows the error gets it again at its next call.
 */

/** How a life ends: `kill` leaves what was written in the page cache, `power` leaves what was durable, and what chance adds. */
export type CrashKind = 'kill' | 'power';

/** Thrown out of a port at the moment of a simulated crash, and ever after. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';

  constructor() {
    super('the simulated process has crashed');
  }
}

/** Whether an error, or what caused it, is the simulated crash. */
export const isSimulatedCrash = (error: unknown): boolean => {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (at instanceof SimulatedCrash) return true;
  }
  return false;
};

export class SimulatedProcess {
  readonly id: number;
  /** A process beside the store's meets no faults: those of a sequence are aimed at the store. */
  readonly isBystander: boolean;
  /** Calls that changed something on the disk, or could have; those to a copy of a database do not count. */
  readonly changes: string[] = [];
  private dead = false;

  constructor(id: number, isBystander = false) {
    this.id = id;
    this.isBystander = isBystander;
  }

  get alive(): boolean {
    return !this.dead;
  }

  /** Ends this life; its calls throw from here on. */
  crash(): void {
    this.dead = true;
  }

  /** Throws when this life is over: the first line of every blocking call of a port. */
  assertAlive(): void {
    if (this.dead) throw new SimulatedCrash();
  }
}

/** What a promise of a dead process is: pending for good. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});
