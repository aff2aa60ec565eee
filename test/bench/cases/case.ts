/** What one measured process is asked to do, and what it answers. */
import type { WayToAppend } from '../appenders.ts';
import type { Figures } from '../reference.ts';
import type { Workload } from '../workload.ts';

export interface CaseContext {
  /** The store's directory. */
  readonly directory: string;
  readonly workload: Workload;
  readonly way: WayToAppend;
  /** Rounds after the last checkpoint, for the crash. */
  readonly tailRounds: number;
  /** Seconds at rest after which memory is measured again; 0 for not. */
  readonly restSeconds: number;
  /** Samples a second, for the paced run. */
  readonly samplesPerSecond: number;
  /** Seconds that the paced run lasts. */
  readonly seconds: number;
}

/** The figures, and facts beside them that no target is set for. */
export interface CaseResult {
  readonly figures: Figures;
  readonly facts: Readonly<Record<string, number>>;
}

export type Case = (context: CaseContext) => Promise<CaseResult>;
