/** Plays one seed of `npm run simulate`. The outcome is plain data, so that another thread can send it. */
import { Coverage, type CoverageReport } from '../coverage.ts';
import { type SimulateOptions, simulate } from '../simulate.ts';

export interface SeedTask {
  readonly seed: number;
  readonly steps: number;
}

export interface SeedOutcome {
  readonly seed: number;
  readonly steps: number;
  readonly crashes: number;
  readonly faults: number;
  /** Calls to the disk and the databases. */
  readonly calls: number;
  readonly simulatedMs: number;
  /** The step and the message of the violation. */
  readonly failure: string | undefined;
  readonly coverage: CoverageReport;
}

export const playSeed = async (
  { seed, steps }: SeedTask,
  options: Omit<SimulateOptions, 'coverage'>,
): Promise<SeedOutcome> => {
  const coverage = new Coverage();
  const result = await simulate(seed, steps, { ...options, coverage });
  const { crashes, faults, calls, simulatedMs, failure } = result;
  const message = failure === undefined ? undefined : `step ${failure.step}: ${failure.message}`;
  return {
    seed,
    steps: result.steps,
    crashes,
    faults,
    calls,
    simulatedMs,
    failure: message,
    coverage: coverage.report(),
  };
};
