/** The values that variables offer, and those that are chosen. */
import { allValues, type Variable } from '../../../dashboards/dashboard.ts';
import type { TimeRange } from '../../parts/chart/chart.ts';
import { askWithNotes, isAbort } from '../../server/ask-server.ts';
import { type ChosenValue, type ChosenValues, fillIn } from './fill-in-variables.ts';
import { filterValues, parseVariableQuery } from './variable-queries.ts';

/** More values are not offered; the page says so. */
const valuesMax = 2000;

export interface OfferedVariable {
  readonly variable: Variable;
  readonly values: readonly string[];
  /** Among them {@link allValues}, if all are chosen. */
  readonly chosen: readonly string[];
  /** Warnings of the server, such as that there are more values. */
  readonly note: string;
  readonly error: string | undefined;
}

const offeredBy = async (
  variable: Variable,
  known: ChosenValues,
  [from, through]: TimeRange,
  signal: AbortSignal,
): Promise<Pick<OfferedVariable, 'values' | 'note'>> => {
  if (variable.kind === 'list') return { values: variable.values, note: '' };
  const query = parseVariableQuery(fillIn(variable.query, known));
  if (query === undefined) throw new Error('The query must be label_values(label) or label_values(selector, label).');
  const limits = { start: from / 1000, end: through / 1000, limit: valuesMax };
  const selector = query.selector === '' ? {} : { 'match[]': query.selector };
  const path = `/api/v1/label/${encodeURIComponent(query.label)}/values` as const;
  const { data, notes } = await askWithNotes(path, { ...limits, ...selector }, signal);
  return { values: filterValues(data, variable.regex), note: notes.join(' ') };
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
    let found: Pick<OfferedVariable, 'values' | 'note'> = { values: [], note: '' };
    let error: string | undefined;
    try {
      found = await offeredBy(variable, valuesOf(offered), range, signal);
    } catch (reason) {
      if (isAbort(reason) || signal.aborted) throw reason;
      error = reason instanceof Error ? reason.message : String(reason);
    }
    const own = Object.hasOwn(asked, variable.name) ? asked[variable.name] : undefined;
    offered.push({ variable, ...found, chosen: chosenOf(variable, found.values, own), error });
  }
  return offered;
};
