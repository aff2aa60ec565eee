import { expect } from 'chai';
import type { TidemarkError } from '../../src/model/errors.ts';
import { Crash } from '../support/memory-file-system.ts';
import { append, created, directory, opened, openJournal, read, turn } from './journal-fixture.ts';

const rejection = async (promise: Promise<unknown>): Promise<TidemarkError> => {
  try {
    await promise;
  } catch (error) {
    return error as TidemarkError;
  }
  throw new Error('it resolved');
};

describe('a journal whose disk refuses', () => {
  it('completes short writes', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 500, batchSamples: 5 });
    fileSystem.writeBytesMax = 3;
    const samples = Array.from({ length: 100 }, (_, i) => append(journal, i % 7, i, i / 3));
    await journal.close();
    expect(read(fileSystem).items).to.deep.equal(samples);
  });

  it('rejects commits while the disk is full, and goes on exactly where it stopped when there is room', async () => {
    const errors: string[] = [];
    const { journal, fileSystem } = openJournal({ onError: ({ code }) => errors.push(code) });
    const samples = [append(journal, 0, 1000, 0.1)];
    await journal.commit();
    for (let room = 0; room < 120; room++) {
      fileSystem.capacityBytes = fileSystem.paths().reduce((sum, path) => sum + fileSystem.content(path).length, room);
      samples.push(append(journal, 0, 2000 + room, room / 7));
      const committed = journal.commit();
      if (journal.writable) {
        await committed;
        continue;
      }
      expect((await rejection(committed)).code).to.equal('TIDEMARK_DISK_FULL');
      expect((await rejection(journal.commit())).code).to.equal('TIDEMARK_DISK_FULL');
      expect(() => journal.commitBlocking()).to.throw(/ENOSPC/);
      fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
      await journal.retry();
      expect(journal.writable).to.equal(true);
    }
    expect(errors.length).to.be.within(30, 119);
    await journal.close();
    const { items, findings } = read(fileSystem.afterPowerLoss());
    expect(items).to.deep.equal(samples);
    expect(findings).to.deep.equal([]);
  });

  it('stays as it is when a retry fails too', async () => {
    const { journal, fileSystem } = openJournal();
    const sample = append(journal, 0, 1000, 1);
    fileSystem.capacityBytes = 10;
    await rejection(journal.commit());
    expect((await rejection(journal.retry())).code).to.equal('TIDEMARK_DISK_FULL');
    expect(journal.writable).to.equal(false);
    expect(journal.error?.code).to.equal('TIDEMARK_DISK_FULL');
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await journal.retry();
    await journal.close();
    expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal([sample]);
  });

  for (const operation of ['write', 'sync'] as const) {
    it(`tries once more when it is closed after a ${operation} that failed`, async () => {
      const { journal, fileSystem } = openJournal();
      const samples = [append(journal, 0, 1000, 1)];
      fileSystem.fail(operation, 'ENOSPC');
      expect((await rejection(journal.commit())).code).to.equal('TIDEMARK_DISK_FULL');
      samples.push(append(journal, 0, 2000, 2));
      await journal.close();
      const { items, findings } = read(fileSystem.afterPowerLoss());
      expect(items).to.deep.equal(samples);
      expect(findings).to.deep.equal([]);
      expect(fileSystem.openCount).to.equal(0);
    });
  }

  it('does not disturb append, whose samples wait in memory, until the buffers are full', async () => {
    const { journal, fileSystem } = openJournal({ batchSamples: 10, writeBytes: 1, unconfirmedBytesMax: 2000 });
    fileSystem.capacityBytes = 0;
    const samples: string[] = [];
    expect(() => {
      for (let i = 0; i < 10_000; i++) samples.push(append(journal, 0, i, Math.sqrt(i)));
    }).to.throw(/ENOSPC/);
    expect(journal.writable).to.equal(false);
    expect(journal.pendingBytes).to.be.within(2000, 2300);
    expect(() => journal.appendEvent(opened)).to.throw(/ENOSPC/);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await journal.retry();
    samples.push(append(journal, 0, 20_000, 1));
    await journal.close();
    expect(read(fileSystem).items).to.deep.equal(samples);
  });

  it('needs the file that it could not create', async () => {
    const { journal, fileSystem } = openJournal();
    fileSystem.fail('open', 'EMFILE');
    const sample = append(journal, 0, 1000, 1);
    expect((await rejection(journal.commit())).code).to.equal('TIDEMARK_IO');
    await journal.retry();
    await journal.close();
    expect(fileSystem.openCount).to.equal(0);
    expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal([sample]);
  });

  for (const how of ['in the background', 'on the thread'] as const) {
    it(`writes again what a sync that failed ${how} may have lost`, async () => {
      const { journal, fileSystem } = openJournal();
      const samples = [append(journal, 0, 1000, 1)];
      journal.appendEvent(created(0));
      await journal.commit();
      samples.push(append(journal, 0, 2000, 2), append(journal, 1, 2000, 3));
      fileSystem.fail('sync', 'EIO');
      if (how === 'in the background') {
        expect((await rejection(journal.commit())).code).to.equal('TIDEMARK_IO');
      } else {
        expect(() => journal.commitBlocking()).to.throw(/EIO/);
      }
      const before = journal.durable;
      samples.push(append(journal, 1, 3000, 4));
      await journal.retry();
      expect(journal.durable).to.be.above(before);
      samples.push(append(journal, 0, 4000, 5));
      await journal.close();
      const { items, findings } = read(fileSystem.afterPowerLoss());
      expect(items.filter((item) => typeof item === 'string')).to.deep.equal(samples);
      expect(findings).to.deep.equal([]);
      expect(fileSystem.openCount).to.equal(0);
    });
  }

  it('survives syncs that fail again and again, over several segments', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 200, batchSamples: 3 });
    const samples: string[] = [];
    const appendSome = (): void => {
      for (let i = 0; i < 40; i++) samples.push(append(journal, i % 5, samples.length, i / 7));
    };
    for (let round = 0; round < 12; round++) {
      appendSome();
      if (round % 3 !== 0) {
        await journal.commit();
        continue;
      }
      fileSystem.fail('sync', 'EIO');
      fileSystem.fail('sync', 'ENOSPC');
      await rejection(journal.commit());
      appendSome();
      await rejection(journal.retry());
      appendSome();
      await journal.retry();
    }
    await journal.close();
    const { items, findings } = read(fileSystem.afterPowerLoss());
    expect(items).to.deep.equal(samples);
    expect(findings).to.deep.equal([]);
  });

  it('reads once what stayed in the old segment because it could not be cut', async () => {
    const { journal, fileSystem } = openJournal();
    const samples = [append(journal, 0, 1000, 1)];
    await journal.commit();
    samples.push(append(journal, 0, 2000, 2));
    fileSystem.fail('sync', 'EIO');
    fileSystem.fail('truncate', 'EIO');
    await rejection(journal.commit());
    await journal.retry();
    samples.push(append(journal, 0, 3000, 3));
    await journal.close();
    const { items, findings } = read(fileSystem);
    expect(items).to.deep.equal(samples);
    expect(findings.map(({ kind }) => kind)).to.deep.equal(['duplicatedSegment']);
  });

  for (const committed of [false, true]) {
    for (const goesOn of [false, true]) {
      const told = `${committed ? 'on top of others' : 'as the first'}, ${goesOn ? 'with more' : 'with nothing'} after it`;
      it(`keeps, after a sync failed that ran beside a blocking one, what the blocking one confirmed ${told}`, async () => {
        for (let crashAt = 1; ; crashAt++) {
          const { journal, fileSystem } = openJournal();
          const samples = [append(journal, 0, 500, 0)];
          if (committed) await journal.commit();
          let release = (): void => {};
          fileSystem.holdSync = () => new Promise((resolve) => (release = resolve));
          samples.push(append(journal, 0, 1000, 1));
          const running = journal.commit();
          samples.push(append(journal, 0, 2000, 2));
          journal.commitBlocking();
          const acknowledged = [...samples];
          if (goesOn) {
            samples.push(append(journal, 0, 3000, 3));
            journal.write();
          }
          fileSystem.fail('sync', 'EIO');
          release();
          await rejection(running);
          fileSystem.holdSync = () => Promise.resolve();
          let calls = 0;
          fileSystem.onCall = () => {
            if (++calls >= crashAt) throw new Crash();
          };
          const survived = await journal.retry().then(
            () => true,
            () => false,
          );
          fileSystem.onCall = () => {};
          // File systems make names durable by themselves, long before they write what is in the files.
          fileSystem.syncDirectory(directory);
          const { items, findings } = read(fileSystem.afterPowerLoss());
          const expected = survived ? samples : acknowledged;
          expect(items.slice(0, expected.length), `power lost at call ${crashAt}`).to.deep.equal(expected);
          if (!survived) continue;
          expect(findings).to.deep.equal([]);
          samples.push(append(journal, 0, 4000, 4));
          await journal.close();
          expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal(samples);
          expect(fileSystem.openCount).to.equal(0);
          return;
        }
      });
    }
  }

  it('removes a segment for good when the sync of its removal failed at first', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    const samples = Array.from({ length: 200 }, (_, i) => append(journal, i % 7, i, i / 3));
    await journal.commit();
    const [oldest, newer] = journal.segments();
    fileSystem.onCall = (operation, path) => {
      if (operation === 'remove' && path.endsWith('.journal')) fileSystem.fail('syncDirectory', 'EIO');
    };
    expect((await rejection(journal.truncateBefore(newer.start))).code).to.equal('TIDEMARK_IO');
    expect(journal.first).to.equal(oldest.start);
    fileSystem.onCall = () => {};
    await journal.truncateBefore(newer.start);
    expect(journal.first).to.equal(newer.start);
    const { items, positions } = read(fileSystem.afterPowerLoss());
    expect(positions[0]).to.be.above(newer.start);
    expect(items).to.deep.equal(samples.slice(-items.length));
    await journal.close();
  });

  it('tells of the first error only, and of the next one after a success', async () => {
    const errors: string[] = [];
    const { journal, fileSystem } = openJournal({ onError: ({ code }) => errors.push(code) });
    append(journal, 0, 1000, 1);
    fileSystem.capacityBytes = 0;
    await rejection(journal.commit());
    await rejection(journal.commit());
    expect(errors).to.deep.equal(['TIDEMARK_DISK_FULL']);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await journal.retry();
    append(journal, 0, 2000, 1);
    fileSystem.fail('sync', 'EIO');
    await rejection(journal.commit());
    expect(errors).to.deep.equal(['TIDEMARK_DISK_FULL', 'TIDEMARK_IO']);
    await turn();
  });
});
