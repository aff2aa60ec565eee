/**
 * The axis of time: how many events there are, marks for restarts, checkpoints, quarantines and alerts, and where the
 * replay is. A click goes to a time, dragging keeps a range. By keyboard it is a slider; the marks are a list below.
 */
import type { EventPlace, ReplayMark, ReplaySummary } from '../../../timeline/replay-answers.ts';
import { h, setText, svg } from '../../parts/elements.ts';
import { oneTabStop } from '../../parts/one-tab-stop.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { kindOf } from './event-text.ts';

const WIDTH = 1000;
const HEIGHT = 60;
/** A shorter way of the pointer is a click. */
const DRAG_PX = 5;

const markNames: Readonly<Record<string, string>> = {
  storeOpened: 'restart',
  checkpointWritten: 'checkpoint',
  seriesQuarantined: 'quarantine',
  alertFired: 'alert fired',
  alertResolved: 'alert resolved',
};

interface AxisActions {
  readonly onTime: (time: number) => void;
  readonly onRange: (from: number, through: number) => void;
  readonly onPlace: (place: EventPlace) => void;
  /** By events: -1 and 1; to the first and the last one. */
  readonly onStep: (step: -1 | 1 | 'first' | 'last') => void;
}

export class TimeAxis {
  readonly element: HTMLElement;
  private readonly actions: AxisActions;
  private readonly bars = svg('path', { class: 'density' });
  private readonly lines = svg('g');
  private readonly chosen = svg('rect', { class: 'brush', y: 0, height: HEIGHT, width: 0 });
  private readonly cursor = svg('line', { class: 'now', y1: 0, y2: HEIGHT });
  private readonly slider: HTMLElement;
  private readonly summary = h('p', { class: 'small soft axis-summary' });
  private readonly markTitle = h('summary');
  private readonly markList = h('ul', { class: 'list' });
  private readonly marks = h('details', { class: 'store-events small' }, this.markTitle, this.markList);
  private range: readonly [from: number, through: number] | undefined;
  private time = 0;
  private dragFrom: number | undefined;

  constructor(actions: AxisActions) {
    this.actions = actions;
    const drawing = svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      this.bars,
      this.lines,
      this.chosen,
      this.cursor,
    );
    this.slider = h(
      'div',
      {
        class: 'axis',
        role: 'slider',
        tabindex: '0',
        'aria-label': 'Time of the replay',
        onkeydown: (event) => this.onKey(event as KeyboardEvent),
        onpointerdown: (event) => this.onDown(event as PointerEvent),
        onpointermove: (event) => this.onMove(event as PointerEvent),
        onpointerup: (event) => this.onUp(event as PointerEvent),
        onpointercancel: () => this.endDrag(),
      },
      drawing,
    );
    oneTabStop(this.markList, 'button');
    this.element = h('div', { class: 'axis-box' }, this.slider, this.summary, this.marks);
  }

  show(summary: ReplaySummary): void {
    const { axis, density, marks, checkpointsLeftOut } = summary;
    this.range = axis === undefined ? undefined : [axis.from, axis.through];
    this.bars.setAttribute('d', densityPath(density));
    this.lines.replaceChildren(
      ...marks.map(({ type, time }) => {
        const x = this.xOf(time);
        return svg('line', { class: `axis-mark ${kindOf(type)}`, x1: x, x2: x, y1: 0, y2: HEIGHT });
      }),
    );
    this.showMarks(marks, checkpointsLeftOut);
    setText(this.summary, axisText(summary));
    this.showTime(this.time, this.slider.getAttribute('aria-valuetext') ?? '');
  }

  /** Shows where the replay is. `text` is the event. */
  showTime(time: number, text: string): void {
    this.time = time;
    const x = String(this.xOf(time));
    this.cursor.setAttribute('x1', x);
    this.cursor.setAttribute('x2', x);
    const [from, through] = this.range ?? [0, 0];
    this.slider.setAttribute('aria-valuemin', String(from));
    this.slider.setAttribute('aria-valuemax', String(through));
    this.slider.setAttribute('aria-valuenow', String(Math.max(from, Math.min(through, time))));
    this.slider.setAttribute('aria-valuetext', text);
  }

  private showMarks(marks: readonly ReplayMark[], leftOut: number): void {
    const wasOpen = this.marks.contains(document.activeElement);
    this.marks.hidden = marks.length === 0;
    const more = leftOut > 0 ? `, and ${formatCount(leftOut)} checkpoints` : '';
    setText(this.markTitle, `Marks: ${formatCount(marks.length)}${more}`);
    const key = marks.map(({ position, place }) => `${position}.${place}`).join();
    // The list is being used: it stays until it is left.
    if (wasOpen || this.markList.dataset['key'] === key) return;
    this.markList.dataset['key'] = key;
    this.markList.replaceChildren(
      ...marks.map((mark) =>
        h(
          'li',
          {},
          h(
            'button',
            { type: 'button', class: `event ${kindOf(mark.type)}`, onclick: () => this.actions.onPlace(mark) },
            `${formatTime(mark.time)}  ${markNames[mark.type] ?? mark.type}`,
          ),
        ),
      ),
    );
  }

  private xOf(time: number): number {
    const [from, through] = this.range ?? [0, 1];
    return Math.max(0, Math.min(WIDTH, ((time - from) / Math.max(1, through - from)) * WIDTH));
  }

  private timeAt(clientX: number): number {
    const { left, width } = this.slider.getBoundingClientRect();
    const [from, through] = this.range ?? [0, 0];
    const share = Math.max(0, Math.min(1, (clientX - left) / Math.max(1, width)));
    return Math.round(from + share * (through - from));
  }

  private onDown(event: PointerEvent): void {
    if (event.button !== 0 || this.range === undefined) return;
    this.dragFrom = event.clientX;
    this.slider.setPointerCapture(event.pointerId);
  }

  private onMove({ clientX }: PointerEvent): void {
    if (this.dragFrom === undefined) return;
    const [from, through] = [this.timeAt(this.dragFrom), this.timeAt(clientX)].sort((a, b) => a - b);
    this.chosen.setAttribute('x', String(this.xOf(from)));
    this.chosen.setAttribute('width', String(this.xOf(through) - this.xOf(from)));
  }

  private onUp({ clientX }: PointerEvent): void {
    if (this.dragFrom === undefined) return;
    const [from, through] = [this.timeAt(this.dragFrom), this.timeAt(clientX)].sort((a, b) => a - b);
    const isClick = Math.abs(clientX - this.dragFrom) < DRAG_PX || from === through;
    this.endDrag();
    if (isClick) this.actions.onTime(this.timeAt(clientX));
    else this.actions.onRange(from, through);
  }

  private endDrag(): void {
    this.dragFrom = undefined;
    this.chosen.setAttribute('width', '0');
  }

  private onKey(event: KeyboardEvent): void {
    const { onStep, onTime } = this.actions;
    const [from, through] = this.range ?? [0, 0];
    const tenth = Math.max(1, Math.round((through - from) / 10));
    const moves: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => onStep(-1),
      ArrowDown: () => onStep(-1),
      ArrowRight: () => onStep(1),
      ArrowUp: () => onStep(1),
      Home: () => onStep('first'),
      End: () => onStep('last'),
      PageDown: () => onTime(Math.max(from, this.time - tenth)),
      PageUp: () => onTime(Math.min(through, this.time + tenth)),
    };
    const move = moves[event.key];
    if (move === undefined || this.range === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  }
}

/** Bars of the density. The root makes few events visible beside many. */
const densityPath = (density: readonly number[]): string => {
  const most = Math.max(1, ...density);
  const width = WIDTH / Math.max(1, density.length);
  return density
    .map((count, i) => {
      if (count === 0) return '';
      const height = Math.max(3, HEIGHT * Math.sqrt(count / most));
      return `M${(i * width).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}z`;
    })
    .join('');
};

/** The axis as text. */
export const axisText = ({ count, axis, density, marks, checkpointsLeftOut }: ReplaySummary): string => {
  if (axis === undefined) return '';
  const most = Math.max(0, ...density);
  const width = (axis.through - axis.from) / Math.max(1, density.length);
  const busiest = axis.from + density.indexOf(most) * width;
  const marked = Object.entries(markNames)
    .map(([type, name]) => {
      const more = type === 'checkpointWritten' ? checkpointsLeftOut : 0;
      return [name, marks.filter((mark) => mark.type === type).length + more] as const;
    })
    .filter(([, number]) => number > 0)
    .map(([name, number]) => `${name} ${formatCount(number)}`);
  return [
    `${formatCount(count)} event${count === 1 ? '' : 's'} from ${formatTime(axis.from)} to ${formatTime(axis.through)}`,
    most > 0 && density.length > 1 ? `, most of them around ${formatTime(Math.round(busiest))}` : '',
    marked.length > 0 ? `. Marks: ${marked.join(', ')}` : '',
    '.',
  ].join('');
};
