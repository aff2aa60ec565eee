/**
 * One million samples in a thousand series go through every place that a sample can be in: open chunk, waiting chunk,
 * series file, archive, woken again, checkpoint, reopened store; and are compared one by one.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api/api.ts';
import { openStore } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const SERIES = 1000;
const SAMPLES = 1000;
const BASE = 1_700_000_000_000;

const labelsOf = (i: number): Record<string, string> => ({
  __name__: `metric_${i % 7}`,
  id: String(i),
  zone: i % 2 ? 'a' : 'b',
});
const sampleTime = (i: number, k: number): number => BASE + k * 15_000 + (i % 3 === 0 ? (k * 7919) % 11 : 0);

/** Five kinds of values, so that every chunk encoding inside varbit is used. */
const sampleValue = (i: number, k: number): number => {
  switch (i % 5) {
    case 0:
      return 42;
    case 1:
      return k * (i % 10);
    case 2:
      return Math.round(Math.sin(k / 10 + i) * 1000) / 100;
    case 3:
      return ((Math.imul(k + 1, 2654435761) ^ Math.imul(i + 1, 40503)) >>> 0) / 2 ** 32;
    default:
      return k % 13 === 0 ? Number.NaN : k % 17 === 0 ? -0 : k;
  }
};

const appendRange = (store: Store, from: number, through: number): void => {
  const handles = Array.from({ length: SERIES }, (_, i) => store.series(labelsOf(i)));
  for (let k = from; k < through; k++) {
    for (let i = 0; i < SERIES; i++) handles[i].append(sampleTime(i, k), sampleValue(i, k));
  }
};

/** Compares every sample; returns how many there were. */
const compareAll = async (store: Store, count: number): Promise<number> => {
  let compared = 0;
  for await (const { labels, timestamps, values } of store.select({ zone: 'a' }))
    compared += compareSeries(labels, timestamps, values, count);
  for await (const { labels, timestamps, values } of store.select('{zone="b"}'))
    compared += compareSeries(labels, timestamps, values, count);
  return compared;
};

const compareSeries = (
  labels: Readonly<Record<string, string>>,
  timestamps: Float64Array,
  values: Float64Array,
  count: number,
): number => {
  const i = Number(labels['id']);
  expect(timestamps.length, `samples of series ${i}`).to.equal(count);
  for (let k = 0; k < count; k++) {
    if (timestamps[k] !== sampleTime(i, k) || !Object.is(values[k], sampleValue(i, k))) {
      expect.fail(
        `series ${i}, sample ${k}: ${timestamps[k]} ${values[k]}, not ${sampleTime(i, k)} ${sampleValue(i, k)}`,
      );
    }
  }
  return timestamps.length;
};

describe('a million samples in a thousand series', () => {
  after(removeTemporaryDirectories);

  it('come back exactly after persisting, archiving, waking, closing and reopening', async () => {
    const directory = temporaryDirectory();
    const options = { retention: 'off', headChunkTimeout: 1 } as const;
    let store = await openStore(directory, options);
    appendRange(store, 0, 700);
    expect(await compareAll(store, 700), 'in memory').to.equal(SERIES * 700);

    await store.maintain();
    expect(await compareAll(store, 700), 'persisted').to.equal(SERIES * 700);

    await store.maintain();
    expect(store.stateCounts().archived, 'archived series').to.equal(SERIES);
    expect(await compareAll(store, 700), 'archived').to.equal(SERIES * 700);

    appendRange(store, 700, 1000);
    expect(store.stateCounts().inMemory, 'woken series').to.equal(SERIES);
    expect(await compareAll(store, SAMPLES), 'woken').to.equal(SERIES * SAMPLES);

    await store.close();
    store = await openStore(directory, options);
    expect((await store.info()).opened).to.equal('clean');
    expect(await compareAll(store, SAMPLES), 'reopened').to.equal(SERIES * SAMPLES);
    await store.close();
  }).timeout(120_000);
});
