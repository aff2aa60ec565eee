/**
 * Passages: runs of steps that belong together, drawn into long sequences. They lead to what single steps reach once in
 * thousands of sequences: a fault while a damaged file is set aside or a file is written anew for retention, and somebody who
 * comes for a series while its file is being worked on.
 */
import { faultTargets } from './fault-targets.ts';
import type { FileKind } from './faults.ts';
import type { Prng } from './prng.ts';
import type { Step } from './steps.ts';

const MINUTE_MS = 60_000;

const maintain: Step = { type: 'command', command: 'maintain', detached: false };
const maintainMeanwhile: Step = { type: 'command', command: 'maintain', detached: true };
const everything = { from: null, through: null };

type Passage = (prng: Prng, series: number) => Step[];

/** Some chunks in the series file, and nothing of the series in memory. */
const archived: Passage = (prng, series) => [
  {
    type: 'append',
    series,
    count: prng.between(150, 400),
    spacing: { everyMs: 1_000 },
    values: 'random',
    via: 'store',
    seed: prng.uint32(),
  },
  { type: 'advance', byMs: 12 * MINUTE_MS },
  maintain,
  maintain,
];

/** A fault or a crash at the next call, or one soon after, to a kind of file. */
const aimedAt = (prng: Prng, file: FileKind): Step => {
  const { faults, ...target } = prng.pick(faultTargets.filter((one) => one.file === file));
  const skip = prng.pick([0, 0, 1, 2]);
  return prng.chance(0.6)
    ? { type: 'fault', fault: { ...target, fault: prng.pick(faults), skip, times: 1 } }
    : { type: 'crashAt', kind: prng.pick(['power', 'kill']), fault: { ...target, skip }, again: [] };
};

/** Somebody comes for the series: to delete it, to read it, with a sample, or to find it damaged. */
const visitor: Passage = (prng, series) =>
  prng.pick<Step[]>([
    [{ type: 'drop', series, detached: true }],
    [{ type: 'query', series, window: everything }],
    [
      {
        type: 'append',
        series,
        count: 1,
        spacing: { everyMs: 1_000 },
        values: 'random',
        via: 'handle',
        seed: prng.uint32(),
      },
    ],
    [
      { type: 'decay', file: 'seriesFile', which: prng.below(100), at: prng.next() },
      { type: 'query', series, window: everything },
    ],
  ]);

/** A damaged file is found by a query, and setting it aside meets trouble. */
const quarantine: Passage = (prng, series) => [
  ...archived(prng, series),
  { type: 'decay', file: 'seriesFile', which: prng.below(100), at: prng.next() },
  aimedAt(prng, 'orphaned'),
  { type: 'query', series: null, window: everything },
  { type: 'settle' },
  maintain,
];

/** Retention takes the oldest chunks of a file, which is written anew. */
const shrink: Passage = (prng, series) => [
  ...archived(prng, series),
  ...archived(prng, series),
  { type: 'advance', byMs: prng.between(1, 30) * MINUTE_MS },
  aimedAt(prng, prng.pick(['seriesFileTmp', 'seriesFile'])),
  maintain,
  { type: 'settle' },
];

/** Visitors come, one after another, while files are worked on. */
const visited: Passage = (prng, series) => [
  ...archived(prng, series),
  ...(prng.chance(0.5) ? archived(prng, series) : []),
  { type: 'advance', byMs: prng.between(1, 30) * MINUTE_MS },
  ...(prng.chance(0.3) ? [aimedAt(prng, 'seriesFile')] : []),
  maintainMeanwhile,
  { type: 'breathe', tasks: prng.between(1, 8) },
  ...visitor(prng, series),
  { type: 'breathe', tasks: prng.between(1, 4) },
  ...visitor(prng, series),
  { type: 'settle' },
];

export const drawPassage: Passage = (prng, series) => prng.pick([quarantine, shrink, visited])(prng, series);
