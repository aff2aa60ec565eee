/** When a clean close writes a checkpoint, and when the one that is there will do. */
import { expect } from 'chai';
import { TRAILER_BYTES } from '../../src/disk/heads/heads.ts';
import { type Machine, openMachine, START_MS, samplesOf } from './support.ts';

const HEADS = '/store/heads.db';

const openWith = async (series: number): Promise<Machine> => {
  const machine = await openMachine({ retention: 'off' });
  for (let i = 0; i < series; i++) machine.store.append({ __name__: 'm', id: String(i) }, START_MS, i);
  return machine;
};

/** Counts the checkpoints that are begun. */
const countingCheckpoints = ({ fileSystem }: Machine): (() => number) => {
  let begun = 0;
  const open = fileSystem.open.bind(fileSystem);
  fileSystem.open = (path, mode) => {
    if (path === `${HEADS}.tmp`) begun++;
    return open(path, mode);
  };
  return () => begun;
};

describe('the checkpoint of a clean close', () => {
  it('is the one before without its trailer when nothing has changed since', async () => {
    const machine = await openWith(20);
    await machine.store.checkpoint();
    const before = machine.fileSystem.content(HEADS);
    const begun = countingCheckpoints(machine);
    await machine.store.close();
    expect(begun()).to.equal(0);
    expect(machine.fileSystem.content(HEADS).equals(before.subarray(0, -TRAILER_BYTES))).to.equal(true);
    expect(machine.fileSystem.afterPowerLoss().content(HEADS).length).to.equal(before.length - TRAILER_BYTES);
    const { store } = await machine.reopen();
    expect((await store.info()).opened).to.equal('clean');
    expect((await samplesOf(store, 'm')).size).to.equal(20);
    await store.close();
  });

  it('is byte for byte the one that would have been written', async () => {
    const kept = await openWith(20);
    await kept.store.checkpoint();
    await kept.store.close();
    const written = await openWith(20);
    await written.store.close();
    expect(kept.fileSystem.content(HEADS).equals(written.fileSystem.content(HEADS))).to.equal(true);
  });

  it('stays as it is when the store was opened and nothing was appended', async () => {
    const machine = await openWith(20);
    const reopened = await machine.reopen();
    const before = machine.fileSystem.content(HEADS);
    const begun = countingCheckpoints(machine);
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(20);
    await reopened.store.close();
    expect(begun()).to.equal(0);
    expect(machine.fileSystem.content(HEADS).equals(before)).to.equal(true);
    const again = await machine.reopen();
    expect((await again.store.info()).opened).to.equal('clean');
    await again.store.close();
  });

  it('is written when a sample came, when a chunk went to a file, and when the file is not the one that was written', async () => {
    for (const change of ['sample', 'chunk', 'file'] as const) {
      const machine = await openWith(20);
      const { store, clock, fileSystem } = machine;
      if (change === 'chunk') clock.step(6 * 3_600_000);
      await store.checkpoint();
      if (change === 'sample') store.append({ __name__: 'm', id: '3' }, START_MS + 1, 33);
      if (change === 'chunk') await store.maintain();
      if (change === 'file') fileSystem.put(HEADS, Buffer.alloc(100));
      const begun = countingCheckpoints(machine);
      await store.close();
      expect(begun(), change).to.equal(1);
      const reopened = await machine.reopen();
      expect((await reopened.store.info()).opened, change).to.equal('clean');
      expect((await samplesOf(reopened.store, 'm')).size, change).to.equal(change === 'sample' ? 21 : 20);
      await reopened.store.close();
    }
  });

  it('is written when the trailer can not be cut off', async () => {
    const machine = await openWith(20);
    await machine.store.checkpoint();
    machine.fileSystem.fail('truncate', 'EIO');
    const begun = countingCheckpoints(machine);
    await machine.store.close();
    expect(begun()).to.equal(1);
    const { store } = await machine.reopen();
    expect((await store.info()).opened).to.equal('clean');
    await store.close();
  });
});
