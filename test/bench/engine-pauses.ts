/**
 * How long V8 alone holds the event loop while a program makes many label objects: what a look-up of 180,000 of a million
 * series can't go below. No store is involved. The program holds label sets, and makes objects of some of them in slices
 * of 2 ms, as look-ups do: of arrays on the heap, as the store has them, or with `bytes` of bytes outside of it.
 * docs/performance.md has the figures.
 *
 *     npm run bench:engine -- 1000000 180000 bytes
 */
import { breathe, LoopPauses } from './measure.ts';

const SLICE_MS = 2;
const NAMES = ['__name__', 'id', 'instance', 'job', 'path', 'status'] as const;
const LOOK_UPS = 42;
const TURNS = 8;
const ID_BYTES = 10;

type LabelObject = Record<(typeof NAMES)[number], string>;

/** Where the program holds its label sets. */
interface Held {
  readonly count: number;
  /** A new object of set `i`. */
  objectOf(i: number): LabelObject;
}

const shared = Array.from({ length: 1000 }, (_, i) => `value-${i}`);
const sharedAt = (i: number): string => shared[i % shared.length];

/** As arrays of strings, as the store has them. */
const heldOnHeap = async (count: number): Promise<Held> => {
  const sets: string[][] = [];
  for (let i = 0; i < count; i++) {
    sets.push(NAMES.map((name, k) => (name === 'id' ? `id-${i}` : sharedAt(i * (k + 1)))));
    if (i % 1000 === 0) await breathe();
  }
  return {
    count,
    objectOf: (i) => {
      const [a, b, c, d, e, f] = sets[i];
      return { __name__: a, id: b, instance: c, job: d, path: e, status: f };
    },
  };
};

/** The texts that are not shared as bytes outside the heap. */
const heldAsBytes = async (count: number): Promise<Held> => {
  const bytes = Buffer.alloc(count * ID_BYTES);
  for (let i = 0; i < count; i++) bytes.write(`id-${i}`.padEnd(ID_BYTES), i * ID_BYTES, 'latin1');
  return {
    count,
    objectOf: (i) => ({
      __name__: sharedAt(i),
      id: bytes.toString('latin1', i * ID_BYTES, (i + 1) * ID_BYTES),
      instance: sharedAt(3 * i),
      job: sharedAt(4 * i),
      path: sharedAt(5 * i),
      status: sharedAt(6 * i),
    }),
  };
};

/** Makes objects of `count` sets; returns them, so that all of them live until the end. */
const lookUp = async (held: Held, count: number): Promise<unknown[]> => {
  const objects: unknown[] = [];
  const step = Math.floor(held.count / count);
  let end = performance.now() + SLICE_MS;
  for (let i = 0; i < count; i++) {
    objects.push(held.objectOf(i * step));
    if (i % 256 !== 0 || performance.now() < end) continue;
    await breathe();
    end = performance.now() + SLICE_MS;
  }
  return objects;
};

const [setCount = '1000000', objectCount = '180000', place = 'heap'] = process.argv.slice(2);
const held = await (place === 'bytes' ? heldAsBytes : heldOnHeap)(Number(setCount));
const longest: number[] = [];
for (let turn = 0; turn < TURNS; turn++) {
  const pauses = new LoopPauses();
  let made = 0;
  for (let n = 0; n < LOOK_UPS; n++) {
    made += (await lookUp(held, Number(objectCount))).length;
    await breathe();
  }
  if (made !== LOOK_UPS * Number(objectCount)) throw new Error(`${made} objects were made`);
  longest.push(pauses.stop().maxMs);
}
process.stdout.write(
  `${setCount} label sets (${place}), ${objectCount} objects a look-up; the longest pause of ${LOOK_UPS} look-ups, ms: ` +
    `${longest.map((ms) => ms.toFixed(1)).join(', ')}\n`,
);
