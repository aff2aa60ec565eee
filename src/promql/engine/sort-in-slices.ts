/** Sorts long arrays without keeping the thread, within the budget of a query. */
import { sortWithPauses } from '../../async/sort-with-pauses.ts';
import type { Budget } from './limits.ts';

/** What sorting an element costs between two pauses, in units of about one sample. */
const UNITS = 20;
/** About how many elements are sorted or merged between two pauses. */
const ELEMENTS = 1024;

/** Sorts in place; equal elements keep their order. */
export const sortInSlices = async <T>(items: T[], compare: (a: T, b: T) => number, budget: Budget): Promise<void> => {
  if (await isSorted(items, compare, budget)) return;
  const sorted = await sortWithPauses(items, compare, () =>
    budget.spend(UNITS * ELEMENTS) ? budget.breathe() : undefined,
  );
  for (let i = 0; i < sorted.length; i++) items[i] = sorted[i];
};

const isSorted = async <T>(items: readonly T[], compare: (a: T, b: T) => number, budget: Budget): Promise<boolean> => {
  for (let i = 1; i < items.length; i++) {
    if (compare(items[i - 1], items[i]) > 0) return false;
    if (budget.spend(UNITS)) await budget.breathe();
  }
  return true;
};
