/**
 * What each durability level promises for a sample without a flush. A simulated machine is killed or loses power at a
 * given time after the append.
 */
import { expect } from 'chai';
import type { CrashKind } from '../simulation/simulated-process.ts';
import { World } from '../simulation/world.ts';
import { codeOf } from '../store/support.ts';
import { boot, directory, look, succeed } from './crash-world.ts';

const INTERVAL_MS = 50;
/** Longest duration of a commit on the simulated disk. */
const SYNC_MS = 60;

type Level = 'always' | 'interval' | 'os';

/** Number of samples found in each of ten worlds after a crash `afterMs` after one append. */
const found = async (level: Level, kind: CrashKind, afterMs: number, flush = false): Promise<number[]> => {
  const counts: number[] = [];
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World({ seed, directory, mischief: 0 });
    const options = { durability: level, commitInterval: INTERVAL_MS } as const;
    const store = await boot(world, options);
    await succeed(world, async () => store.flush());
    store.append({ __name__: 'x', id: 'a' }, 1_700_000_000_000, 1);
    if (flush) await succeed(world, () => store.flush());
    await world.advance(afterMs);
    world.crash(kind);
    const next = await boot(world, options);
    counts.push((await look(world, next)).samples.get('a')?.length ?? 0);
    await succeed(world, () => next.close());
  }
  return counts;
};

const ALL = Array(10).fill(1);
const NONE = Array(10).fill(0);

describe('an appended sample', () => {
  it("survives a kill and a loss of power once append has returned, with 'always'", async () => {
    expect(await found('always', 'kill', 0)).to.deep.equal(ALL);
    expect(await found('always', 'power', 0)).to.deep.equal(ALL);
  });

  it("that the disk refuses is kept, with 'always', and is durable once the store takes samples again", async () => {
    for (const operation of ['write', 'dataSync'] as const) {
      const world = new World({ seed: 1, directory, mischief: 0 });
      const store = await boot(world, { durability: 'always' });
      const append = (value: number): void =>
        store.append({ __name__: 'x', id: 'a' }, 1_700_000_000_000 + value, value);
      append(1);
      world.disk.faults.arm({ operation, file: 'journal', fault: 'EIO', skip: 0 });
      expect(await codeOf(() => append(2))).to.equal('TIDEMARK_IO');
      expect(await codeOf(() => append(2)), 'not taken for done because it is known').to.equal('TIDEMARK_IO');
      await succeed(world, () => store.ready());
      append(2);
      append(3);
      world.crash('power');
      const next = await boot(world);
      expect((await look(world, next)).samples.get('a'), operation).to.deep.equal([1, 2, 3]);
      await succeed(world, () => next.close());
    }
  });

  it("survives everything after the interval and a sync, with 'interval', and nothing before", async () => {
    expect(await found('interval', 'kill', 0)).to.deep.equal(NONE);
    expect(await found('interval', 'kill', INTERVAL_MS + SYNC_MS)).to.deep.equal(ALL);
    expect(await found('interval', 'power', INTERVAL_MS + SYNC_MS)).to.deep.equal(ALL);
  });

  it("survives a kill after the interval, with 'os', and a loss of power only by chance", async () => {
    expect(await found('os', 'kill', 0)).to.deep.equal(NONE);
    expect(await found('os', 'kill', INTERVAL_MS + 5)).to.deep.equal(ALL);
    const survivors = (await found('os', 'power', INTERVAL_MS + SYNC_MS)).reduce((sum, count) => sum + count, 0);
    expect(survivors).to.be.lessThan(10);
  });

  for (const level of ['always', 'interval', 'os'] as const) {
    it(`survives a loss of power once flush() has resolved, with '${level}'`, async () => {
      expect(await found(level, 'power', 0, true)).to.deep.equal(ALL);
    });
  }
});
