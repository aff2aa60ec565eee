/**
 * `npm run bench`: the workload at four sizes, each case in a fresh process, several runs, medians. usage.ts has the options.
 *
 * Every run reads every sample back and compares it bit for bit: after the rounds, after a clean reopen, after a crash,
 * and after everything was persisted. A case that fails is reported, and the exit code is 1.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { waysToAppend } from './appenders.ts';
import { calibrate } from './calibration.ts';
import type { CaseContext, CaseResult } from './cases/case.ts';
import type { CaseName } from './cases/main.ts';
import { runDoors } from './doors/main.ts';
import { publish } from './publish.ts';
import { runLargeQuestion } from './questions/large.ts';
import { runQuestions } from './questions/main.ts';
import {
  againstTable,
  comparisonTable,
  firstStageTable,
  machineLine,
  sizesTable,
  targetTable,
  verdicts,
} from './report.ts';
import { type BenchResult, FigureCollector, type SizeResult } from './result.ts';
import { runRules } from './rules/main.ts';
import { runCase } from './run-case.ts';
import { optionsOrExit } from './usage.ts';
import { roundMs, sampleCount, sizeFrom, type Workload, type WorkloadSize } from './workload.ts';

const given = optionsOrExit(process.argv.slice(2));

if (given.questions && given.large) {
  const size = given.size?.map(sizeFrom)[0] ?? { seriesCount: 100_000, rounds: 240 };
  await runLargeQuestion(size, Number(given.repeat ?? 5), given.directory);
  process.exit();
}
if (given.questions) {
  const out = join(dirname(given.out), 'questions.json');
  await runQuestions({ runs: Number(given.repeat ?? 11), directory: given.directory, out });
  process.exit();
}
if (given.rules) {
  await runRules({
    rounds: Number(given.repeat ?? 8),
    directory: given.directory,
    out: join(dirname(given.out), 'rules.json'),
  });
  process.exit();
}

if (given.doors) {
  const out = join(dirname(given.out), 'doors.json');
  await runDoors({
    runs: Number(given.repeat ?? 3),
    minutes: Number(given.minutes),
    memoryTarget: given['memory-target'],
    directory: given.directory,
    out,
  });
  process.exit();
}

const mainSize: WorkloadSize = { seriesCount: 100_000, rounds: 240 };
const quickSize: WorkloadSize = { seriesCount: 2_000, rounds: 60 };
const fourSizes: readonly WorkloadSize[] = [
  { seriesCount: 1_000, rounds: 10_000 },
  { seriesCount: 10_000, rounds: 2_400 },
  mainSize,
  { seriesCount: 1_000_000, rounds: 12 },
];

const sizes = given.size?.map(sizeFrom) ?? (given.quick ? [quickSize] : fourSizes);
const runs = Number(given.repeat ?? (given.quick ? 1 : 3));
const failures: string[] = [];

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const nameOf = ({ seriesCount, rounds }: WorkloadSize): string => `${seriesCount}x${rounds}`;

/** One run of one size: all its cases, the store's directories made and removed on the way. */
class Run {
  readonly #workload: Workload;
  readonly #collector: FigureCollector;
  readonly #parent: string;
  readonly #checkout: string | undefined;

  constructor(workload: Workload, collector: FigureCollector, parent: string, checkout?: string) {
    this.#checkout = checkout;
    this.#workload = workload;
    this.#collector = collector;
    this.#parent = parent;
  }

  /** `isFirst`: what does not differ between runs, bytes on disk, is measured too. */
  async all(isFirst: boolean): Promise<void> {
    await this.#inDirectory((directory) => this.#case('program', directory));
    const ingested = await this.#inDirectory(async (directory) => {
      const result = await this.#case('ingest', directory);
      await this.#case('reopenClean', directory);
      if (isFirst && this.#workload.seriesCount <= mainSize.seriesCount) await this.#case('persistAll', directory);
      return result;
    });
    const { rounds } = this.#workload;
    await this.#crash(Math.max(1, Math.round(rounds / 120)), 'reopenAfterShortTail');
    await this.#crash(Math.max(2, Math.round(rounds / 24)), 'reopenAfterLongTail');
    if (!isMainOrQuick(this.#workload) && given.against === undefined) return;
    await this.#otherWays();
    if (!isMainOrQuick(this.#workload)) return;
    const nanoseconds = ingested?.figures.handleNs;
    if (nanoseconds !== undefined) await this.#atHalfRate(1e9 / nanoseconds / 2);
  }

  async #crash(tailRounds: number, reopening: CaseName): Promise<void> {
    await this.#inDirectory(async (directory) => {
      if (await this.#case('crash', directory, { tailRounds })) await this.#case(reopening, directory);
    });
  }

  async #otherWays(): Promise<void> {
    for (const way of waysToAppend.filter((way) => way !== 'handle')) {
      // Making fresh strings for every sample takes ten times as long as appending them.
      const rounds = way === 'freshLabels' ? Math.min(this.#workload.rounds, 60) : this.#workload.rounds;
      const workload = { ...this.#workload, rounds };
      await this.#inDirectory((directory) => this.#case('ingest', directory, { way, workload, restSeconds: 0 }));
    }
  }

  async #atHalfRate(samplesPerSecond: number): Promise<void> {
    const seconds = given.quick ? 1 : 5;
    await this.#inDirectory((directory) => this.#case('paced', directory, { samplesPerSecond, seconds }));
  }

  async #inDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
    const directory = mkdtempSync(join(this.#parent, 'store-'));
    try {
      return await work(directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  async #case(name: CaseName, directory: string, more: Partial<CaseContext> = {}): Promise<CaseResult | undefined> {
    const context: CaseContext = {
      directory,
      workload: this.#workload,
      way: 'handle',
      tailRounds: 0,
      restSeconds: Number(given.rest),
      samplesPerSecond: 0,
      seconds: 0,
      ...more,
    };
    const title = `${name}${more.way === undefined ? '' : ` by ${more.way}`}`;
    const started = performance.now();
    try {
      const result = await runCase(name, context, this.#checkout);
      this.#collector.add(title, result.figures, result.facts);
      say(`  ${title}: ${((performance.now() - started) / 1e3).toFixed(1)} s`);
      return result;
    } catch (error) {
      failures.push(`${nameOf(this.#workload)} ${title}: ${error instanceof Error ? error.message : error}`);
      say(`  ${failures.at(-1)}`);
      return undefined;
    }
  }
}

const isMainOrQuick = ({ seriesCount }: WorkloadSize): boolean =>
  seriesCount === mainSize.seriesCount || sizes.length === 1;

/** The results of one size: of this checkout, and of the other one if there is one. */
interface Measured {
  readonly ours: SizeResult;
  readonly theirs: SizeResult | undefined;
}

/** A run of the largest size takes as long as those of the others together. */
const runsOf = (size: WorkloadSize): number => (size === fourSizes.at(-1) ? Math.ceil(runs / 3) : runs);

const measureSize = async (size: WorkloadSize): Promise<Measured> => {
  const runs = runsOf(size);
  const collector = new FigureCollector();
  const other = new FigureCollector();
  const parent = mkdtempSync(join(given.directory, 'tidemark-bench-'));
  try {
    for (let run = 1; run <= runs; run++) {
      say(`${nameOf(size)}, run ${run} of ${runs}`);
      const base = Math.floor((Date.now() - size.rounds * roundMs) / roundMs) * roundMs;
      const workload = { ...size, base };
      const both = [new Run(workload, collector, parent)];
      if (given.against !== undefined) both.push(new Run(workload, other, parent, resolve(given.against)));
      // The order changes from run to run: what is measured second finds a warmer machine.
      for (const one of run % 2 === 0 ? both.toReversed() : both) await one.all(run === 1);
    }
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
  const resultOf = (found: FigureCollector): SizeResult => ({
    size: nameOf(size),
    ...size,
    runs,
    figures: found.figures(),
    facts: found.facts(),
  });
  return { ours: resultOf(collector), theirs: given.against === undefined ? undefined : resultOf(other) };
};

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
say('calibrating');
const calibration = calibrate(given.quick ? 1 : 7);
const measured: SizeResult[] = [];
const others: SizeResult[] = [];
const ratios: string[] = [];
for (const size of sizes) {
  say(`${nameOf(size)}: ${sampleCount(size).toLocaleString('en-US')} samples`);
  const { ours, theirs } = await measureSize(size);
  measured.push(ours);
  if (theirs === undefined) continue;
  others.push(theirs);
  ratios.push(`${ours.size}\n\n${againstTable(ours, theirs)}`);
}

const result: BenchResult = {
  version,
  date: new Date().toISOString().slice(0, 10),
  machine: {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGB: totalmem() / 1e9,
  },
  calibration,
  sizes: measured,
  ...(others.length > 0 ? { against: others } : {}),
  failures,
};

const write = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`);
};
write(given.out);
if (given.publish) {
  write(join('docs', 'performance.json'));
  publish(result, ['README.md', join('docs', 'performance.md')]);
}

const tables = [machineLine(result), ...ratios];
if (others.length > 0) tables.push(firstStageTable(result));
if (ratios.length === 0) tables.push(...measured.map((size) => `${size.size}\n\n${comparisonTable(result, size)}`));
if (measured.length > 1 && ratios.length === 0) tables.push(sizesTable(result));
if (verdicts(result).length > 0 && ratios.length === 0) tables.push(targetTable(result));
process.stdout.write(`${tables.join('\n\n')}\n`);
if (failures.length > 0) {
  process.stdout.write(`\n${failures.length} cases failed:\n${failures.join('\n')}\n`);
  process.exitCode = 1;
}
