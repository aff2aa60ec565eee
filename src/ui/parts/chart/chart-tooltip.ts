/** What is shown beside the cursor: the time, and the series whose line is nearest. */
import { h, setText } from '../elements.ts';
import { colorOf } from './chart-colors.ts';

export interface TooltipContent {
  readonly time: string;
  /** The number of the series. */
  readonly series: number;
  readonly name: string;
  readonly value: string;
  /** All digits of the value, if `value` has not. */
  readonly exact: string;
}

export class ChartTooltip {
  readonly element: HTMLElement;
  private readonly time = h('div', { class: 'soft' });
  private readonly swatch = h('span', { class: 'swatch' });
  private readonly name = h('span', { class: 'mono' });
  private readonly value = h('b');
  private readonly exact = h('span', { class: 'soft mono' });

  constructor() {
    this.element = h(
      'div',
      { class: 'tooltip', hidden: true },
      this.time,
      h('div', {}, this.swatch, this.name),
      h('div', {}, this.value, ' ', this.exact),
    );
  }

  /** Shows the content beside a point of the drawing, in pixels; nothing without content. */
  show(content: TooltipContent | undefined, left: number, top: number): void {
    this.element.hidden = content === undefined;
    if (content === undefined) return;
    setText(this.time, content.time);
    setText(this.name, content.name);
    setText(this.value, content.value);
    setText(this.exact, content.exact);
    this.swatch.style.setProperty('--swatch', colorOf(content.series));
    const { offsetWidth, parentElement } = this.element;
    const width = parentElement?.clientWidth ?? 0;
    const isRight = left + offsetWidth + 28 > width;
    this.element.style.left = `${Math.max(0, isRight ? left - offsetWidth - 14 : left + 14)}px`;
    this.element.style.top = `${Math.max(0, top - 20)}px`;
  }
}
