/**
 * How fast this machine is at this moment, against the machine that the original's figures were taken on.
 *
 * The original storage cannot be run beside this benchmark, so its published figures have to be scaled. On its machine
 * three fixed pieces of work were timed too, the same that run here: finding 100,000 objects in a Map (cold memory),
 * the canonical key of fresh label objects looked up in a Map (computing, allocation and cold memory), and creating
 * XState actors (computing, allocation of many small objects). The factor is the geometric mean of now over anchor: 1
 * means the same speed, 2 means that everything takes twice as long today.
 */
import { createActor, createMachine } from 'xstate';
import { median } from './measure.ts';
import { freshLabelsOf, labelsOf } from './workload.ts';

const seriesCount = 100_000;

interface Piece {
  readonly name: string;
  readonly unit: string;
  /** What it took on the machine of the original's figures. */
  readonly anchor: number;
  /** Runs once and returns the time of one unit of work. */
  run(): number;
}

const nanosecondsPer = (count: number, work: () => void): number => {
  const started = performance.now();
  work();
  return ((performance.now() - started) * 1e6) / count;
};

/** Keeps results alive, so that no piece of work can be optimised away. */
let sink = 0;

const identityLookup = (): Piece => {
  const labels = Array.from({ length: seriesCount }, (_, i) => labelsOf(i));
  const rows = new Map<object, number>(labels.map((one, i) => [one, i]));
  return {
    name: 'Map look-up by object identity, 100,000 objects',
    unit: 'ns/object',
    anchor: 55,
    run: () =>
      nanosecondsPer(seriesCount, () => {
        for (const one of labels) sink ^= rows.get(one) ?? 0;
      }),
  };
};

const canonicalKey = (labels: Record<string, string>): string => {
  let key = '';
  for (const name of Object.keys(labels).sort()) key += `${name}\xff${labels[name]}\xff`;
  return key;
};

const keyLookup = (): Piece => {
  const rows = new Map<string, number>();
  for (let i = 0; i < seriesCount; i++) rows.set(canonicalKey(labelsOf(i)), i);
  return {
    name: 'canonical key of fresh labels and Map look-up, 100,000 series',
    unit: 'ns/series',
    anchor: 1_800,
    run: () => {
      const labels = Array.from({ length: seriesCount }, (_, i) => freshLabelsOf(i));
      return nanosecondsPer(seriesCount, () => {
        for (const one of labels) sink ^= rows.get(canonicalKey(one)) ?? 0;
      });
    },
  };
};

const actors = (): Piece => {
  const machine = createMachine({
    id: 'calibration',
    context: { count: 0 },
    initial: 'resting',
    states: { resting: { on: { wake: 'awake' } }, awake: { on: { rest: 'resting' } } },
  });
  const actorCount = 10_000;
  return {
    name: 'create and start an XState root actor',
    unit: 'ns/actor',
    anchor: 20_000,
    run: () => {
      const kept: unknown[] = [];
      const ns = nanosecondsPer(actorCount, () => {
        for (let n = 0; n < actorCount; n++) kept.push(createActor(machine).start());
      });
      sink ^= kept.length;
      return ns;
    },
  };
};

export interface Calibration {
  /** Now over anchor: how many times as long the same work takes on this machine at this moment. */
  readonly factor: number;
  readonly pieces: readonly {
    readonly name: string;
    readonly unit: string;
    readonly anchor: number;
    readonly now: number;
  }[];
}

export const calibrate = (runs = 7): Calibration => {
  const pieces = [identityLookup, keyLookup, actors].map((make) => {
    const { name, unit, anchor, run } = make();
    run();
    return { name, unit, anchor, now: median(Array.from({ length: runs }, run)) };
  });
  if (Number.isNaN(sink)) throw new Error('the calibration computed nothing');
  const logarithms = pieces.map(({ now, anchor }) => Math.log(now / anchor));
  return { factor: Math.exp(logarithms.reduce((sum, log) => sum + log, 0) / pieces.length), pieces };
};
