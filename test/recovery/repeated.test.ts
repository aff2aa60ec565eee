/**
 * Recovery that is cut off, or ended by another crash right after it, loses nothing more: what it changes before its
 * checkpoint leads to the same result when it is done again. And a read-only store recovers in memory, without a trace,
 * also while another process writes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
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

describe('a read-only store', () => {
  it('recovers a crashed directory without changing it', async () => {
    const { directory, remove } = extractFixture('dirty');
    try {
      const before = treeOf(directory);
      const store = await open(directory, { readOnly: true });
      const series = await store.metrics([]);
      await store.close();
      expect(series).to.have.length(67);
      expect(treeOf(directory)).to.deep.equal(before);
    } finally {
      remove();
    }
  });

  it('opens while another process has the directory open and writes to it', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'tidemark-shared-')), 'data');
    const writer = await startWriter(directory);
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        const store = await openStore(directory, { readOnly: true, retention: 'off' });
        let newest = 0;
        for await (const { timestamps } of store.select('written')) {
          // Whatever moment is seen, it is one: the samples up to then, without a gap.
          expect([...timestamps]).to.deep.equal(Array.from(timestamps, (_, i) => 1000 * (i + 1)));
          newest = timestamps.length;
        }
        await store.close();
        expect(newest).to.be.at.least(100);
      }
      expect(writer.process.exitCode).to.equal(null);
    } finally {
      writer.process.kill('SIGKILL');
      await writer.ended;
      rmSync(join(directory, '..'), { recursive: true, force: true });
    }
  });
});

/** A process that appends for ever; resolves when its first hundred samples are durable. */
const startWriter = (directory: string): Promise<{ process: ChildProcess; ended: Promise<void> }> => {
  const library = new URL('../../src/index.js', import.meta.url).href;
  const program = `
    const { openStore } = await import(${JSON.stringify(library)});
    const store = await openStore(${JSON.stringify(directory)}, { retention: 'off', checkpointInterval: 50 });
    for (let i = 1; ; i++) {
      store.append({ __name__: 'written' }, 1000 * i, i);
      if (i % 100 === 0) { await store.flush(); console.log(i); }
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve({ process: child, ended }));
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)));
  });
};

const treeOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    (readdirSync(directory, { recursive: true }) as string[]).sort().map((name) => {
      const stat = statSync(join(directory, name));
      return [name, stat.isFile() ? `${stat.mtimeMs} ${readFileSync(join(directory, name)).toString('base64')}` : 'd'];
    }),
  );
