/**
 * A series that was archived and woken. After a loss of power, recovery distinguishes the chunks that were appended to
 * the series file after the waking from the chunks that were there before, although no checkpoint has their number.
 */
import { expect } from 'chai';
import { World } from '../simulation/world.ts';
import { boot, directory, look, succeed } from './crash-world.ts';

const BASE = 1_700_000_000_000;
/** A chunk in a series file: 17 bytes of header and 1,024 of samples (formats/series-files.md). */
const RECORD_BYTES = 1041;

/** Crashes when the file has one chunk from before the archiving and one from after the waking, neither in heads.db. */
const crashAfterWaking = async (world: World): Promise<string> => {
  const store = await boot(world, { headChunkTimeout: 1, syncSeriesFiles: 'never' });
  const append = (value: number): void => store.append({ __name__: 'x', id: 'a' }, BASE + value, value);
  append(1);
  await succeed(world, () => store.maintain());
  await succeed(world, () => store.checkpoint());
  await succeed(world, () => store.maintain());
  await succeed(world, () => store.checkpoint());
  expect(store.stateCounts().archived).to.equal(1);
  append(2);
  await succeed(world, () => store.flush());
  await succeed(world, () => store.waitForIndexing());
  await succeed(world, () => store.maintain());
  await succeed(world, () => store.flush());
  const [path] = world.disk.pathsOf('seriesFile');
  expect(world.disk.sizeOf(path)).to.equal(2 * RECORD_BYTES);
  world.crash('kill');
  return path;
};

const wipe = (world: World, path: string, from: number, bytes: number): void => {
  const descriptor = world.fileSystem.open(path, 'readWrite');
  world.fileSystem.write(descriptor, new Uint8Array(bytes), 0, bytes, from);
  world.fileSystem.close(descriptor);
};

describe('the file of a series that has woken from the archive', () => {
  it('loses only the torn chunk at its end, whose samples recovery has in memory', async () => {
    for (const bytes of [1, 8, 16, 17, RECORD_BYTES]) {
      const world = new World({ seed: 1, directory, mischief: 0 });
      const path = await crashAfterWaking(world);
      world.boot();
      wipe(world, path, RECORD_BYTES, bytes);
      const store = await boot(world);
      expect((await look(world, store)).samples.get('a'), `${bytes} bytes`).to.deep.equal([1, 2]);
      expect(await succeed(world, () => store.quarantined())).to.deep.equal([]);
      await succeed(world, () => store.close());
    }
  });

  it('goes to quarantine if a chunk from before the waking is damaged', async () => {
    const world = new World({ seed: 1, directory, mischief: 0 });
    const path = await crashAfterWaking(world);
    world.boot();
    wipe(world, path, 0, RECORD_BYTES);
    const store = await boot(world);
    expect((await look(world, store)).samples.get('a')).to.deep.equal([2]);
    expect(await succeed(world, () => store.quarantined())).to.have.lengthOf(1);
    await succeed(world, () => store.close());
  });
});
