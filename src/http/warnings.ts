/** What answers say of series that could not be read whole. */
import type { InstantSample, SeriesSamples } from '../index.ts';
import { formatLabels } from '../text/labels.ts';

/** One sentence for each problem, with the series it is about. */
export const warningsOf = ({ labels, problems = [] }: SeriesSamples | InstantSample): string[] =>
  problems.map((problem) => `${formatLabels(labels)}: ${problem}`);
