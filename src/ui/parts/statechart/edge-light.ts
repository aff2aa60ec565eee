/** The light of an arrow: on for a moment after each transition, with the rate of transitions. */
import { setText } from '../elements.ts';
import { formatNumber } from '../text/number-text.ts';
import type { EdgeLine } from './chart-layout.ts';
import type { DrawnEdge } from './statechart-shapes.ts';
import { type Outcome, outcomeOf } from './transition-key.ts';

const litMs = 700;
const rateWindowMs = 3000;

/** One line of the arrow's label, with the transitions that it stands for. */
interface LabelLight {
  readonly texts: readonly SVGElement[];
  readonly keys: readonly string[];
  readonly outcome: Outcome;
  /** The total of the last call; `undefined` before the first. */
  total: number | undefined;
  litUntil: number;
}

export class EdgeLight {
  private readonly drawn: DrawnEdge;
  private readonly labels: readonly LabelLight[];
  /** Times and totals within the window of the rate, and one before it. */
  private readonly past: [time: number, total: number][] = [];

  constructor(drawn: DrawnEdge, { transitions }: EdgeLine) {
    this.drawn = drawn;
    this.labels = transitions.map(({ keys }, i) => ({
      texts: drawn.labels[i],
      keys,
      outcome: outcomeOf(keys[0]),
      total: undefined,
      litUntil: 0,
    }));
  }

  /** Lights the arrow if its total has grown since the last call, and shows its rate per second. */
  follow(totals: Readonly<Record<string, number>>, now: number): void {
    for (const label of this.labels) {
      const total = label.keys.reduce((sum, key) => sum + (totals[key] ?? 0), 0);
      if (label.total !== undefined && total > label.total) label.litUntil = now + litMs;
      label.total = total;
    }
    this.showRate(
      this.labels.reduce((sum, { total = 0 }) => sum + total, 0),
      now,
    );
    this.fade(now);
  }

  /** Lights the arrow for a time, if it stands for this transition. */
  flash(key: string, now: number, forMs: number): void {
    for (const label of this.labels) if (label.keys.includes(key)) label.litUntil = now + forMs;
    this.fade(now);
  }

  /** Puts out what was lit long enough. */
  fade(now: number): void {
    const lit = this.labels.filter(({ litUntil }) => now < litUntil);
    for (const { texts, litUntil } of this.labels)
      for (const text of texts) text.classList.toggle('lit', now < litUntil);
    this.show(lit.length > 0, lit.some(({ outcome }) => outcome === 'done') ? 'done' : lit[0]?.outcome);
  }

  /** `outcome`: how the transition looks; by default like the first of the arrow. */
  show(lit: boolean, outcome: Outcome = this.labels[0]?.outcome ?? 'event'): void {
    this.drawn.group.classList.toggle('lit', lit);
    if (lit) this.drawn.group.setAttribute('data-outcome', outcome);
    else this.drawn.group.removeAttribute('data-outcome');
  }

  private showRate(total: number, now: number): void {
    const { past } = this;
    past.push([now, total]);
    while (past.length > 2 && past[1][0] < now - rateWindowMs) past.shift();
    const [since, before] = past[0];
    const rate = now > since ? ((total - before) * 1000) / (now - since) : 0;
    setText(this.drawn.rate, rate > 0 ? `${formatNumber(Number(rate.toPrecision(2)))}/s` : '');
  }
}
