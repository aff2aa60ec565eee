/** Damages the file of a series in the demo's store, as a bad disk would, and reads it, so that the store finds it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Labels, Store } from '../../index.ts';
import { formatLabels } from '../../text/label-text.ts';
import { noise } from './demo-metrics.ts';

const historyMs = 3_600_000;
const stepMs = 2000;
/** What is overwritten is a little more than a chunk with its header. */
const damagedBytes = 1041;

const sensorOf = (n: number): Labels => ({ __name__: 'sensor_vibration', sensor: `sensor-${n}` });

/** Gives sensor `n` an hour of history and damages it in the middle. Returns the name of the series. */
export const damageSensor = async (store: Store, n: number, nowMs: number): Promise<string> => {
  const labels = sensorOf(n);
  const timestamps = Array.from({ length: historyMs / stepMs }, (_, i) => nowMs - historyMs + i * stepMs);
  const values = timestamps.map((time) => noise(time, n) - 0.5);
  await store.backfill({ labels, timestamps, values });
  const { fingerprint } = store.series(labels);
  // The layout of the directory is that of docs/formats/directory.md.
  const path = join(store.directory, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.db`);
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes.fill(0xff, middle, Math.min(bytes.length, middle + damagedBytes));
  await writeFile(path, bytes);
  for await (const _ of store.select(labels));
  return formatLabels(labels);
};
