/** What the command line uses of the library: everything that `tidemark` exports, loaded when a verb needs it. */
import type * as Library from '../index.ts';

export type Engine = typeof Library;
export type { Clock, Progress } from '../index.ts';
