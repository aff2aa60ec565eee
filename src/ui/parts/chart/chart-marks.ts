/** Events on the axis of time: a thin line each, which leads to where the event can be seen. */
import type uPlot from 'uplot';
import { h } from '../elements.ts';
import { formatTime } from '../text/time-text.ts';

export interface ChartMark {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The class that colours the mark. */
  readonly kind: string;
  readonly text: string;
  readonly href: string;
}

/** Marks that are nearer to each other than this many pixels are drawn as one. */
const nearPixels = 4;

export class ChartMarks {
  readonly element = h('div', { class: 'marks' });
  private marks: readonly ChartMark[] = [];
  private key = '';

  use(marks: readonly ChartMark[]): void {
    this.marks = marks;
  }

  /** Puts the marks where their times are. */
  place(plot: uPlot): void {
    const { min = 0, max = 0 } = plot.scales['x'];
    const key = [min, max, plot.width, this.marks.length, this.marks.at(-1)?.time].join();
    if (key === this.key) return;
    this.key = key;
    const placed: HTMLElement[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const mark of this.marks) {
      const seconds = mark.time / 1000;
      if (seconds < (min ?? 0) || seconds > (max ?? 0)) continue;
      const left = plot.valToPos(seconds, 'x');
      if (left - last < nearPixels) continue;
      last = left;
      placed.push(this.link(mark, left));
    }
    this.element.replaceChildren(...placed);
  }

  /** The list below the chart has the same links for the keyboard, so these are left out there. */
  private link({ kind, text, time, href }: ChartMark, left: number): HTMLElement {
    const title = `${text}, ${formatTime(time)}`;
    const link = h('a', { class: `mark ${kind}`, href, title, tabindex: '-1', 'aria-hidden': 'true' });
    link.style.left = `${left}px`;
    return link;
  }
}
