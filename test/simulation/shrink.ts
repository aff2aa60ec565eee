/**
 * Shortens a failing sequence as far as it still fails: removes runs of steps, halving their length from half the
 * sequence to one step (delta debugging, Zeller and Hildebrandt 2002), then makes the remaining steps smaller. Any
 * failure counts, even a different one: the goal is the shortest sequence that breaks the store.
 */
import type { Sequence, Step } from './steps.ts';

/** How often a sequence may be played while shrinking. */
const PLAYS_MAX = 400;

export interface Shrunk {
  readonly sequence: Sequence;
  readonly plays: number;
}

/** `fails` plays a sequence and says whether it fails. */
export const shrink = async (sequence: Sequence, fails: (sequence: Sequence) => Promise<boolean>): Promise<Shrunk> => {
  let best = sequence;
  let plays = 0;
  const attempt = async (steps: readonly Step[]): Promise<boolean> => {
    if (plays >= PLAYS_MAX) return false;
    plays++;
    const candidate = { ...best, steps };
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let round = 0; round < 3; round++) {
    const before = JSON.stringify(best.steps);
    for (
      let length = Math.ceil(best.steps.length / 2);
      length >= 1;
      length = length === 1 ? 0 : Math.ceil(length / 2)
    ) {
      for (let end = best.steps.length; end > 0; ) {
        const start = Math.max(0, end - length);
        await attempt([...best.steps.slice(0, start), ...best.steps.slice(end)]);
        end = Math.min(start, best.steps.length);
      }
    }
    for (let index = 0; index < best.steps.length; index++) {
      for (const smaller of smallerSteps(best.steps[index])) {
        if (await attempt(best.steps.with(index, smaller))) index--;
        else continue;
        break;
      }
    }
    if (JSON.stringify(best.steps) === before) break;
  }
  return { sequence: best, plays };
};

/** Simpler forms of a step, with the simplest first. */
const smallerSteps = (step: Step): Step[] => {
  switch (step.type) {
    case 'append':
      return [
        ...(step.count > 1
          ? [
              { ...step, count: 1 },
              { ...step, count: Math.ceil(step.count / 2) },
            ]
          : []),
        ...(step.values === 'constant' ? [] : [{ ...step, values: 'constant' as const }]),
      ];
    case 'appendBatch':
      return step.count > 1
        ? [
            { ...step, count: 1 },
            { ...step, count: Math.ceil(step.count / 2) },
          ]
        : [];
    case 'backfill':
    case 'appendLate':
      return step.count > 1
        ? [
            { ...step, count: 1 },
            { ...step, count: Math.ceil(step.count / 2) },
          ]
        : [];
    case 'command':
    case 'drop':
    case 'dropRange':
      return step.detached ? [{ ...step, detached: false }] : [];
    case 'backup':
      return step.detached ? [{ type: 'backup' }] : [];
    case 'otherProgram':
      return [
        ...step.series.map((_, index) => ({ ...step, series: step.series.toSpliced(index, 1) })),
        ...(step.inspected ? [{ ...step, inspected: false }] : []),
        ...(step.rests ? [{ ...step, rests: false }] : []),
      ];
    case 'restart':
      return step.inspected ? [{ type: 'restart' }] : [];
    case 'crash':
      return [
        ...(step.again.length > 0
          ? [
              { ...step, again: [] },
              { ...step, again: step.again.slice(1) },
            ]
          : []),
        ...(step.inspected ? [{ ...step, inspected: false }] : []),
      ];
    case 'crashAt':
      return step.again.length > 0
        ? [
            { ...step, again: [] },
            { ...step, again: step.again.slice(1) },
          ]
        : [];
    case 'advance':
      return step.byMs > 1 ? [{ ...step, byMs: Math.ceil(step.byMs / 2) }] : [];
    case 'together':
      return step.steps.length === 1
        ? [...step.steps]
        : step.steps.map((_, index) => ({ ...step, steps: step.steps.toSpliced(index, 1) }));
    default:
      return [];
  }
};
