/** Warnings about series that could not be read completely. */
import type { InstantSample, SeriesSamples } from '../index.ts';
import { formatLabels } from '../text/label-text.ts';

/** One sentence per problem, with the labels of its series. */
export const warningsOf = ({ labels, problems = [] }: SeriesSamples | InstantSample): string[] =>
  problems.map((problem) => `${formatLabels(labels)}: ${problem}`);

/** The header, or the trailer where damage is found only after the body has begun, that lists what is missing. */
export const warningsHeader = 'Tidemark-Warnings';
/** Once there are so many warnings, no more are added. */
export const warningsMax = 20;

/** Warnings as the value of a header: a JSON array in percent-encoding. */
export const encodeWarnings = (warnings: readonly string[]): string => encodeURI(JSON.stringify(warnings));
