/** The table of the benchmark at a steady rate: a row for each minute, and how much memory grew at the end. Pure text. */
import { formatNumber, table } from '../report.ts';

/** What is measured at the end of a minute. */
export interface MinuteFigures {
  readonly minute: number;
  readonly servedMB: number;
  readonly forwardingMB: number;
  readonly forwarded: number;
  readonly waiting: number;
  readonly secondsLate: number;
}

/** Growth counts over the last minutes only: before them, the processes warm up and the store fills up to its target. */
const GROWTH_MINUTES = 5;

const head = ['minute', 'serve, MB', 'forwarding process, MB', 'samples forwarded', 'samples waiting', 'seconds late'];

export const minuteCells = (figures: MinuteFigures): string[] =>
  [
    figures.minute,
    Math.round(figures.servedMB),
    Math.round(figures.forwardingMB),
    figures.forwarded,
    figures.waiting,
    figures.secondsLate,
  ].map(formatNumber);

/** How much memory grew over the last five minutes, or since the first minute of a shorter run. */
const growthCells = (measured: readonly MinuteFigures[]): string[] | undefined => {
  const last = measured.at(-1);
  const first = measured.at(-1 - GROWTH_MINUTES) ?? measured[0];
  if (last === undefined || first === last) return undefined;
  const growths = [last.servedMB - first.servedMB, last.forwardingMB - first.forwardingMB];
  const texts = growths.map((growth) => `${growth < 0 ? '' : '+'}${growth.toFixed(1)}`);
  return [`growth from minute ${first.minute} to ${last.minute}`, ...texts, '', '', ''];
};

/** A run of one minute has no growth, and no row for it. */
export const steadyTable = (measured: readonly MinuteFigures[]): string => {
  const growth = growthCells(measured);
  return table(head, [...measured.map(minuteCells), ...(growth === undefined ? [] : [growth])]);
};
