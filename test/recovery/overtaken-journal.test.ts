/** What a journal holds is kept when the original has gone on with the directory. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { filter, firstValueFrom } from 'rxjs';
import { openStore, type Store } from '../../src/index.ts';
import { withDirectory } from '../disk/support.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { Original } from './support/original.ts';

const START = 1_735_689_600_000;
const arch = { __name__: 'arch' };

const open = (directory: string): Promise<Store> =>
  openStore(directory, { retention: 'off', clock: new ManualClock(START + 3_600_000), chunkEncoding: 'delta' });

const timesOf = async (store: Store): Promise<number[]> => {
  const all: number[] = [];
  for await (const { timestamps } of store.select('arch')) all.push(...timestamps);
  return all;
};

/**
 * A directory of the original's, which has archived a series whose newest 50 samples, and late ones at these times, only
 * Tidemark's journal has.
 */
const overtaken = async (
  root: string,
  late: readonly number[] = [],
): Promise<{ readonly directory: string; readonly file: string }> => {
  const store = await open(join(root, 'tidemark'));
  for (let i = 0; i < 2000; i++) store.append(arch, START + 1000 * i, Math.sin(i));
  await store.checkpoint();
  for (let i = 2000; i < 2050; i++) store.append(arch, START + 1000 * i, i);
  for (const time of late) store.append(arch, time, 1);
  await store.flush();
  const directory = join(root, 'killed');
  cpSync(join(root, 'tidemark'), directory, { recursive: true, preserveTimestamps: true });
  const { fingerprint } = store.series(arch);
  await store.close();
  const original = await Original.start(directory, { encoding: 0 });
  original.persist({ closeHeads: true });
  original.archive(() => true);
  await original.close();
  return { directory, file: join(directory, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.db`) };
};

describe("a journal that the original's work has overtaken", () => {
  it('adds its newest samples to an archived series', () =>
    withDirectory(async (root) => {
      const { directory } = await overtaken(root);
      const store = await open(directory);
      expect(await timesOf(store)).to.deep.equal(Array.from({ length: 2050 }, (_, i) => START + 1000 * i));
      await store.close();
    }));

  it('adds its late samples', () =>
    withDirectory(async (root) => {
      const late = [START + 500, START + 700_500, START + 1_999_500];
      const { directory } = await overtaken(root, late);
      const store = await open(directory);
      const inOrder = Array.from({ length: 2050 }, (_, i) => START + 1000 * i);
      expect(await timesOf(store)).to.deep.equal([...inOrder, ...late].sort((a, b) => a - b));
      await store.close();
    }));

  it('keeps its newest samples when a chunk of the archived series is damaged', () =>
    withDirectory(async (root) => {
      const { directory, file } = await overtaken(root);
      const bytes = readFileSync(file);
      bytes[1041] = 0x77;
      writeFileSync(file, bytes);
      for (let opening = 0; opening < 2; opening++) {
        const store = await open(directory);
        const newest = Array.from({ length: 50 }, (_, i) => START + 1000 * (2000 + i));
        const found = (await timesOf(store)).filter((time) => time >= newest[0] && time <= newest[49]);
        expect(found, `opening ${opening}`).to.deep.equal(newest);
        store.append(arch, START + 1000 * (2050 + opening), 1);
        await store.close();
      }
    }));

  it('keeps what a series had in memory when its file went to quarantine', () =>
    withDirectory(async (root) => {
      const source = join(root, 'tidemark');
      const store = await open(source);
      for (let i = 0; i < 2000; i++) store.append(arch, START + 1000 * i, Math.sin(i));
      await store.maintain();
      await store.checkpoint();
      const newest = Array.from({ length: 50 }, (_, i) => START + 1000 * (2000 + i));
      for (const time of newest) store.append(arch, time, 1);
      const { fingerprint } = store.series(arch);
      const file = join(source, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.db`);
      const bytes = readFileSync(file);
      bytes[1041] = 0x77;
      writeFileSync(file, bytes);
      // The file is in orphaned/ before the journal has the event. Only with the event does the journal say that the
      // series ended.
      const told = firstValueFrom(store.events$.pipe(filter(({ type }) => type === 'seriesQuarantined')));
      await timesOf(store);
      expect(await told).to.include({ fingerprint, hasSuccessor: true });
      await store.flush();
      const directory = join(root, 'killed');
      cpSync(source, directory, { recursive: true, preserveTimestamps: true });
      await store.close();
      const original = await Original.start(directory, { encoding: 0 });
      original.persist({ closeHeads: true });
      await original.close();
      const next = await open(directory);
      expect((await timesOf(next)).filter((time) => time >= newest[0])).to.deep.equal(newest);
      await next.close();
    }));
});
