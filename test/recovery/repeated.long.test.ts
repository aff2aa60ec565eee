/**
 * Recovery that is cut off, or ended by another crash right after it, loses nothing more: what it changes before its
 * checkpoint leads to the same result when it is done again.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { extractFixture } from '../support/tar.ts';
import { FIXTURE_NOW, runDirectory, type SeriesByText } from './support/fixture-runs.ts';

const samplesOf = (series: SeriesByText): Record<string, readonly string[]> =>
  Object.fromEntries([...series].map(([text, { samples }]) => [text, samples]));

const open = (directory: string, options: Parameters<typeof openStore>[1] = {}): Promise<Store> =>
  openStore(directory, {
    retention: 'off',
    chunkEncoding: 'double-delta',
    clock: new ManualClock(FIXTURE_NOW),
    ...options,
  });

describe('recovery, repeated', () => {
  for (const name of ['dirty', 'double-crash', 'metric-index-deleted', 'timerange-index-corrupt', 'heads-missing']) {
    it(`ends the same after a crash at any phase: ${name}`, async () => {
      const whole = extractFixture(name);
      const expected = samplesOf((await runDirectory(whole.directory, 'as-is')).series);
      whole.remove();
      for (const phase of ['series directories', 'series files', 'label indexes', 'end']) {
        const { directory, remove } = extractFixture(name);
        try {
          const crashed = await crashAt(directory, phase);
          const again = await runDirectory(crashed, 'as-is');
          expect(samplesOf(again.series), phase).to.deep.equal(expected);
          // Closed and opened once more, for good measure.
          expect(samplesOf((await runDirectory(crashed, 'as-is')).series), phase).to.deep.equal(expected);
          rmSync(join(crashed, '..'), { recursive: true, force: true });
        } finally {
          remove();
        }
      }
    });
  }
});

/** Recovers the directory and gives a copy of it as it was when the phase ended, as if the process had been killed. */
const crashAt = async (directory: string, phase: string): Promise<string> => {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-crashed-'));
  const copy = join(root, 'data');
  const take = (): void => {
    if (!existsSync(copy)) cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
  };
  const store = await open(directory, {
    onProgress: (progress) => {
      if (progress.phase === phase && progress.done === progress.total && progress.total > 0) take();
    },
  });
  // Opened, and nothing done yet.
  take();
  await store.close();
  return copy;
};
