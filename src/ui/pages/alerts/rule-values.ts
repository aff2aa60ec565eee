/** Values and states of rules as text and badges. */
import { h } from '../../parts/elements.ts';
import { formatCount, formatNumber } from '../../parts/text/number-text.ts';
import type { JsonValue, ShownRule } from '../../server/server-answers.ts';

export const formatValue = (value: JsonValue): string => (typeof value === 'number' ? formatNumber(value) : value);

/** The values of the last result: one, or the lowest and the highest of several. */
export const resultText = ({ result, health }: ShownRule): string => {
  if (result === undefined || health === 'unknown') return '–';
  const { series, lowest, highest } = result;
  if (series === 0) return health === 'err' ? '–' : 'no series';
  if (series === 1) return formatValue(lowest);
  return `${formatValue(lowest)} to ${formatValue(highest)}, ${formatCount(series)} series`;
};

const kinds: Readonly<Record<string, string>> = {
  firing: 'bad',
  pending: 'warn',
  inactive: 'good',
  ok: 'good',
  err: 'bad',
};

const texts: Readonly<Record<string, string>> = { err: 'failed', unknown: 'not evaluated' };

/** The badge of a state of an alert, or of the health of a rule. */
export const stateBadge = (state: string): HTMLElement =>
  h('span', { class: `badge ${kinds[state] ?? ''}` }, texts[state] ?? state);
