/**
 * Simulated time and the order of everything that waits for it. One queue holds the timers, the completions of disk
 * calls and the turns of the event loop of all simulated processes. The task that is due first runs first, and tasks
 * that are due at the same moment run in the order of scheduling. Between two tasks all microtasks of the host run
 * (drive.ts).
 *
 * Time passes in three ways: it jumps to the next task when nothing else is left to run, it advances by the cost of a
 * blocking call, and it advances a little with each reading of the clock, so that work in slices of milliseconds ends
 * its slices here too. Wall time is monotonic time plus an offset that the simulation may move in either direction.
 */
import type { SimulatedProcess } from './simulated-process.ts';
import { isSimulatedCrash } from './simulated-process.ts';

/** 2026-01-01T00:00:00Z, where wall time starts. */
export const WALL_START_MS = 1_767_225_600_000;

/** The cost of reading a clock. */
const READ_COST_US = 3;

/** Work that waits for a moment in simulated time. */
export interface Task {
  readonly dueUs: number;
  readonly process: SimulatedProcess;
  readonly run: () => void;
  cancelled: boolean;
}

export class Timeline {
  /** Called with an error that a task of a living process throws: an uncaught exception in a real process. */
  onUncaught: (error: unknown) => void = () => {};
  private nowUs = 0;
  private wallOffsetMs = WALL_START_MS;
  /** Sorted by due time, then by order of scheduling. */
  private tasks: Task[] = [];

  /** Milliseconds since the start of the simulation. */
  get monotonicMs(): number {
    return this.nowUs / 1000;
  }

  /** Integer milliseconds since the Unix epoch. */
  get wallMs(): number {
    return Math.floor(this.nowUs / 1000) + this.wallOffsetMs;
  }

  /** Milliseconds from now to the next task; `undefined` if no task waits. */
  get nextDelayMs(): number | undefined {
    this.forgetCancelled();
    return this.tasks.length === 0 ? undefined : Math.max(0, (this.tasks[0].dueUs - this.nowUs) / 1000);
  }

  /** Number of waiting tasks, for the check of its bound. */
  get pendingCount(): number {
    return this.tasks.filter((task) => !task.cancelled && task.process.alive).length;
  }

  schedule(process: SimulatedProcess, delayMs: number, run: () => void): Task {
    const dueUs = this.nowUs + Math.max(0, Math.round(delayMs * 1000));
    const task: Task = { dueUs, process, run, cancelled: false };
    let low = 0;
    let high = this.tasks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.tasks[middle].dueUs <= dueUs) low = middle + 1;
      else high = middle;
    }
    this.tasks.splice(low, 0, task);
    return task;
  }

  /** Advances time to the next task and runs it. Returns false if no task waits. */
  runNext(): boolean {
    this.forgetCancelled();
    const task = this.tasks.shift();
    if (task === undefined) return false;
    this.nowUs = Math.max(this.nowUs, task.dueUs);
    try {
      task.run();
    } catch (error) {
      if (!isSimulatedCrash(error)) this.onUncaught(error);
    }
    return true;
  }

  /** Advances time without running anything: the cost of a blocking call. */
  spend(costUs: number): void {
    this.nowUs += costUs;
  }

  /** Advances time by the cost of a reading of a clock. */
  read(): void {
    this.nowUs += READ_COST_US;
  }

  /** Moves wall time relative to monotonic time. */
  jumpWall(byMs: number): void {
    this.wallOffsetMs += byMs;
  }

  /** Removes the tasks of a dead process. */
  discard(process: SimulatedProcess): void {
    this.tasks = this.tasks.filter((task) => task.process !== process);
  }

  private forgetCancelled(): void {
    while (this.tasks.length > 0 && (this.tasks[0].cancelled || !this.tasks[0].process.alive)) this.tasks.shift();
  }
}
