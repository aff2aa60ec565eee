/** What exists: `/api/v1/series`, `/labels`, `/label/<name>/values`. */

import { sortWithPauses } from '../../async/sort-with-pauses.ts';
import type { Labels, TimeRange } from '../../index.ts';
import { unescapeName } from '../../text/escape-names.ts';
import { byCodeUnits, firstByLabels, sortedLabels } from '../../text/label-text.ts';
import { namedLater, quoteParam, rangeParams } from '../params.ts';
import { badData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { arrayPieces, sendEnvelope } from './envelope.ts';
import { limitParam } from './query-params.ts';
import { selectorsOf } from './series-selectors.ts';

export const truncated = 'results truncated due to limit';

/** Label sets to look through before the event loop gets its turn. */
const PER_SLICE = 1000;

const sendList = <T>(
  exchange: StoreExchange,
  list: readonly T[],
  { isCut, textOf }: { readonly isCut: boolean; readonly textOf: (item: T) => string },
): Promise<void> => sendEnvelope(exchange, arrayPieces(list, textOf), { warnings: isCut ? [truncated] : [] });

/** Sorted texts, cut at the limit. */
const sendTexts = async (exchange: StoreExchange, texts: readonly string[], limit: number): Promise<void> => {
  const sorted = await sortWithPauses(texts, byCodeUnits, exchange.breathe);
  const isCut = limit > 0 && sorted.length > limit;
  await sendList(exchange, isCut ? sorted.slice(0, limit) : sorted, { isCut, textOf: JSON.stringify });
};

/** Label sets, sorted. */
export const listSeries = async (exchange: StoreExchange): Promise<void> => {
  const { params, store, breathe } = exchange;
  if (!params.has('match[]')) throw badData('no match[] parameter provided');
  const limit = limitParam(params);
  const range = rangeParams(params);
  const selectors = await namedLater('match[]', () => selectorsOf(exchange));
  const found = await store.metrics(selectors, range);
  const isCut = limit > 0 && found.length > limit;
  const first = await firstByLabels(found, isCut ? limit : found.length, breathe);
  await sendList(exchange, first, { isCut, textOf: (labels) => JSON.stringify(sortedLabels(labels)) });
};

interface Sought {
  readonly limit: number;
  readonly range: TimeRange;
  readonly selectors: readonly string[];
  /** Neither a selector nor a bound was given. */
  readonly isEverything: boolean;
}

const soughtBy = async (exchange: StoreExchange): Promise<Sought> => {
  const { params } = exchange;
  const limit = limitParam(params);
  const range = rangeParams(params);
  const selectors = await selectorsOf(exchange);
  const isEverything = selectors.length === 0 && range.from === undefined && range.through === undefined;
  return { limit, range, selectors, isEverything };
};

/** Calls `take` with the labels of each series sought: all series if there is no selector. */
const eachLabels = async (
  { store, signal, breathe }: StoreExchange,
  { selectors, range }: Sought,
  take: (labels: Labels) => void,
): Promise<void> => {
  let looked = 0;
  for (const labels of await store.metrics(selectors, range)) {
    take(labels);
    if (++looked % PER_SLICE !== 0) continue;
    await breathe();
    if (signal.aborted) return;
  }
};

export const listLabelNames = async (exchange: StoreExchange): Promise<void> => {
  const sought = await soughtBy(exchange);
  if (sought.isEverything) return sendTexts(exchange, await exchange.store.labelNames(), sought.limit);
  const names = new Set<string>();
  await eachLabels(exchange, sought, (labels) => {
    for (const name of Object.keys(labels)) names.add(name);
  });
  await sendTexts(exchange, [...names], sought.limit);
};

/** The label name in the address. Prometheus' clients escape names that are not in the classic form. */
const labelOfPath = ({ path }: StoreExchange): string => {
  const name = unescapeName(path['name']) ?? path['name'];
  if (name === '') throw badData(`invalid label name: ${quoteParam(path['name'])}`);
  return name;
};

export const listLabelValues = async (exchange: StoreExchange): Promise<void> => {
  const name = labelOfPath(exchange);
  const sought = await soughtBy(exchange);
  if (sought.isEverything) return sendTexts(exchange, await exchange.store.labelValues(name), sought.limit);
  const values = new Set<string>();
  await eachLabels(exchange, sought, (labels) => {
    // A label may have the same name as an inherited property of every object.
    if (Object.hasOwn(labels, name) && labels[name] !== '') values.add(labels[name]);
  });
  await sendTexts(exchange, [...values], sought.limit);
};
