/**
 * One life of the simulated program, from start to exit, kill or loss of power. Its ports belong to it: once the
 * process is dead, every blocking call throws {@link SimulatedCrash} and every promise that it waits for stays pending,
 * so that code that is still on its stack can't change the disk. Code that swallows the error gets it again at its next
 * call.
 */

/** How a life ends. `kill` leaves all that was written; `power` what was durable and a random part of the rest. */
export type CrashKind = 'kill' | 'power';

/** Thrown by every call of a port from the moment of a simulated crash on. */
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
  /** A process beside the store's. It meets no faults, because the faults of a sequence are aimed at the store. */
  readonly isBystander: boolean;
  /** Calls that changed something on the disk, or could have, except calls to a copy of a database. */
  readonly changes: string[] = [];
  private dead = false;

  constructor(id: number, isBystander = false) {
    this.id = id;
    this.isBystander = isBystander;
  }

  get alive(): boolean {
    return !this.dead;
  }

  /** Ends this life. Its calls throw from now on. */
  crash(): void {
    this.dead = true;
  }

  /** Throws if this life is over. Every blocking call of a port begins with it. */
  assertAlive(): void {
    if (this.dead) throw new SimulatedCrash();
  }
}

/** The promise that calls of a dead process return: it stays pending. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});
