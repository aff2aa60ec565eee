/**
 * Bytes of the journal for each sample: what a subscription holds back while its receiver is away. Prints one line for
 * each number of series and each way of appending. docs/scaling.md has the figures.
 *
 * Half of the series are counters, a quarter are gauges with two decimals, a quarter are random doubles. A round appends
 * one sample of each series, 15 s after the previous one. `rounds` are appended at once; with `single`, each sample is
 * committed alone, as by a program that measures its series at different times.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type SeriesHandle } from '../../src/index.ts';
import { seeded } from '../support/seeded.ts';

const BASE = 1_700_000_000_000;
const STEP_MS = 15_000;
const SAMPLES = 400_000;
const SINGLE_SAMPLES = 2000;

const measured = async (seriesCount: number, isSingle: boolean): Promise<number> => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-bytes-'));
  const store = await openStore(directory, { retention: 'off', futureTolerance: 'off' });
  const random = seeded(1);
  const series: SeriesHandle[] = [];
  for (let index = 0; index < seriesCount; index++) series.push(store.series({ __name__: 'm', index: String(index) }));
  const counters = new Float64Array(seriesCount);
  const append = (index: number, time: number): void => {
    counters[index] += random.int(20);
    const gauge = Math.round(random.next() * 10_000) / 100;
    series[index].append(time, index % 4 < 2 ? counters[index] : index % 4 === 2 ? gauge : random.next() * 1e6);
  };
  const round = async (number: number): Promise<void> => {
    for (let index = 0; index < seriesCount; index++) {
      append(index, BASE + number * STEP_MS);
      if (isSingle) await store.flush();
    }
    await store.flush();
  };
  await round(0);
  const before = (await store.info()).journal.end;
  const rounds = Math.max(2, Math.round((isSingle ? SINGLE_SAMPLES : SAMPLES) / seriesCount));
  for (let number = 1; number <= rounds; number++) await round(number);
  const bytes = (await store.info()).journal.end - before;
  await store.close();
  rmSync(directory, { recursive: true });
  return bytes / (rounds * seriesCount);
};

for (const [count, isSingle] of [
  [10, true],
  [10, false],
  [100, false],
  [1000, false],
  [10_000, false],
  [100_000, false],
] as const) {
  const bytes = await measured(count, isSingle);
  process.stdout.write(`${count} series, ${isSingle ? 'single' : 'rounds'}: ${bytes.toFixed(2)} bytes a sample\n`);
}
