/** Which series of two vectors belong together: those with the same signature. */
import { type LabelPairs, labelValue, METRIC_NAME } from '../../model/labels.ts';
import type { VectorMatching } from '../syntax/ast.ts';
import { keepLabels, removeLabels, withLabel, without, withoutName } from './labels-of-results.ts';

export class Signatures {
  private readonly isOn: boolean;
  private readonly sortedNames: readonly string[];
  private readonly names: ReadonlySet<string>;
  private readonly buffer: string[] = [];

  constructor(matching: VectorMatching) {
    this.isOn = matching.on;
    this.sortedNames = [...new Set(matching.labels)].sort();
    this.names = new Set(matching.labels);
  }

  /** The labels that must be equal. The array is used again for the next call. */
  of(labels: LabelPairs): LabelPairs {
    if (this.isOn) keepLabels(labels, this.sortedNames, this.buffer);
    else removeLabels(labels, this.names, this.buffer);
    return this.buffer;
  }
}

/** Labels of the result of two matched series. */
export const resultLabels = (
  matching: VectorMatching,
  keepsName: boolean,
  many: LabelPairs,
  one: LabelPairs,
): LabelPairs => {
  let labels = keepsName ? many : withoutName(many);
  if (matching.cardinality === 'one-to-one') {
    if (matching.on) {
      const kept: string[] = [];
      keepLabels(labels, [...new Set(matching.labels)].sort(), kept);
      return kept;
    }
    for (const name of matching.labels) labels = without(labels, name);
    return labels;
  }
  for (const name of matching.include) labels = withLabel(labels, name, labelValue(one, name));
  return labels;
};

/** Whether each series of a distinct vector has a signature of its own: all labels but the name count. */
export const isWholeLabelSet = (matching: VectorMatching): boolean =>
  !matching.on && matching.labels.every((name) => name === METRIC_NAME);
