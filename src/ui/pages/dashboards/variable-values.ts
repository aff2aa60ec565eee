/** The values that variables offer, and those that are chosen. */
import { allValues, type Variable } from '../../../dashboards/dashboard.ts';
import type { TimeRange } from '../../parts/chart/chart.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { type ChosenValue, type ChosenValues, fillIn } from './fill-in-variables.ts';
import { filterValues, parseVariableQuery } from './variable-queries.ts';

const valuesMax = 1000;

export interface OfferedVariable {
  readonly variable: Variable;
  readonly values: readonly string[];
  /** Among them {@link allValues}, if all are chosen. */
  readonly chosen: readonly string[];
  readonly error: string | undefined;
}

const offeredBy = async (
  variable: Variable,
  known: ChosenValues,
  [from, through]: TimeRange,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  if (variable.kind === 'list') return variable.values;
  const query = parseVariableQuery(fillIn(variable.query, known));
  if (query === undefined) throw new Error('The query must be label_values(label) or label_values(selector, label).');
  const limits = { start: from / 1000, end: through / 1000, limit: valuesMax };
  const selector = query.selector === '' ? {} : { 'match[]': query.selector };
  const values = await ask(
    `/api/v1/label/${encodeURIComponent(query.label)}/values`,
    { ...limits, ...selector },
    signal,
  );
  return filterValues(values, variable.regex);
};

/** What is chosen: as the address says, as the dashboard says, or all values, or the first one. */
const chosenOf = (
  { all, multi, chosen }: Variable,
  values: readonly string[],
  asked: readonly string[] | undefined,
): readonly string[] => {
  const wanted = (asked ?? chosen).filter((value) => (value === allValues ? all : true));
  if (wanted.includes(allValues)) return [allValues];
  // A value that is not offered now may be in the address, or may have no samples in this range.
  if (wanted.length > 0) return multi ? wanted : wanted.slice(0, 1);
  return all ? [allValues] : values.slice(0, 1);
};

/** What queries get. */
export const chosenValueOf = ({ variable: { multi, all }, values, chosen }: OfferedVariable): ChosenValue => ({
  values: chosen.includes(allValues) ? values : chosen,
  isRegex: multi || all,
});

export const valuesOf = (offered: readonly OfferedVariable[]): ChosenValues =>
  Object.fromEntries(offered.map((one) => [one.variable.name, chosenValueOf(one)]));

/** Reads what all variables offer, in their order: the query of one may name those before it. */
export const readVariables = async (
  variables: readonly Variable[],
  asked: Readonly<Record<string, readonly string[]>>,
  range: TimeRange,
  signal: AbortSignal,
): Promise<OfferedVariable[]> => {
  const offered: OfferedVariable[] = [];
  for (const variable of variables) {
    let values: readonly string[] = [];
    let error: string | undefined;
    try {
      values = await offeredBy(variable, valuesOf(offered), range, signal);
    } catch (reason) {
      if (isAbort(reason) || signal.aborted) throw reason;
      error = reason instanceof Error ? reason.message : String(reason);
    }
    const own = Object.hasOwn(asked, variable.name) ? asked[variable.name] : undefined;
    offered.push({ variable, values, chosen: chosenOf(variable, values, own), error });
  }
  return offered;
};
