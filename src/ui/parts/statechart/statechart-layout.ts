/** Loads the computed layouts of the statecharts: `public/machines/*.json`, which a test compares with the machines. */
import { addressOf } from '../../server/page-address.ts';
import type { DeepLayout, StoreLayout } from './chart-layout.ts';

/** The layouts by machine. */
interface Layouts {
  readonly series: DeepLayout;
  readonly alert: DeepLayout;
  readonly store: StoreLayout;
}

/** Loads the layout of a machine. */
export const loadLayout = async <Machine extends keyof Layouts>(
  machine: Machine,
  signal: AbortSignal,
): Promise<Layouts[Machine]> => {
  const response = await fetch(addressOf(`/machines/${machine}.json`), { signal });
  return response.json();
};
