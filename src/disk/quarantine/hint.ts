/**
 * The hint file beside a quarantined series file: the metric's text on the first line, the reason on the second
 * (docs/formats/directory.md). It is written as the original writes it, and read back.
 *
 * Names that are not valid in the original could not be read back reliably. If there are any, every label is written as
 * `"name"="value"`, also the metric's name.
 */
import { type LabelPairs, METRIC_NAME } from '../../model/labels.ts';
import { metricText } from '../../model/metric-text.ts';
import { sortedPairs } from '../../model/sorted-pairs.ts';
import { unquote } from '../../model/unquote.ts';

const UNKNOWN_METRIC = '[UNKNOWN METRIC]';
const UNKNOWN_REASON = '[UNKNOWN REASON]';

/** In a reason, this comes before the indexes of the chunks whose samples can't be trusted. */
export const DAMAGED_CHUNKS = '; damaged chunks: ';
const damagedChunks = /; damaged chunks: ([\d, ]+)/;

const plainMetricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const plainLabelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** One label and the separator after it; the name may be quoted. */
const labelText = /(?:([a-zA-Z_][a-zA-Z0-9_]*)|("(?:[^"\\]|\\.)*"))=("(?:[^"\\]|\\.)*")(?:, |$)/uy;

export interface Hint {
  /** `undefined` when the hint names no metric, or can't be parsed. */
  readonly pairs: LabelPairs | undefined;
  readonly reason: string;
}

export const formatHint = (reason: string, pairs: LabelPairs | undefined): string => {
  const metric = pairs === undefined ? UNKNOWN_METRIC : hasPlainNames(pairs) ? metricText(pairs) : quotedText(pairs);
  return `${metric}\n${reason.trim().replace(/\s*\n\s*/g, ' ') || UNKNOWN_REASON}\n`;
};

/** Accepts any text; never throws. */
export const parseHint = (text: string): Hint => {
  const [metric = '', reason = ''] = text.split('\n');
  return { pairs: metric === UNKNOWN_METRIC ? undefined : parseMetric(metric), reason: reason || UNKNOWN_REASON };
};

/** The chunks that a reason names as damaged. */
export const damagedChunksOf = (reason: string): ReadonlySet<number> =>
  new Set(
    (damagedChunks.exec(reason)?.[1] ?? '').split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)])),
  );

const hasPlainNames = (pairs: LabelPairs): boolean => {
  for (let i = 0; i < pairs.length; i += 2) {
    if (!plainLabelName.test(pairs[i])) return false;
    if (pairs[i] === METRIC_NAME && !plainMetricName.test(pairs[i + 1])) return false;
  }
  return true;
};

/** JSON.stringify is correct here, because JSON's escapes are a subset of Go's. */
const quotedText = (pairs: LabelPairs): string => {
  const labels: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) labels.push(`${JSON.stringify(pairs[i])}=${JSON.stringify(pairs[i + 1])}`);
  return `{${labels.join(', ')}}`;
};

const parseMetric = (text: string): LabelPairs | undefined => {
  const brace = text.indexOf('{');
  const name = brace < 0 ? text : text.slice(0, brace);
  if (name !== '' && !plainMetricName.test(name)) return undefined;
  const pairs = name === '' ? [] : [METRIC_NAME, name];
  if (brace < 0) return name === '' ? undefined : pairs;
  if (!text.endsWith('}')) return undefined;
  try {
    return addLabels(text.slice(brace + 1, -1), pairs) ? sortedPairs(pairs) : undefined;
  } catch {
    // An invalid escape, or a name that occurs twice.
    return undefined;
  }
};

/** Adds the labels to `pairs`; false when the text is not a list of labels. */
const addLabels = (text: string, pairs: string[]): boolean => {
  labelText.lastIndex = 0;
  while (labelText.lastIndex < text.length) {
    const found = labelText.exec(text);
    if (found === null) return false;
    pairs.push(found[1] ?? unquote(found[2]), unquote(found[3]));
  }
  return true;
};
