/** The labels of the result of absent and absent_over_time: what the selector says about them. */
import { type LabelPairs, METRIC_NAME } from '../../model/labels.ts';
import type { Expr } from '../syntax/ast.ts';
import { withLabel, without } from './labels-of-results.ts';

/** From left to right the first `=` on a label sets it; each other matcher on it deletes it. */
export const absentLabels = (argument: Expr): LabelPairs => {
  const selector = argument.kind === 'range' ? argument.selector : argument;
  if (selector.kind !== 'selector') return [];
  let labels: LabelPairs = [];
  const seen = new Set<string>();
  for (const { name, op, value } of selector.matchers) {
    if (name === METRIC_NAME) continue;
    if (op === '=' && !seen.has(name)) {
      labels = withLabel(labels, name, value);
      seen.add(name);
    } else {
      labels = without(labels, name);
    }
  }
  return labels;
};
