/** The light of an arrow: on for a moment after each transition, with the rate of transitions. */
import { setText } from '../elements.ts';
import { formatNumber } from '../text/number-text.ts';
import type { EdgeLine } from './chart-layout.ts';
import type { DrawnEdge } from './statechart-shapes.ts';

const litMs = 700;
const rateWindowMs = 3000;

export class EdgeLight {
  private readonly drawn: DrawnEdge;
  private readonly keys: readonly string[];
  /** The total of the last call; `undefined` before the first. */
  private total: number | undefined;
  private litUntil = 0;
  /** Times and totals within the window of the rate, and one before it. */
  private readonly past: [time: number, total: number][] = [];

  constructor(drawn: DrawnEdge, { transitions }: EdgeLine) {
    this.drawn = drawn;
    this.keys = transitions.flatMap(({ keys }) => keys);
  }

  /** Lights the arrow if its total has grown since the last call, and shows its rate per second. */
  follow(totals: Readonly<Record<string, number>>, now: number): void {
    const total = this.keys.reduce((sum, key) => sum + (totals[key] ?? 0), 0);
    if (this.total !== undefined && total > this.total) this.litUntil = now + litMs;
    this.total = total;
    const { past } = this;
    past.push([now, total]);
    while (past.length > 2 && past[1][0] < now - rateWindowMs) past.shift();
    const [since, before] = past[0];
    const rate = now > since ? ((total - before) * 1000) / (now - since) : 0;
    setText(this.drawn.rate, rate > 0 ? `${formatNumber(Number(rate.toPrecision(2)))}/s` : '');
    this.show(now < this.litUntil);
  }

  show(lit: boolean): void {
    this.drawn.group.classList.toggle('lit', lit);
  }
}
