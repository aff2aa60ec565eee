/** Series whose files are damaged, for tests of the pages. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Labels, type Store, systemClock } from '../../src/index.ts';
import { waitUntil } from '../support/wait-until.ts';

const tenHours = 36_000_000;

/** Appends noise ten hours ago, so that the next visits persist and archive the series. */
export const appendOld = (store: Store, labels: Labels, samples: number): void => {
  const first = systemClock.now() - tenHours;
  for (let i = 0; i < samples; i++) store.append(labels, first + i * 1000, Math.sin(i * i));
};

/** Damages the middle of a series' file, and reads it, so that the store finds the damage. */
export const damage = async (store: Store, labels: Labels): Promise<void> => {
  const before = store.stateCounts().quarantined;
  const { fingerprint } = store.series(labels);
  const path = join(store.directory, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.db`);
  const bytes = readFileSync(path);
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 1041);
  writeFileSync(path, bytes);
  for await (const { problems } of store.select(labels))
    if (problems === undefined) throw new Error('The damage was not found.');
  await waitUntil(() => store.stateCounts().quarantined > before);
};
