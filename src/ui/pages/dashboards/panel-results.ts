/** Reads what the queries of a panel ask for. */
import type { Panel } from '../../../dashboards/dashboard.ts';
import type { TimeRange } from '../../parts/chart/chart.ts';
import { type Result, read } from '../../parts/queries/results.ts';
import { stepFor } from '../../parts/text/duration-text.ts';
import { isAbort } from '../../server/ask-server.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';
import { type ChosenValues, fillIn } from './fill-in-variables.ts';
import { inSlot } from './query-slots.ts';
import { timeVariables } from './time-variables.ts';

/** The server refuses more points of a series. */
const pointsMax = 11_000;

/** What a panel is drawn for. */
export interface PanelContext {
  readonly range: TimeRange;
  readonly chosen: ChosenValues;
}

export interface ReadQuery {
  /** The expression as it was asked, with the values of variables. */
  readonly expr: string;
  readonly legend: string;
  readonly series: readonly DrawnSeries[];
  /** Of a figure: its course. */
  readonly course: readonly DrawnSeries[];
  /** The number of series, also of those that are left out. */
  readonly total: number;
  readonly notes: readonly string[];
  readonly error: Error | undefined;
}

/** Milliseconds between the points of a drawing of so many pixels. */
export const stepOfPanel = ([from, through]: TimeRange, pixels: number): number =>
  Math.max(stepFor(through - from, Math.max(50, pixels / 2)), Math.ceil((through - from) / pointsMax), 1);

/** The expressions of a panel with the values of variables. */
export const filledQueries = ({ queries }: Panel, { range, chosen }: PanelContext, stepMs: number): string[] => {
  const values = { ...timeVariables(range, stepMs), ...chosen };
  return queries.map(({ expr }) => fillIn(expr, values));
};

/** Reads all queries. One that fails has its error; the others are read nevertheless. Rejects only if `signal` aborts. */
export const readPanel = async (
  panel: Panel,
  context: PanelContext,
  pixels: number,
  signal: AbortSignal,
): Promise<ReadQuery[]> => {
  const stepMs = stepOfPanel(context.range, pixels);
  const texts = filledQueries(panel, context, stepMs);
  const inTime = (text: string, step: number): Promise<Result> =>
    inSlot(signal, () => read({ kind: 'range', text, stepMs: step }, context.range, pixels, signal));
  const now = (text: string): Promise<Result> =>
    inSlot(signal, () => read({ kind: 'instant', text }, context.range, pixels, signal));
  const readQuery = async (i: number): Promise<ReadQuery> => {
    const expr = texts[i];
    const { legend } = panel.queries[i];
    try {
      const isInstant = panel.kind === 'stat' || panel.kind === 'table';
      const course = panel.kind === 'stat' ? inTime(expr, stepOfPanel(context.range, 200)) : undefined;
      const [result, courseResult] = await Promise.all([isInstant ? now(expr) : inTime(expr, stepMs), course]);
      return { expr, legend, ...result, course: courseResult?.series ?? [], error: undefined };
    } catch (error) {
      if (isAbort(error) || signal.aborted) throw error;
      const reason = error instanceof Error ? error : new Error(String(error));
      return { expr, legend, series: [], course: [], total: 0, notes: [], error: reason };
    }
  };
  const indices = texts.map((_, i) => i).filter((i) => texts[i].trim() !== '');
  return Promise.all(indices.map(readQuery));
};
