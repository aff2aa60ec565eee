/**
 * The creation of a series is in the journal before its first sample, so a crash can leave a series without samples.
 * Recovery removes it completely. Samples that are appended to it afterwards are as safe as any other sample.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api/api.ts';
import { readEvents } from '../../src/index.ts';
import { World } from '../simulation/world.ts';
import { boot, directory, look, succeed } from './crash-world.ts';

const BASE = 1_700_000_000_000;
const labels = (id: string) => ({ __name__: 'x', id });

/** Boots after a crash that kept only `keptBytes` of a new series' records; `undefined` if there are no more bytes. */
const bootAfterTornCreation = async (world: World, keptBytes: number): Promise<Store | undefined> => {
  const store = await boot(world);
  store.append(labels('known'), BASE, 1);
  await succeed(world, () => store.flush());
  const path = world.disk.pathsOf('journal').findLast((name) => name.endsWith('.journal')) ?? '';
  const before = world.disk.sizeOf(path);
  store.append(labels('new'), BASE, 1);
  await succeed(world, () => store.flush());
  if (before + keptBytes >= world.disk.sizeOf(path)) return undefined;
  const descriptor = world.fileSystem.open(path, 'readWrite');
  world.fileSystem.truncate(descriptor, before + keptBytes);
  world.fileSystem.close(descriptor);
  world.crash('kill');
  return boot(world);
};

/** Number of series that were purged because they were empty, according to the journal. */
const endedIn = async ({ fileSystem }: World): Promise<number> => {
  let ended = 0;
  for await (const event of readEvents(directory, { fileSystem })) {
    if (event.type === 'seriesPurged' && event.reason === 'empty') ended++;
  }
  return ended;
};

describe('a series that a crash has left without samples', () => {
  it('is removed by recovery from every index, and samples that are appended to it afterwards are safe', async () => {
    let torn = 0;
    for (let keptBytes = 0; ; keptBytes++) {
      const world = new World({ seed: 1, directory, mischief: 0 });
      const store = await bootAfterTornCreation(world, keptBytes);
      if (store === undefined) break;
      torn += await endedIn(world);
      expect(store.series(labels('new')).state, `${keptBytes} bytes`).to.equal('absent');
      expect(await succeed(world, () => store.labelValues('id'))).to.deep.equal(['known']);
      await succeed(world, () => store.checkpoint());
      store.append(labels('new'), BASE + 1, 2);
      await succeed(world, () => store.flush());
      world.crash('power');
      const next = await boot(world);
      expect(Object.fromEntries((await look(world, next)).samples)).to.deep.equal({ known: [1], new: [2] });
      await succeed(world, () => next.close());
    }
    expect(torn, 'the cut went through a creation that was whole').to.be.greaterThan(0);
  });
});
