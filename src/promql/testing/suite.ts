/** The engine as Prometheus' own test suite configures it. */

import { defaultLimits, type EngineOptions } from '../engine/engine-options.ts';
import { evaluate } from '../engine/evaluate.ts';
import { parse } from '../syntax/parse.ts';
import type { PromqlTestOptions } from './test-run.ts';

export interface SuiteOptions {
  /** For the files of Prometheus 2.x: ranges include their left end, and names are removed at once. */
  readonly isVersion2: boolean;
  readonly breathe: EngineOptions['breathe'];
  readonly now: EngineOptions['now'];
}

export const suiteEngine = ({
  isVersion2,
  breathe,
  now,
}: SuiteOptions): Pick<PromqlTestOptions, 'parse' | 'evaluate'> => {
  const options: EngineOptions = {
    lookbackMs: 5 * 60_000,
    defaultSubqueryStepMs: 60_000,
    closedRanges: isVersion2,
    delayedNameRemoval: !isVersion2,
    experimental: true,
    limits: defaultLimits,
    breathe,
    now,
  };
  return {
    parse: (text) => parse(text, { experimental: true }),
    evaluate: (source, question) => evaluate(source, question, options),
  };
};
