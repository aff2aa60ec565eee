/** The library as the command line uses it: everything that `tidemark` exports, loaded when a verb needs it. */
import type * as tidemark from '../index.ts';

export type Library = typeof tidemark;
export type { Clock, Progress } from '../index.ts';
