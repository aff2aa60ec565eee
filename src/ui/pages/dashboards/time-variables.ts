/** What Grafana puts into queries besides variables: the range and the step of the panel. */
import type { TimeRange } from '../../parts/chart/chart.ts';
import { durationText } from '../../parts/text/duration-text.ts';
import type { ChosenValue, ChosenValues } from './fill-in-variables.ts';

/** How often samples are taken, as Grafana takes it if a data source does not say. */
const scrapeMs = 15_000;

const plain = (text: string | number): ChosenValue => ({ values: [String(text)], isRegex: false });

/** `$__rate_interval` is never less than four scrapes, so that a rate always has enough samples. */
export const timeVariables = ([from, through]: TimeRange, stepMs: number): ChosenValues => {
  const rangeMs = Math.max(1000, Math.round((through - from) / 1000) * 1000);
  return {
    __interval: plain(durationText(stepMs)),
    __interval_ms: plain(stepMs),
    __rate_interval: plain(durationText(Math.max(4 * scrapeMs, stepMs + scrapeMs))),
    __range: plain(`${rangeMs / 1000}s`),
    __range_s: plain(rangeMs / 1000),
    __range_ms: plain(rangeMs),
    __from: plain(from),
    __to: plain(through),
  };
};
