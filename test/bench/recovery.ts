/**
 * Recovery of a crashed directory that no journal belongs to, with progress: `node dist/test/bench/recovery.js [SERIES]`.
 *
 * Makes a directory of 100,000 series as the original would have left it after a crash: each has a series file; half of
 * them have chunks in heads.db, too, and the other half is archived; the files' times are not those that the checkpoint
 * has, so that every file is looked at. Then it opens it and prints how long that took, in all and per series.
 */
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Progress, type Store } from '../../src/index.ts';
import { labelsOf } from './workload.ts';

const DAY_MS = 86_400_000;
const BASE = Date.UTC(2025, 0, 1);
const ROUNDS = 40;

const seriesCount = Number(process.argv[2] ?? 100_000);

const fill = async (store: Store): Promise<void> => {
  for (let i = 0; i < seriesCount; i++) {
    const series = store.series(labelsOf(i));
    for (let round = 0; round < ROUNDS; round++) series.append(BASE + round * 15_000, Math.sqrt(i + round * round));
    if (i % 1000 === 999) await store.ready();
  }
  await store.flush();
};

/** Every series is persisted and archived; then every second one takes samples again. */
const makeDirectory = async (directory: string): Promise<void> => {
  const store = await openStore(directory, { retention: 'off', chunkEncoding: 'double-delta' });
  await fill(store);
  // The first visit closes the heads and persists them, the second archives.
  for (let visit = 0; visit < 3; visit++) await store.maintain();
  const now = BASE + DAY_MS;
  for (let i = 0; i < seriesCount; i += 2) store.append(labelsOf(i), now, i);
  await store.close();
  rmSync(join(directory, 'journal'), { recursive: true });
  writeFileSync(join(directory, 'DIRTY'), '');
  for (const name of readdirSync(directory).filter((each) => /^[0-9a-f]{2}$/.test(each))) {
    for (const file of readdirSync(join(directory, name))) utimesSync(join(directory, name, file), 1, 1);
  }
};

const show = ({ phase, done, total, remainingMs }: Progress): void => {
  const left = remainingMs === undefined ? '' : `, ${(remainingMs / 1000).toFixed(1)} s left`;
  process.stderr.write(`\r${phase}: ${done}${total > 0 ? ` of ${total}` : ''}${left}      `);
};

const directory = mkdtempSync(join(tmpdir(), 'tidemark-recovery-'));
try {
  process.stderr.write(`making a directory of ${seriesCount} series\n`);
  await makeDirectory(directory);
  const phases = new Map<string, number>();
  let phase = '';
  let phaseStarted = performance.now();
  const started = performance.now();
  const store = await openStore(directory, {
    retention: 'off',
    onProgress: (progress) => {
      if (progress.phase !== phase) {
        if (phase !== '') phases.set(phase, (phases.get(phase) ?? 0) + performance.now() - phaseStarted);
        phase = progress.phase;
        phaseStarted = performance.now();
      }
      show(progress);
    },
  });
  const elapsedMs = performance.now() - started;
  phases.set(phase, (phases.get(phase) ?? 0) + performance.now() - phaseStarted);
  process.stderr.write('\n');
  for (const [name, ms] of phases) console.log(`${name}: ${ms.toFixed(0)} ms`);
  const states = `${store.stateCounts().inMemory} in memory, ${store.stateCounts().archived} archived`;
  console.log(
    `recovered ${seriesCount} series in ${(elapsedMs / 1000).toFixed(2)} s: ${((elapsedMs / seriesCount) * 1000).toFixed(1)} µs a series; ${states}`,
  );
  await store.close();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
