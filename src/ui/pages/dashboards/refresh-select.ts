/** How often a dashboard is read again. */
import { h } from '../../parts/elements.ts';

const usual = ['5s', '10s', '30s', '1m', '5m', '15m', '1h'];

export class RefreshSelect {
  readonly element: HTMLSelectElement;

  /** `onChange` gets a duration, or `off`. */
  constructor(onChange: (refresh: string) => void) {
    this.element = h(
      'select',
      { 'aria-label': 'Refresh', onchange: () => onChange(this.element.value) },
      h('option', { value: 'off' }, 'refresh: off'),
      ...usual.map((value) => h('option', { value }, `refresh: ${value}`)),
    );
  }

  show(refresh: string): void {
    if (![...this.element.options].some(({ value }) => value === refresh))
      this.element.append(h('option', { value: refresh }, `refresh: ${refresh}`));
    this.element.value = refresh;
  }
}
