/**
 * Draws sequences. The same seed and number of steps always give the same sequence. A longer sequence begins with the
 * steps of a shorter one. Long sequences are the exception: they have beginnings (beginnings.ts) and passages
 * (passages.ts) of their own.
 *
 * Each sequence has a mood: some kinds of step are left out, some are much more frequent. Sequences of different kinds
 * reach states that average sequences never reach (Groce et al., "Swarm testing", ISSTA 2012).
 */
import { drawBeginning } from './beginnings.ts';
import { faultTargets } from './fault-targets.ts';
import { type Fault, faultsOf } from './faults.ts';
import { drawPassage, MINUTE_MS } from './passages.ts';
import { Prng } from './prng.ts';
import { drawScene } from './scenes.ts';
import {
  type CrashPoint,
  type commands,
  intruderPaths,
  type Sequence,
  type Setting,
  type Spacing,
  type Step,
  type StepType,
  type Window,
} from './steps.ts';
import { SERIES_MAX, type ValuePattern, valuePatterns } from './value-source.ts';

const HOUR_MS = 60 * MINUTE_MS;

/** Relative frequency of each kind of step in an average sequence. */
const weights: Readonly<Record<StepType, number>> = {
  append: 30,
  appendBatch: 8,
  appendLate: 10,
  backfill: 2,
  appendOdd: 5,
  command: 20,
  drop: 2,
  dropRange: 3,
  settle: 3,
  breathe: 6,
  advance: 12,
  jump: 0.7,
  query: 6,
  instant: 3,
  labels: 3,
  openQuery: 3,
  readQuery: 5,
  closeQuery: 2,
  consume: 5,
  observe: 1,
  inspect: 3,
  backup: 1.5,
  openBackup: 0.7,
  peek: 0.7,
  intrude: 0.5,
  otherProgram: 0.5,
  indexDecay: 0.4,
  restart: 2.5,
  abortOpening: 0.5,
  crash: 2.5,
  crashAt: 4,
  fault: 8,
  diskFull: 0.7,
  diskFreed: 1.5,
  decay: 0.8,
  slowThread: 1,
  together: 3,
};

/** Factors for the frequency of a kind of step (left out, rare, as usual, often), each with its own weight. */
const moods = { '0': 1, '0.3': 2, '1': 5, '4': 2 } as const;

/** Sequences of this many steps or more have room for passages. */
const LONG = 100;
const PASSAGES_PER_STEP = 0.025;
const SCENES_PER_STEP = 0.02;

/** Steps that make sense right after each other. */
const quick: readonly StepType[] = [
  'append',
  'appendBatch',
  'appendLate',
  'backfill',
  'command',
  'drop',
  'dropRange',
  'query',
  'breathe',
  'fault',
  'appendOdd',
];

/** Kinds of step that every sequence needs. */
const indispensable: ReadonlySet<StepType> = new Set(['append', 'advance', 'command']);

export const generate = (seed: number, stepCount: number): Sequence => {
  const prng = new Prng(seed);
  const drawn = drawSetting(prng);
  const mood = drawMood(prng);
  const seriesCount = prng.between(1, SERIES_MAX);
  const worldSeed = prng.seed();
  const early = Array.from({ length: prng.pick([0, 0, 1, 2]) }, () =>
    drawStep(prng, prng.pick(['fault', 'crashAt']), 1),
  );
  const isLong = stepCount >= LONG;
  const ordinary = { setting: drawn, first: early, steps: [] };
  const { setting, first, steps: beginning } = isLong ? drawBeginning(prng, seed, seriesCount, drawn) : ordinary;
  const others = [...beginning];
  while (others.length < stepCount) {
    if (prng.chance(SCENES_PER_STEP)) others.push(...drawScene(prng, prng.below(seriesCount), setting, seriesCount));
    else if (isLong && prng.chance(PASSAGES_PER_STEP))
      others.push(...drawPassage(prng, prng.below(seriesCount), setting));
    else others.push(drawStep(prng, prng.weighted(mood), seriesCount));
  }
  const steps = [...first, ...others].slice(0, stepCount);
  return { seed: worldSeed, setting, steps };
};

const drawSetting = (prng: Prng): Setting => ({
  durability: prng.pick(['always', 'interval', 'interval', 'os'] as const),
  chunkEncoding: prng.pick(['varbit', 'varbit', 'double-delta', 'delta'] as const),
  syncSeriesFiles: prng.pick(['adaptive', 'adaptive', 'always', 'never'] as const),
  retentionMs: prng.pick([null, null, 10 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS]),
  ...(prng.chance(0.3) ? { otherRetentionMs: prng.pick([null, 10 * MINUTE_MS, HOUR_MS]) } : {}),
  retentionOnce: prng.chance(0.5),
  ...(prng.chance(0.3) ? { rules: prng.pick(['always', 'sometimes'] as const) } : {}),
  minShrinkRatio: prng.pick([0.1, 0.1, 0, 0.5]),
  checkpointIntervalMs: prng.pick([5 * MINUTE_MS, MINUTE_MS, HOUR_MS]),
  checkpointDirtySeries: prng.pick([5000, 3]),
  headChunkTimeoutMs: prng.pick([5 * MINUTE_MS, MINUTE_MS, 10_000]),
  // With the smallest target, a flood is more than may wait to be persisted, so appends are slowed and refused.
  memoryTarget: prng.pick([64, 24, 2]) * 2 ** 20,
  outOfOrderWindowMs: prng.pick([null, null, null, 0, 10 * MINUTE_MS, HOUR_MS]),
  subscriptionBacklogBytes: prng.pick([2 ** 30, 2 ** 30, 2 ** 16]),
  checkpointJournalBytes: prng.pick([2 ** 28, 2 ** 28, 2 ** 16, 2 ** 13, 2 ** 12]),
  mischief: prng.pick([0, 0.02, 0.2]),
  observed: prng.chance(0.7),
});

const drawMood = (prng: Prng): Record<StepType, number> => {
  const mood = { ...weights };
  for (const type of Object.keys(mood) as StepType[]) {
    const factor = Number(prng.weighted(moods));
    mood[type] *= indispensable.has(type) ? Math.max(0.3, factor) : factor;
  }
  return mood;
};

const drawStep = (prng: Prng, type: StepType, seriesCount: number): Step => {
  const series = (): number => prng.below(seriesCount);
  const someOrAll = (): number | null => (prng.chance(0.4) ? null : series());
  switch (type) {
    case 'append':
      return {
        type,
        series: series(),
        ...(prng.chance(0.01) ? flood(prng) : { count: drawCount(prng), spacing: drawSpacing(prng) }),
        values: drawValues(prng),
        via: prng.pick(['store', 'handle']),
        seed: prng.uint32(),
      };
    case 'appendBatch':
      return {
        type,
        series: Array.from({ length: prng.between(1, 4) }, series),
        count: prng.between(1, 60),
        spacing: drawSpacing(prng),
        values: drawValues(prng),
        refusedEvery: prng.pick([0, 0, 7]),
        seed: prng.uint32(),
      };
    case 'appendLate':
      return {
        type,
        series: series(),
        count: drawCount(prng),
        spanMs: prng.pick([1_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS]),
        values: drawValues(prng),
        via: prng.pick(['store', 'handle', 'batch']),
        repeats: prng.pick([0, 0.2, 0.9]),
        seed: prng.uint32(),
      };
    case 'backfill':
      return {
        type,
        series: Array.from({ length: prng.between(1, 3) }, series),
        count: drawCount(prng),
        spanMs: prng.pick([MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS]),
        values: drawValues(prng),
        seed: prng.uint32(),
        detached: prng.chance(0.5),
      };
    case 'appendOdd':
      return { type, series: series(), odd: prng.pick(['repeat', 'duplicate', 'outOfOrder', 'labels', 'timestamp']) };
    case 'command':
      return {
        type,
        command: prng.weighted<(typeof commands)[number]>({
          flush: 5,
          checkpoint: 3,
          maintain: 5,
          waitForIndexing: 1,
          ready: 1,
          rebuildIndexes: 1,
        }),
        detached: prng.chance(0.35),
      };
    case 'drop':
      return { type, series: series(), detached: prng.chance(0.35) };
    case 'dropRange':
      return {
        type,
        series: prng.chance(0.1) ? null : series(),
        window: drawDropped(prng),
        detached: prng.chance(0.35),
      };
    case 'breathe':
      return { type, tasks: prng.between(1, 12) };
    case 'advance':
      return { type, byMs: drawDuration(prng) };
    case 'jump':
      return { type, byMs: prng.pick([prng.between(1, 50) * 1_000, HOUR_MS, 30 * HOUR_MS]) * prng.pick([1, -1]) };
    case 'query':
      return { type, series: someOrAll(), window: drawWindow(prng), ...(prng.chance(0.2) ? { detached: true } : {}) };
    case 'instant':
    case 'labels':
      return { type, series: someOrAll() };
    case 'openQuery':
      return { type, name: prng.below(3), window: drawWindow(prng), count: prng.below(2) };
    case 'readQuery':
      return { type, name: prng.below(3), count: prng.between(1, 4) };
    case 'closeQuery':
      return { type, name: prng.below(3) };
    case 'consume':
      return {
        type,
        name: prng.below(2),
        batches: prng.between(1, 4),
        afterwards: prng.pick(['ack', 'ack', 'forget', 'throw']),
      };
    case 'observe':
      return { type, what: prng.pick(['events', 'watch']), throwEvery: prng.pick([1, 5]) };
    case 'inspect':
      return { type, series: series() };
    case 'settle':
    case 'peek':
    case 'diskFreed':
      return { type };
    case 'backup':
      return { type, detached: prng.chance(0.8) };
    case 'openBackup':
      return { type, which: prng.below(6), readOnly: prng.chance(0.6) };
    case 'intrude':
      return { type, path: prng.pick(intruderPaths), locksLost: prng.chance(0.5) };
    case 'otherProgram':
      return {
        type,
        after: prng.pick(['close', 'close', 'kill']),
        series: Array.from({ length: prng.between(0, 3) }, series),
        count: prng.pick([5, 150, 400]),
        rests: prng.chance(0.4),
        ending: prng.pick(['close', 'kill', 'kill']),
        seed: prng.uint32(),
        inspected: prng.chance(0.3),
      };
    case 'indexDecay':
      return {
        type,
        after: prng.pick(['close', 'kill', 'kill']),
        decay: {
          index: prng.pick(['metric', 'timeRange', 'names', 'pairs']),
          what: prng.pick(['log', 'table']),
          at: prng.next(),
          share: prng.pick([0.1, 0.5, 1]),
        },
        inspected: prng.chance(0.3),
      };
    case 'restart':
      return { type, inspected: prng.chance(0.3) };
    case 'abortOpening':
      return { type, tasks: prng.below(40) };
    case 'crash':
      return { type, kind: drawCrashKind(prng), again: drawAgain(prng), inspected: prng.chance(0.5) };
    case 'crashAt': {
      const target = prng.chance(0.6) ? prng.pick(faultTargets) : {};
      const skip = prng.pick([0, 0, 1, prng.below(60)]);
      return { type, kind: drawCrashKind(prng), fault: { ...withoutFaults(target), skip }, again: drawAgain(prng) };
    }
    case 'fault':
      return { type, fault: drawFault(prng) };
    case 'diskFull':
      return { type, freeBytes: prng.pick([0, 5_000, 100_000]) };
    case 'decay':
      return {
        type,
        file: prng.pick([
          'seriesFile',
          'seriesFile',
          'seriesFile',
          'seriesFile',
          'seriesFile',
          'journal',
          'heads',
          'mappings',
        ]),
        which: prng.below(100),
        at: prng.next(),
      };
    case 'slowThread':
      return { type, works: prng.between(1, 5) };
    case 'together': {
      const steps = Array.from({ length: prng.between(2, 5) }, () => drawStep(prng, prng.pick(quick), seriesCount));
      return { type, steps: steps.map(detachedOf) };
    }
  }
};

/** The same step, left running if its kind allows that. */
const detachedOf = (step: Step): Step =>
  step.type === 'command' || step.type === 'drop' || step.type === 'dropRange' || step.type === 'query'
    ? { ...step, detached: true }
    : step;

/** Mostly few samples, sometimes enough to fill chunks. */
const drawCount = (prng: Prng): number =>
  prng.weighted({ '1': 3, '9': 3, '60': 2, '300': 1.5 }) === '300' ? prng.between(60, 400) : prng.between(1, 20);

/** Samples so far apart that two fill a chunk. With little memory, this is more than can wait for the disk. */
const flood = (prng: Prng): { count: number; spacing: Spacing } => ({
  count: prng.between(1_700, 4_200),
  spacing: { everyMs: 2 ** 24 },
});

const drawSpacing = (prng: Prng): Spacing => {
  const everyMs = prng.pick([15_000, 15_000, 1_000, 60_000, 10, 1, 2 ** 24, 10 * MINUTE_MS]);
  return prng.chance(0.4) ? { everyMs, jitterMs: Math.ceil(everyMs / 10) } : { everyMs };
};

const drawValues = (prng: Prng): ValuePattern => prng.pick(valuePatterns);

/** Hours are rare because a simulated hour costs real time too: the store runs checks four times a second. */
const drawDuration = (prng: Prng): number =>
  drawFrom(prng, prng.weighted({ blink: 4, seconds: 4, minutes: 3, hour: 0.3 }));

const drawFrom = (prng: Prng, length: 'blink' | 'seconds' | 'minutes' | 'hour'): number =>
  ({
    blink: prng.between(1, 500),
    seconds: prng.between(1, 20) * 1_000,
    minutes: prng.between(1, 4) * MINUTE_MS,
    hour: 65 * MINUTE_MS,
  })[length];

const drawWindow = (prng: Prng): Window => {
  const a = prng.chance(0.5) ? null : prng.next();
  const b = prng.chance(0.5) ? null : prng.next();
  return a !== null && b !== null && a > b ? { from: b, through: a } : { from: a, through: b };
};

/** Often a range with the newest samples, of which new ones follow. */
const drawDropped = (prng: Prng): Window => {
  const from = 1 - prng.next() ** 2;
  const through = prng.pick([null, 1, Math.min(1, from + prng.next() / 4)]);
  return prng.chance(0.15) ? { from: null, through: through ?? prng.next() } : { from, through };
};

const drawCrashKind = (prng: Prng): 'kill' | 'power' => (prng.chance(0.7) ? 'power' : 'kill');

/** Calls of the recovery at which it crashes again. */
const drawAgain = (prng: Prng): CrashPoint[] =>
  Array.from({ length: prng.pick([0, 0, 0, 1, 2]) }, () =>
    prng.chance(0.3)
      ? { ...withoutFaults(prng.pick(faultTargets)), skip: prng.pick([0, 0, 1, 2]) }
      : prng.pick([prng.below(20), prng.below(100)]),
  );

/** Half of the faults are aimed at one kind of call, the others at the next call of an operation on any file. */
const drawFault = (prng: Prng): Fault => {
  const { faults, ...target } = prng.pick(faultTargets);
  const { operation } = prng.pick(faultTargets);
  const count = { skip: prng.pick([0, 0, 1, 3, 10]), times: prng.pick([1, 1, 1, 3]) };
  return prng.chance(0.5)
    ? { ...target, fault: prng.pick(faults), ...count }
    : { operation, fault: prng.pick(faultsOf[operation]), ...count };
};

const withoutFaults = (target: Partial<(typeof faultTargets)[number]>): Omit<Fault, 'fault' | 'skip'> => {
  const { faults: _, ...rest } = target;
  return rest;
};
