/** How results are shown: the view, per second, a logarithmic axis, patterns, the step. */
import { segments, toggle } from '../../parts/controls.ts';
import { h } from '../../parts/elements.ts';
import { isSelector } from '../../parts/queries/query-text.ts';
import { durationMs, durationText } from '../../parts/text/duration-text.ts';
import { type ExploreView, looks } from './explore-view.ts';
import { drawsRate } from './query-readings.ts';

type Changes = Pick<Partial<ExploreView>, 'look' | 'rate' | 'log' | 'patterns' | 'stepMs'>;

/** Steps that can be chosen. */
const steps = ['1s', '5s', '15s', '30s', '1m', '5m', '15m', '1h', '6h', '1d'];

export class LookControls {
  readonly element: HTMLElement;
  private readonly looks;
  private readonly rate: HTMLButtonElement;
  private readonly log: HTMLButtonElement;
  private readonly patterns: HTMLButtonElement;
  private readonly step: HTMLSelectElement;

  constructor(onChange: (changes: Changes) => void) {
    this.looks = segments('View', looks, '', (name) =>
      onChange({ look: looks.find(([one]) => one === name)?.[0] ?? 'chart' }),
    );
    this.rate = toggle(
      'Per second',
      false,
      (rate) => onChange({ rate }),
      'Draw the increase per second of selectors of counters',
    );
    this.log = toggle('Log', false, (log) => onChange({ log }), 'A logarithmic axis of values');
    this.patterns = toggle(
      'Patterns',
      false,
      (patterns) => onChange({ patterns }),
      'Tell lines apart by patterns besides colours',
    );
    this.step = h(
      'select',
      { 'aria-label': 'Step', onchange: () => onChange({ stepMs: durationMs(this.step.value) }) },
      h('option', { value: '' }, 'step: auto'),
      ...steps.map((value) => h('option', { value }, `step: ${value}`)),
    );
    this.element = h(
      'div',
      { class: 'row look-controls' },
      this.looks.element,
      this.rate,
      this.log,
      this.patterns,
      this.step,
    );
  }

  show(view: ExploreView): void {
    this.looks.show(view.look);
    const selectors = view.queries.filter((query) => isSelector(query));
    // A heatmap and quantiles are of increases in any case.
    this.rate.disabled = selectors.length === 0 || view.look === 'heatmap' || view.look === 'quantiles';
    this.rate.setAttribute('aria-pressed', String(selectors.some((query) => drawsRate(view, query))));
    this.log.setAttribute('aria-pressed', String(view.log));
    this.patterns.setAttribute('aria-pressed', String(view.patterns));
    const step = view.stepMs === undefined ? '' : durationText(view.stepMs);
    if (step !== '' && ![...this.step.options].some(({ value }) => value === step))
      this.step.append(h('option', { value: step }, `step: ${step}`));
    this.step.value = step;
  }
}
