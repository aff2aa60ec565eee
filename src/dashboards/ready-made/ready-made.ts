/** The dashboards that come with the product, by their ids. They can be copied, but neither replaced nor removed. */
import type { Dashboard } from '../dashboard.ts';
import { theStore } from './the-store.ts';
import { thisMachine } from './this-machine.ts';
import { thisProcess } from './this-process.ts';

export const readyMade: ReadonlyMap<string, Dashboard> = new Map([
  ['this-process', thisProcess],
  ['this-machine', thisMachine],
  ['the-store', theStore],
]);
