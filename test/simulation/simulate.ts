/**
 * The entry point of the simulator: plays a sequence on a store and returns the result. The whole store runs
 * unmodified, on a simulated clock, a simulated disk, simulated databases and seeded randomness.
 *
 * The modules that the store loads when they are first needed are loaded here before: otherwise simulated time would pass
 * while the host reads them, as much as the host is slow.
 */
import 'prom-client';
import '../../src/recovery/check.ts';
import '../../src/recovery/crash-recovery.ts';
import '../../src/recovery/heads-listing.ts';
import '../../src/store/asking.ts';
import { Coverage } from './coverage.ts';
import { generate } from './generator.ts';
import { type CheckDirectory, Life, type OpenStore } from './life.ts';
import { Violation } from './model.ts';
import { countEvents, countTransitions, withStrays } from './observers.ts';
import { Player } from './play.ts';
import { isSimulatedCrash } from './simulated-process.ts';
import type { Sequence } from './steps.ts';
import { Trace } from './trace.ts';

export interface SimulationFailure {
  /** The last step that had begun when the failure was seen, counted from 1. */
  readonly step: number;
  readonly message: string;
  /** The last lines of the trace. */
  readonly trace: readonly string[];
}

export interface SimulationResult {
  readonly sequence: Sequence;
  /** Steps that were played. */
  readonly steps: number;
  readonly crashes: number;
  readonly faults: number;
  /** Calls to the disk and the databases. */
  readonly calls: number;
  /** Simulated time that passed. */
  readonly simulatedMs: number;
  /** A hash of everything that happened. The same sequence always gives the same hash. */
  readonly traceHash: string;
  readonly failure: SimulationFailure | undefined;
}

export interface SimulateOptions {
  readonly openStore: OpenStore;
  /** Verifies a directory after a close or a crash. Without it no directory is inspected from outside. */
  readonly checkDirectory?: CheckDirectory;
  readonly coverage?: Coverage;
  /** Receives every line of the trace. */
  readonly onTrace?: (line: string) => void;
}

/** Plays one sequence. */
export const playSequence = async (sequence: Sequence, options: SimulateOptions): Promise<SimulationResult> => {
  const trace = new Trace(options.onTrace);
  const coverage = options.coverage ?? new Coverage();
  const { observed } = sequence.setting;
  const { openStore, checkDirectory } = options;
  const life = new Life({
    seed: sequence.seed,
    setting: sequence.setting,
    openStore,
    coverage,
    trace,
    onOpened: (store) => {
      if (observed) countEvents(store, coverage);
    },
    ...(checkDirectory === undefined ? {} : { checkDirectory }),
    ...(observed ? { extra: { inspect: countTransitions(coverage) } } : {}),
  });
  const player = new Player(life, openStore);
  const failure = await withStrays(
    (error) => {
      if (!isSimulatedCrash(error)) life.strays.push(error);
    },
    async () => {
      try {
        await player.play(sequence.steps);
        return undefined;
      } catch (error) {
        const message =
          error instanceof Violation
            ? error.message
            : `the simulator failed: ${String((error as Error)?.stack ?? error)}`;
        return { step: player.stepCount, message, trace: trace.tail() };
      }
    },
  );
  life.world.process.crash();
  return {
    sequence,
    steps: player.stepCount,
    crashes: life.crashCount,
    faults: life.world.disk.faultCount,
    calls: life.world.disk.callCount,
    simulatedMs: life.world.timeline.monotonicMs,
    traceHash: trace.hash,
    failure,
  };
};

/** Draws the sequence of a seed and plays it. */
export const simulate = (seed: number, stepCount: number, options: SimulateOptions): Promise<SimulationResult> =>
  playSequence(generate(seed, stepCount), options);

/** The command that plays a seed again. */
export const replayCommand = (seed: number, steps: number): string =>
  `npm run simulate -- --seed ${seed} --steps ${steps}`;
