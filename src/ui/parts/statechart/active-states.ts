/** Which states of a statechart are active. */
import type { StateValue } from '../../server/server-answers.ts';

/** The ids of the states that are active in a state value: `series.archived`, `series.archived.resting`. */
export const activeIds = (root: string, value: StateValue | undefined): string[] => {
  if (typeof value === 'string') return [`${root}.${value}`];
  return Object.entries(value ?? {}).flatMap(([name, child]) => [
    `${root}.${name}`,
    ...activeIds(`${root}.${name}`, child),
  ]);
};
