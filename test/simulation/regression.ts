/**
 * A regression: a sequence that broke the store once, with what went wrong. Each is a JSON file in `regressions/`, with
 * one step a line. The simulator prints a failing sequence in the same form.
 */
import type { Sequence, Setting, Step } from './steps.ts';

export interface Regression {
  /** What the store has to survive, as the end of a sentence that begins with "The store survives". */
  readonly title: string;
  /** What went wrong, and what prevents it now. */
  readonly why: string;
  /** Seed of the world. */
  readonly seed: number;
  /** Where the setting differs from the usual one. */
  readonly setting: Partial<Setting>;
  readonly steps: readonly Step[];
}

const usualSetting: Setting = {
  durability: 'interval',
  chunkEncoding: 'varbit',
  syncSeriesFiles: 'adaptive',
  retentionMs: null,
  minShrinkRatio: 0.1,
  checkpointIntervalMs: 300_000,
  checkpointDirtySeries: 5000,
  headChunkTimeoutMs: 300_000,
  memoryTarget: 64 * 2 ** 20,
  subscriptionBacklogBytes: 2 ** 30,
  mischief: 0.02,
  observed: true,
};

export const sequenceOf = ({ seed, setting, steps }: Regression): Sequence => ({
  seed,
  setting: { ...usualSetting, ...setting },
  steps,
});

/** The text of a regression's file. */
export const regressionText = ({ title, why, seed, setting, steps }: Regression): string =>
  [
    '{',
    `  "title": ${JSON.stringify(title)},`,
    `  "why": ${JSON.stringify(why)},`,
    `  "seed": ${seed},`,
    `  "setting": {${Object.entries(setting)
      .map((entry) => `\n    ${member(entry)}`)
      .join(',')}\n  },`,
    '  "steps": [',
    steps.map((step) => stepText(step, '    ')).join(',\n'),
    '  ]',
    '}',
    '',
  ].join('\n');

const stepText = (step: Step, indent: string): string =>
  step.type === 'together'
    ? [
        `${indent}{`,
        `${indent}  "type": "together",`,
        `${indent}  "steps": [`,
        step.steps.map((inner) => stepText(inner, `${indent}    `)).join(',\n'),
        `${indent}  ]`,
        `${indent}}`,
      ].join('\n')
    : indent + onOneLine(step);

const onOneLine = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(member);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
};

const member = ([key, value]: [string, unknown]): string => `${JSON.stringify(key)}: ${onOneLine(value)}`;
