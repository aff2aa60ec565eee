/** What the page knows of an expression by its text: whether it is a plain selector, and how to ask more of one. */
import { durationText } from '../text/duration-text.ts';

const quoted = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|${'`[^`]*`'}`;
const braces = String.raw`\{(?:[^{}"'${'`'}]|${quoted})*\}`;
const selector = new RegExp(`^(?:[a-zA-Z_:][\\w:]*\\s*(?:${braces})?|${braces})$`);

/** Whether the text is a selector and no more: its samples can be read as they were appended. */
export const isSelector = (text: string): boolean => selector.test(text.trim());

/** The metric's name in a selector; empty if it is not named. */
export const metricOf = (text: string): string => {
  const plain = /^[a-zA-Z_:][\w:]*/.exec(text.trim())?.[0];
  if (plain !== undefined) return plain;
  const named = /^\{\s*(?:__name__\s*=\s*)?"((?:[^"\\]|\\.)*)"\s*[,}]/.exec(text.trim())?.[1];
  return named === undefined ? '' : named.replace(/\\(.)/g, '$1');
};

/** Whether the metric's name says that it is a counter. */
export const isCounter = (text: string): boolean =>
  isSelector(text) && /(?:_total|_count|_sum|_bucket)$/.test(metricOf(text));

const isBucket = (text: string): boolean => isSelector(text) && metricOf(text).endsWith('_bucket');

/** Over which time increases are taken, for steps of this length. */
export const rateWindow = (stepMs: number): string => durationText(Math.max(60_000, 4 * stepMs));

/** The increase of a selector's counters per second. */
export const rateOf = (text: string, stepMs: number): string => `rate(${text.trim()}[${rateWindow(stepMs)}])`;

/** The buckets of a histogram by `le`: of a selector of buckets their rates, of any other expression its result. */
export const bucketsOf = (text: string, stepMs: number): string =>
  isBucket(text) ? `sum by (le) (${rateOf(text, stepMs)})` : text;

/** A quantile from the buckets of a histogram. */
export const quantileOf = (text: string, quantile: number, stepMs: number): string =>
  `histogram_quantile(${quantile}, ${bucketsOf(text, stepMs)})`;
