/** A directory that a crash left is checked for damage alone: what the journal tells of is none. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkDirectory, openStore, type Store } from '../../src/index.ts';
import { crashImage } from '../events/crash-image.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const BASE = 1_700_000_000_000;
const labels = (id: string) => ({ __name__: 'm', id });

const append = (store: Store, id: string, from: number): void => {
  for (let k = from; k < from + 2000; k++) store.append(labels(id), BASE + k * 1000, Math.sin(k) * 1e6);
};

/** A store with a checkpoint that counts chunks in files, and what is done after it; then its process is killed. */
const killedAfter = async (act: (store: Store) => Promise<unknown>): Promise<{ directory: string; path: string }> => {
  const source = join(temporaryDirectory(), 'data');
  const store = await openStore(source, { retention: 'off', checkpointInterval: '1h' });
  for (const id of ['kept', 'dropped']) append(store, id, 0);
  const digits = store.series(labels('kept')).fingerprint;
  await store.maintain();
  await store.checkpoint();
  await act(store);
  await store.flush();
  const directory = crashImage(source);
  await store.close();
  return { directory, path: join(directory, digits.slice(0, 2), `${digits.slice(2)}.db`) };
};

const problemsIn = async (directory: string): Promise<string[]> =>
  (await checkDirectory(directory, { pedantic: true })).problems.map(({ message }) => message);

describe('checkDirectory of what a crash left', () => {
  afterEach(removeTemporaryDirectories);

  it('takes the missing file of a series that was dropped for no damage', async () => {
    const { directory } = await killedAfter((store) => store.drop({ id: 'dropped' }));
    expect(await problemsIn(directory)).to.deep.equal([]);
  });

  it('takes the shorter file of a series that was dropped, and came again, for no damage', async () => {
    const { directory } = await killedAfter(async (store) => {
      await store.drop({ id: 'dropped' });
      append(store, 'dropped', 5000);
      store.append(labels('dropped'), BASE + 10_000_000, 1);
    });
    expect(await problemsIn(directory)).to.deep.equal([]);
  });

  it('still says which file is missing of a series that was not dropped', async () => {
    const { directory, path } = await killedAfter((store) => store.drop({ id: 'dropped' }));
    rmSync(path);
    const problems = await problemsIn(directory);
    expect(problems).to.have.length(1);
    expect(problems[0]).to.match(/id="kept".*the series file, of \d+ chunks, is missing/);
  });
});
