/**
 * Simulated time and the order of everything that waits for it. One queue holds the timers, the completions of disk
 * calls and the turns of the event loop of all simulated processes; the one due first runs first, and what is due at
 * the same moment runs in the order it was scheduled. Between two tasks the microtasks of the host drain (drive.ts).
 *
 * Time passes in three ways: to the next task's moment when nothing else is left to run, by the cost of a blocking
 * call, and by a hair whenever somebody reads the clock, so that work cut into slices of milliseconds is cut here too.
 * Wall time is monotonic time plus an offset that the simulation may move in either direction.
 */
import type { SimulatedProcess } from './simulated-process.ts';
import { isSimulatedCrash } from './simulated-process.ts';

/** 2026-01-01T00:00:00Z, where wall time starts. */
export const WALL_START_MS = 1_767_225_600_000;

/** What reading a clock costs. */
const READ_COST_US = 3;

/** Something that waits for its moment. */
export interface Task {
  readonly dueUs: number;
  readonly process: SimulatedProcess;
  readonly run: () => void;
  cancelled: boolean;
}

export class Timeline {
  /** Receives what a task of a living process threw: an uncaught exception in a real one. */
  onUncaught: (error: unknown) => void = () => {};
  private nowUs = 0;
  private wallOffsetMs = WALL_START_MS;
  /** By moment, then by order of scheduling. */
  private tasks: Task[] = [];

  /** Milliseconds since the start of the simulation. */
  get monotonicMs(): number {
    return this.nowUs / 1000;
  }

  /** Integer milliseconds since the Unix epoch. */
  get wallMs(): number {
    return Math.floor(this.nowUs / 1000) + this.wallOffsetMs;
  }

  /** Milliseconds from now to the next task; `undefined` when nothing waits. */
  get nextDelayMs(): number | undefined {
    this.forgetCancelled();
    return this.tasks.length === 0 ? undefined : Math.max(0, (this.tasks[0].dueUs - this.nowUs) / 1000);
  }

  /** Tasks that wait, for the bound on them. */
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

  /** Runs the next task, passing the time up to it. False when nothing waits. */
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

  /** Passes time without running anything: what a blocking call costs. */
  spend(costUs: number): void {
    this.nowUs += costUs;
  }

  /** A reading of a clock, which costs a hair of time. */
  read(): void {
    this.nowUs += READ_COST_US;
  }

  /** Moves wall time against monotonic time. */
  jumpWall(byMs: number): void {
    this.wallOffsetMs += byMs;
  }

  /** Forgets what a dead process waited for. */
  discard(process: SimulatedProcess): void {
    this.tasks = this.tasks.filter((task) => task.process !== process);
  }

  private forgetCancelled(): void {
    while (this.tasks.length > 0 && (this.tasks[0].cancelled || !this.tasks[0].process.alive)) this.tasks.shift();
  }
}
