/** What the values of an expression measure, as far as its text says. */
import { type Measure, type Unit, unitOfName } from '../text/value-units.ts';
import { isSelector, metricOf } from './query-text.ts';

const unknown: Measure = { unit: 'other', perSecond: false };

const keywords = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'offset',
  'bool',
  'group_left',
  'group_right',
  'and',
  'or',
]);

/** Functions whose results keep the unit, and those that give it per second. */
const keeping =
  /^(?:sum|avg|min|max|topk|bottomk|quantile|histogram_quantile|increase|delta|idelta|sort|sort_desc|abs|(?:avg|min|max|sum|last|first|quantile)_over_time)$/;
const perSecondFunctions = /^(?:rate|irate|deriv)$/;

const unitOfMetric = (name: string, declared: (name: string) => string | undefined): Unit => {
  const unit = declared(name);
  return unit === undefined || unit === '' ? unitOfName(name) : unitOfName(unit);
};

/** The expression without its strings, comments, label lists and ranges. */
const bare = (text: string): string =>
  text
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '')
    .replace(/#.*$/gm, '')
    .replace(/\{[^{}]*\}|\[[^[\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g, '');

/**
 * The measure of a selector, or of one metric inside functions that keep its unit; otherwise none.
 *
 * @param declared The unit that the metadata give for a metric.
 */
export const measureOf = (text: string, declared: (name: string) => string | undefined): Measure => {
  if (isSelector(text)) return { unit: unitOfMetric(metricOf(text), declared), perSecond: false };
  const rest = bare(text);
  if (/[-+*/%^<>=]|\b(?:and|or|unless|atan2)\b/.test(rest)) return unknown;
  const functions = [...rest.matchAll(/\b([a-zA-Z_]\w*)\s*\(/g)].map(([, name]) => name);
  const names = [...rest.matchAll(/\b([a-zA-Z_:][\w:]*)\b(?!\s*\()/g)].map(([, name]) => name);
  const metrics = names.filter((name) => !keywords.has(name));
  if (metrics.length !== 1) return unknown;
  if (!functions.every((name) => keeping.test(name) || perSecondFunctions.test(name))) return unknown;
  const unit = unitOfMetric(metrics[0], declared);
  // A quantile of buckets has the unit of the buckets' bounds, whatever was counted per second.
  const isQuantile = functions.includes('histogram_quantile');
  return { unit, perSecond: !isQuantile && functions.some((name) => perSecondFunctions.test(name)) };
};
