/** Evaluates a recording rule: the samples that its expression gives, under the rule's name and labels. */
import { TidemarkError } from '../model/errors.ts';
import { METRIC_NAME } from '../model/labels.ts';
import type { CompiledRecordingRule } from './compile-groups.ts';
import { type NewSample, withLabels } from './evaluate-rule.ts';
import type { RuleSample } from './rule-storage.ts';
import { seriesKey } from './series-key.ts';

export const recordedSamples = (
  rule: CompiledRecordingRule,
  result: readonly RuleSample[],
  limit: number,
): readonly NewSample[] => {
  const keys = new Set<string>();
  const samples = result.map(({ labels: pairs, value }) => {
    const labels = withLabels(pairs, { [METRIC_NAME]: rule.name, ...rule.labels });
    const key = seriesKey(labels);
    if (keys.has(key)) throw sameLabels('rule');
    keys.add(key);
    return { key, labels, value };
  });
  if (limit > 0 && samples.length > limit) {
    throw new TidemarkError('TIDEMARK_QUERY_FAILED', `exceeded limit of ${limit} with ${samples.length} series`);
  }
  return samples;
};

export const sameLabels = (what: 'rule' | 'alert'): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_QUERY_FAILED',
    `vector contains metrics with the same labelset after applying ${what} labels`,
  );
