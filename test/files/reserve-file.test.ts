import { expect } from 'chai';
import { RESERVE_BYTES, ReserveFile, ReserveGivenBack } from '../../src/files/reserve-file.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const PATH = '/journal/reserve';

const journalDirectory = (): MemoryFileSystem => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectory('/journal');
  return fileSystem;
};

const breathe = (): Promise<void> => Promise.resolve();

/** What a promise was rejected with. */
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('it resolved'),
    (error: unknown) => error,
  );

describe('The reserve', () => {
  it('is a file of its size, closed, once it is held', async () => {
    const fileSystem = journalDirectory();
    const reserve = new ReserveFile(fileSystem, '/journal');
    await reserve.hold(breathe);
    expect(reserve.isHeld).to.equal(true);
    expect(fileSystem.content(PATH).length).to.equal(RESERVE_BYTES);
    expect(fileSystem.openCount).to.equal(0);
  });

  it('is written once for two who ask at a time', async () => {
    const fileSystem = journalDirectory();
    const reserve = new ReserveFile(fileSystem, '/journal');
    await Promise.all([reserve.hold(breathe), reserve.hold(breathe)]);
    expect(fileSystem.calls.filter(({ operation }) => operation === 'open')).to.have.lengthOf(1);
  });

  it('leaves nothing behind when the disk has no room for it', async () => {
    const fileSystem = journalDirectory();
    fileSystem.capacityBytes = RESERVE_BYTES - 1;
    const reserve = new ReserveFile(fileSystem, '/journal');
    expect(await rejection(reserve.hold(breathe))).to.include({ code: 'ENOSPC' });
    expect(fileSystem.paths()).to.deep.equal([]);
    expect(fileSystem.openCount).to.equal(0);
  });

  it('is not taken for held when it is released while it is being written', async () => {
    const fileSystem = journalDirectory();
    const reserve = new ReserveFile(fileSystem, '/journal');
    const holding = rejection(reserve.hold(breathe));
    reserve.release();
    expect(await holding).to.be.instanceOf(ReserveGivenBack);
    expect(reserve.isHeld).to.equal(false);
    expect(fileSystem.paths()).to.deep.equal([]);
    await reserve.hold(breathe);
    expect(reserve.isHeld).to.equal(true);
  });

  it('sees plenty of room from 64 times its size on, and none where the volume does not say', () => {
    const fileSystem = journalDirectory();
    const reserve = new ReserveFile(fileSystem, '/journal');
    fileSystem.put('/journal/other', Buffer.alloc(100));
    fileSystem.capacityBytes = 64 * RESERVE_BYTES + 100;
    expect(reserve.hasPlentyOfRoom).to.equal(true);
    fileSystem.capacityBytes--;
    expect(reserve.hasPlentyOfRoom).to.equal(false);
    fileSystem.space = () => {
      throw Object.assign(new Error('ENOSYS'), { code: 'ENOSYS' });
    };
    expect(reserve.hasPlentyOfRoom).to.equal(false);
  });

  it('has no file open once it is closed, even while a slow sync goes on', async () => {
    const fileSystem = journalDirectory();
    let finishSync = (): void => {};
    const syncing = new Promise<void>((reached) => {
      fileSystem.holdSync = () => {
        reached();
        return new Promise((resolve) => {
          finishSync = resolve;
        });
      };
    });
    const reserve = new ReserveFile(fileSystem, '/journal');
    const holding = rejection(reserve.hold(breathe));
    await syncing;
    let isClosed = false;
    const closing = reserve.close().then(() => {
      isClosed = true;
    });
    await breathe();
    expect(isClosed).to.equal(false);
    finishSync();
    await closing;
    expect(fileSystem.openCount).to.equal(0);
    expect(await holding).to.be.instanceOf(ReserveGivenBack);
    expect(await rejection(reserve.hold(breathe))).to.be.instanceOf(ReserveGivenBack);
  });
});
