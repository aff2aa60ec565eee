/**
 * How long V8 alone holds the event loop while a program makes many label objects: what a look-up of 180,000 of a million
 * series can't go below. No store is involved. The program holds label sets, and makes objects of some of them in slices
 * of 2 ms, as look-ups do. docs/performance.md has the figures.
 *
 *     npm run bench:engine -- 1000000 180000
 */
import { breathe, LoopPauses } from './measure.ts';

const SLICE_MS = 2;
const NAMES = ['__name__', 'id', 'instance', 'job', 'path', 'status'] as const;
const LOOK_UPS = 42;
const TURNS = 8;

type LabelValues = readonly string[];

const labelSets = async (count: number): Promise<LabelValues[]> => {
  const shared = Array.from({ length: 1000 }, (_, i) => `value-${i}`);
  const sets: LabelValues[] = [];
  for (let i = 0; i < count; i++) {
    sets.push(NAMES.map((name, k) => (name === 'id' ? `id-${i}` : shared[(i * (k + 1)) % shared.length])));
    if (i % 1000 === 0) await breathe();
  }
  return sets;
};

const objectOf = ([a, b, c, d, e, f]: LabelValues): Record<(typeof NAMES)[number], string> => ({
  __name__: a,
  id: b,
  instance: c,
  job: d,
  path: e,
  status: f,
});

/** Makes objects of `count` sets; returns them, so that all of them live until the end. */
const lookUp = async (sets: readonly LabelValues[], count: number): Promise<unknown[]> => {
  const objects: unknown[] = [];
  const step = Math.floor(sets.length / count);
  let end = performance.now() + SLICE_MS;
  for (let i = 0; i < count; i++) {
    objects.push(objectOf(sets[i * step]));
    if (i % 256 !== 0 || performance.now() < end) continue;
    await breathe();
    end = performance.now() + SLICE_MS;
  }
  return objects;
};

const [setCount = 1_000_000, objectCount = 180_000] = process.argv.slice(2).map(Number);
const sets = await labelSets(setCount);
const longest: number[] = [];
for (let turn = 0; turn < TURNS; turn++) {
  const pauses = new LoopPauses();
  let made = 0;
  for (let n = 0; n < LOOK_UPS; n++) {
    made += (await lookUp(sets, objectCount)).length;
    await breathe();
  }
  if (made !== LOOK_UPS * objectCount) throw new Error(`${made} objects were made`);
  longest.push(pauses.stop().maxMs);
}
process.stdout.write(
  `${setCount} label sets, ${objectCount} objects a look-up; the longest pause of ${LOOK_UPS} look-ups, ms: ` +
    `${longest.map((ms) => ms.toFixed(1)).join(', ')}\n`,
);
