/** The reserve for a full disk over the life of a store: when it is written, and what a close leaves of it. */
import { expect } from 'chai';
import { RESERVE_BYTES } from '../../src/files/reserve-file.ts';
import { openStore } from '../../src/index.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { codeOf, type Machine, openMachine, START_MS, samplesOf, settle } from './support.ts';

const RESERVE = '/store/journal/reserve';
const PLENTY_BYTES = 64 * RESERVE_BYTES;

const usedBytes = (fileSystem: MemoryFileSystem): number =>
  fileSystem.paths().reduce((sum, path) => sum + fileSystem.content(path).length, 0);

const isHeld = (fileSystem: MemoryFileSystem): boolean => fileSystem.stat(RESERVE)?.size === RESERVE_BYTES;

/** Closes a store that has a sample, with so much room left. */
const closedWith = async (freeBytes: number): Promise<Machine> => {
  const machine = await openMachine({ retention: 'off' });
  machine.store.append({ __name__: 'm', id: '0' }, START_MS, 1);
  await machine.pass(20_000);
  expect(isHeld(machine.fileSystem)).to.equal(true);
  machine.fileSystem.capacityBytes = usedBytes(machine.fileSystem) + freeBytes;
  await machine.store.close();
  return machine;
};

describe('the reserve of a store', () => {
  it('goes with a clean close where there is plenty of room, and comes back with the next opening', async () => {
    const machine = await closedWith(PLENTY_BYTES + 1024 * 1024);
    expect(machine.fileSystem.paths()).to.not.include(RESERVE);
    const { store, fileSystem, pass } = await machine.reopen();
    expect((await store.info()).opened).to.equal('clean');
    await pass(20_000);
    expect(isHeld(fileSystem)).to.equal(true);
    await store.close();
  });

  it('stays where there is less room, and where the room is not known', async () => {
    expect(isHeld((await closedWith(PLENTY_BYTES / 2)).fileSystem)).to.equal(true);

    const machine = await openMachine({ retention: 'off' });
    await machine.pass(20_000);
    machine.fileSystem.space = () => {
      throw Object.assign(new Error('ENOSYS'), { code: 'ENOSYS' });
    };
    await machine.store.close();
    expect(isHeld(machine.fileSystem)).to.equal(true);
  });

  it('is not written by a store that is closed right away where there is plenty of room', async () => {
    const { store, fileSystem } = await openMachine({ retention: 'off' });
    await settle(store);
    await store.close();
    expect(fileSystem.calls.some(({ operation, path }) => operation === 'open' && path === RESERVE)).to.equal(false);
  });

  it('is written at once where room is short', async () => {
    const { fileSystem } = await closedWith(PLENTY_BYTES / 2);
    fileSystem.remove(RESERVE);
    const { store } = await openMachine({ retention: 'off' }, fileSystem);
    for (let turn = 0; turn < 20 && !isHeld(fileSystem); turn++) await settle(store);
    expect(isHeld(fileSystem)).to.equal(true);
    await store.close();
  });

  it('does not fail the close when it can not be removed', async () => {
    const { store, fileSystem, pass } = await openMachine({ retention: 'off' });
    await pass(20_000);
    fileSystem.onCall = (operation, path) => {
      if (operation === 'remove' && path === RESERVE) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    await store.close();
    fileSystem.onCall = () => {};
    expect(isHeld(fileSystem)).to.equal(true);
    expect(fileSystem.paths()).to.not.include('/store/DIRTY');
  });

  it('is gone for good or still there when the close ends at any call after it: nothing is lost', async () => {
    const machine = await openMachine({ retention: 'off' });
    machine.store.append({ __name__: 'm', id: '0' }, START_MS, 1);
    await machine.pass(20_000);
    const { fileSystem, keyValueStores } = machine;
    const left: MemoryFileSystem[] = [];
    let isRemoved = false;
    fileSystem.onCall = (operation, path) => {
      isRemoved ||= operation === 'remove' && path === RESERVE;
      if (isRemoved) left.push(fileSystem.afterKill(), fileSystem.afterPowerLoss());
    };
    await machine.store.close();
    left.push(fileSystem.afterKill());
    expect(isRemoved).to.equal(true);
    expect(left.length).to.be.above(10);
    for (const survivor of left) {
      const options = { retention: 'off', fileSystem: survivor, keyValueStores, clock: machine.clock } as const;
      const store = await openStore('/store', options);
      expect((await samplesOf(store, 'm')).size).to.equal(1);
      await store.close();
    }
  });

  it('is missed by a store whose disk was filled meanwhile: it opens, and refuses samples until there is room', async () => {
    const machine = await closedWith(PLENTY_BYTES + 1024 * 1024);
    const { fileSystem } = machine;
    // Little fits, so that the opening can write its first records, but not the reserve.
    fileSystem.capacityBytes = usedBytes(fileSystem) + 64 * 1024;
    const { store, pass } = await machine.reopen();
    await pass(20_000);
    expect(fileSystem.paths()).to.not.include(RESERVE);
    expect((await samplesOf(store, 'm')).size).to.equal(1);
    let taken = 0;
    const append = (): void =>
      void store.append({ __name__: 'm', id: String(taken % 8) }, START_MS + 60_000 + taken, Math.sqrt(taken));
    let code: string | undefined;
    for (; code === undefined && taken < 400_000; ) {
      code = await codeOf(append);
      if (code === undefined && ++taken % 2000 === 0) await pass(250);
    }
    expect(code).to.equal('TIDEMARK_DISK_FULL');

    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await pass(61_000);
    append();
    await store.flush();
    expect(isHeld(fileSystem)).to.equal(true);
    expect((await samplesOf(store, 'm')).size).to.equal(taken + 2);
    await store.close();
  }).timeout(60_000);
});
