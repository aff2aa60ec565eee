/** Warnings about series that could not be read completely. */
import type { InstantSample, SeriesSamples } from '../index.ts';
import { formatLabels } from '../text/label-text.ts';

/** One sentence per problem, with the labels of its series. */
export const warningsOf = ({ labels, problems = [] }: SeriesSamples | InstantSample): string[] =>
  problems.map((problem) => `${formatLabels(labels)}: ${problem}`);
