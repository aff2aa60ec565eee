/** A store as the rules see it. */
import type { QueryResult, Store } from '../api/api.ts';
import { TidemarkError } from '../model/errors.ts';
import { toLabelPairs } from '../model/labels.ts';
import type { RuleSample, RuleStorage } from './rule-storage.ts';

export const storeRuleStorage = (store: Store, signal: AbortSignal): RuleStorage => ({
  query: async (expr, at) => samplesOf(await store.query(expr, { at, signal, experimental: true })),
  series: (labels) => store.series(labels),
  ready: () => store.ready(),
});

const samplesOf = ({ type, series }: QueryResult): RuleSample[] => {
  if (type !== 'vector' && type !== 'scalar') throw notVector(type);
  return series.map(({ labels, values }) => ({ labels: pairsOf(labels), value: values[0] }));
};

/** The result of an aggregation may have no label at all. */
const pairsOf = (labels: Readonly<Record<string, string>>): RuleSample['labels'] =>
  Object.keys(labels).length === 0 ? [] : toLabelPairs(labels);

export const notVector = (type: string): TidemarkError =>
  new TidemarkError('TIDEMARK_QUERY_FAILED', `rule result is not a vector or scalar, but a ${type}`);
