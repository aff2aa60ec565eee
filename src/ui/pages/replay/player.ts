/** Plays the events of the list, so many a second or by their times, up to a breakpoint or to the end. */
import type { Speed } from './replay-view.ts';

const TICK_MS = 100;
/** A pause of the page is not made up for. */
const PAUSE_MS_MAX = 500;
/** Events in one tick by their times. */
const STEPS_MAX = 1000;

export interface PlayerParts {
  /** The row that is shown, and the last one. */
  readonly row: () => number;
  readonly last: () => number;
  readonly timeAt: (row: number) => Promise<number | undefined>;
  /** The first row from `row` on at which playing stops. */
  readonly stopFrom: (row: number) => Promise<number | undefined>;
  readonly goTo: (row: number) => Promise<void>;
  /** Called when playing starts, and when it ends with the reason. */
  readonly onChange: (isPlaying: boolean, why: 'paused' | 'breakpoint' | 'end' | 'started') => void;
  readonly onFailure: (error: unknown) => void;
}

export class Player {
  private readonly parts: PlayerParts;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private speed: Speed = '10';
  private tickedAt = 0;
  /** Parts of an event that are due. */
  private due = 0;
  /** The time in the replay, by the events' times; `undefined` at the start. */
  private time: number | undefined;
  private stopRow: number | undefined;
  /** Changes when playing starts or ends. */
  private run = 0;

  constructor(parts: PlayerParts) {
    this.parts = parts;
  }

  get isPlaying(): boolean {
    return this.timer !== undefined;
  }

  setSpeed(speed: Speed): void {
    this.speed = speed;
    this.time = undefined;
    this.due = 0;
  }

  /** Begins at the row that is shown; at the first one, if that is the last. */
  async play(): Promise<void> {
    if (this.isPlaying) return;
    const { row, last, goTo, onChange, onFailure } = this.parts;
    const run = ++this.run;
    this.time = undefined;
    this.due = 0;
    this.timer = setTimeout(() => {}, 0);
    onChange(true, 'started');
    try {
      if (row() >= last()) await goTo(0);
      await this.findStop();
    } catch (error) {
      this.stop('paused');
      onFailure(error);
    }
    if (run !== this.run) return;
    this.tickedAt = performance.now();
    this.timer = setTimeout(() => this.tick(run), TICK_MS);
  }

  pause(): void {
    if (this.isPlaying) this.stop('paused');
  }

  /** Breakpoints have changed. */
  async findStop(): Promise<void> {
    this.stopRow = await this.parts.stopFrom(this.parts.row() + 1);
  }

  private stop(why: 'paused' | 'breakpoint' | 'end'): void {
    this.run++;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.parts.onChange(false, why);
  }

  private async tick(run: number): Promise<void> {
    const { row, last, goTo, onFailure } = this.parts;
    const now = performance.now();
    const passedMs = Math.min(PAUSE_MS_MAX, now - this.tickedAt);
    this.tickedAt = now;
    try {
      const wanted = await this.rowAfter(passedMs);
      if (run !== this.run) return;
      const target = Math.min(wanted, last(), this.stopRow ?? Number.POSITIVE_INFINITY);
      if (target > row()) await goTo(target);
      if (run !== this.run) return;
      if (target === this.stopRow) return this.stop('breakpoint');
      if (target >= last()) return this.stop('end');
    } catch (error) {
      if (run !== this.run) return;
      this.stop('paused');
      onFailure(error);
      return;
    }
    this.timer = setTimeout(() => this.tick(run), TICK_MS);
  }

  private async rowAfter(passedMs: number): Promise<number> {
    const row = this.parts.row();
    const factor = /^x(\d+)$/.exec(this.speed)?.[1];
    if (factor !== undefined) return this.rowAtTime(row, passedMs * Number(factor));
    this.due += (passedMs * Number(this.speed)) / 1000;
    const steps = Math.floor(this.due);
    this.due -= steps;
    return row + steps;
  }

  private async rowAtTime(row: number, moreMs: number): Promise<number> {
    const { timeAt, last } = this.parts;
    this.time = (this.time ?? (await timeAt(row)) ?? 0) + moreMs;
    let reached = row;
    while (reached < last() && reached - row < STEPS_MAX) {
      const time = await timeAt(reached + 1);
      if (time === undefined || time > this.time) break;
      reached++;
    }
    return reached;
  }
}
