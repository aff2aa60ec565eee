/**
 * `npm run simulate`: runs the store on a simulated machine against a model of what must be true. A failure is reduced
 * to a short sequence. The report has the command that replays it, and the sequence as the file of a regression.
 */
import { availableParallelism } from 'node:os';
import { exitCodes } from '../../../src/cli/exit-codes.ts';
import type { Library } from '../../../src/cli/library.ts';
import { createProgressBar } from '../../../src/cli/progress-bar.ts';
import type { Output } from '../../../src/cli/terminal.ts';
import { integerOption, type Verb } from '../../../src/cli/verb.ts';
import type { DomainEvent, Store, StoreOptions } from '../../../src/index.ts';
import { formatCount, formatQuantity } from '../../../src/text/quantities.ts';
import type { Sequence } from '../steps.ts';
import type { SeedOutcome } from './simulate-seed.ts';

type Simulator = typeof import('../simulate.ts');
/** The functions that run on the simulated machine. */
type Subject = Pick<Library, 'openStore' | 'checkDirectory'>;

const seedMax = 2 ** 32 - 1;
/** Lines of the trace in the report of a failure. */
const traceLines = 30;

const describeFailure = async (
  { replayCommand, playSequence, simulate }: Simulator,
  { seed, steps, subject, message }: { seed: number; steps: number; subject: Subject; message: string },
): Promise<string> => {
  const { shrink } = await import('../shrink.ts');
  const { regressionText } = await import('../regression.ts');
  const fails = async (sequence: Sequence): Promise<boolean> =>
    (await playSequence(sequence, subject)).failure !== undefined;
  const result = await simulate(seed, steps, subject);
  if (result.failure === undefined) return `seed ${seed} failed: ${message}. Played again, it held.\n`;
  const { sequence } = await shrink(result.sequence, fails);
  const { failure } = await playSequence(sequence, subject);
  return [
    `seed ${seed} failed at step ${result.failure.step}: ${result.failure.message}`,
    `replay: ${replayCommand(seed, steps)}`,
    `reduced to ${formatQuantity(sequence.steps.length, 'step')}: ${failure?.message}`,
    ...(failure?.trace ?? []).slice(-traceLines).map((line) => `  ${line}`),
    regressionText({ title: (failure?.message ?? '').split('\n')[0], why: '', ...sequence }),
  ].join('\n');
};

/** Opens stores as the library does, and prints the lifecycle events of each as JSON lines. */
const printingEvents =
  (openStore: Library['openStore'], out: Output) =>
  async (directory: string, options?: StoreOptions): Promise<Store> => {
    const store = await openStore(directory, options);
    store.events$.subscribe({
      next: (event: DomainEvent) => {
        if (event.type !== 'samplesAppended') void out.write(`${JSON.stringify(event)}\n`).catch(() => {});
      },
      error: () => {},
    });
    return store;
  };

export const simulate: Verb = {
  name: 'simulate',
  command: 'npm run simulate --',
  summary: 'Run the store on a simulated clock and disk against a model of what must be true.',
  positionals: [],
  options: {
    seed: { type: 'string', placeholder: 'N', summary: 'Seed of the first run. Default: random.' },
    runs: { type: 'string', placeholder: 'N', summary: 'Number of runs, each with the next seed. Default: 1.' },
    steps: { type: 'string', placeholder: 'N', summary: 'Steps of each run. Default: 200.' },
    threads: {
      type: 'string',
      placeholder: 'N',
      summary: 'Seeds that are played at a time. Default: as many as there are cores.',
    },
    trace: { type: 'boolean', summary: 'Print everything that happens to stdout.' },
    events: {
      type: 'boolean',
      summary: 'Print the lifecycle events as JSON lines to stdout; the Replay page opens them.',
    },
    json: { type: 'boolean', summary: 'Print the counts, and what was exercised how often, as JSON to stdout.' },
  },
  notes: [
    'The same seed and steps always give the same run. A failure is reduced to the shortest sequence that still fails, and printed with the command that replays it and as the file of a regression; the exit code is then 3.',
    'From 2,000 runs on it is a failure, too, when some kind of step or event, some transition of a statechart, or some fault of a call was never reached.',
  ],
  examples: ['npm run simulate -- --runs 100', 'npm run -s simulate -- --seed 42 --events > run.jsonl'],

  async run({ options, terminal: { out, err, ...terminal }, library, signal }) {
    const seed = integerOption(options, 'seed', { minimum: 0, maximum: seedMax }) ?? Math.floor(Math.random() * 1e9);
    const runs = integerOption(options, 'runs', { minimum: 1, maximum: 1e9 }) ?? 1;
    const steps = integerOption(options, 'steps', { minimum: 1, maximum: 1e6 }) ?? 200;
    const threads = integerOption(options, 'threads', { minimum: 1, maximum: 1024 }) ?? availableParallelism();
    const { openStore, checkDirectory, systemClock } = await library();
    const subject: Subject = { openStore, checkDirectory };
    const { Coverage } = await import('../coverage.ts');
    const { LARGE_RUN_SEQUENCES, largeRun } = await import('../expectation.ts');
    const coverage = new Coverage();
    const bar = createProgressBar({ out, err, ...terminal }, systemClock);
    const totals = { seed, runs: 0, steps: 0, crashes: 0, faults: 0, calls: 0, simulatedMs: 0 };
    const failed: { readonly seed: number; readonly message: string }[] = [];
    const onOutcome = async (outcome: SeedOutcome): Promise<boolean> => {
      totals.runs++;
      for (const key of ['steps', 'crashes', 'faults', 'calls', 'simulatedMs'] as const) totals[key] += outcome[key];
      coverage.add(outcome.coverage);
      if (outcome.failure !== undefined) failed.push({ seed: outcome.seed, message: outcome.failure });
      await out.flush();
      bar.update({ phase: `seed ${outcome.seed}`, done: totals.runs, total: runs });
      return failed.length === 0 && !signal.aborted;
    };
    const isTold = options['trace'] === true || options['events'] === true;
    if (runs > 1 && threads > 1 && !isTold) {
      const { playOnThreads } = await import('./simulate-threads.ts');
      await playOnThreads({ seed, runs, steps, threads, onOutcome });
    } else {
      const { playSeed } = await import('./simulate-seed.ts');
      const told = {
        ...subject,
        ...(options['events'] === true ? { openStore: printingEvents(openStore, out) } : {}),
        ...(options['trace'] === true
          ? {
              onTrace: (line: string) => {
                void out.write(`${line}\n`).catch(() => {});
              },
            }
          : {}),
      };
      for (let run = 0; run < runs && !signal.aborted; run++) {
        if (!(await onOutcome(await playSeed({ seed: seed + run, steps }, told)))) break;
      }
    }
    const [firstFailed] = failed;
    if (firstFailed !== undefined) {
      bar.clear();
      const simulator: Simulator = await import('../simulate.ts');
      await out.write(await describeFailure(simulator, { ...firstFailed, steps, subject }));
      return exitCodes.problems;
    }
    bar.clear();
    const missing = runs >= LARGE_RUN_SEQUENCES && !signal.aborted ? coverage.missing(largeRun) : [];
    if (options['json'] === true) await out.write(`${JSON.stringify({ ...totals, coverage: coverage.report() })}\n`);
    for (const what of missing) await out.write(`never reached: ${what}\n`);
    err.say(
      `${formatQuantity(totals.runs, 'run')} from seed ${seed}: ${formatCount(totals.steps)} steps, ${formatCount(totals.crashes)} crashes, ${formatCount(totals.faults)} faults; everything held.\n`,
    );
    if (missing.length > 0) return exitCodes.problems;
    return signal.aborted ? exitCodes.interrupted : exitCodes.ok;
  },
};
