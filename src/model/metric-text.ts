/**
 * A metric as the original writes it in hint files and log lines: `up{instance="a:9100", job="node"}`. Labels are
 * sorted by their rendered text, values are quoted as Go quotes them. docs/formats/labels-and-mappings.md
 */
import { type LabelPairs, METRIC_NAME } from './labels.ts';
import { quoteLikeGo } from './quote-like-go.ts';
import { compareUtf8 } from './utf8.ts';

/** The metric's text; `{}` for no labels, and without braces if there is only the name. */
export const metricText = (pairs: LabelPairs): string => {
  let name = '';
  const labels: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === METRIC_NAME) name = pairs[i + 1];
    else labels.push(`${pairs[i]}=${quoteLikeGo(pairs[i + 1])}`);
  }
  if (labels.length === 0) return name === '' ? '{}' : name;
  return `${name}{${labels.sort(compareUtf8).join(', ')}}`;
};
