import { expect } from 'chai';
import { Crash, MemoryFileSystem } from '../support/memory-file-system.ts';
import { append, created, directory, openJournal, read } from './journal-fixture.ts';

interface Run {
  /** Everything appended, in order. */
  readonly appended: string[];
  /** How many of them were acknowledged. */
  acknowledged: number;
}

/** A short life: two sessions, several segments, commits of both kinds, a failed sync, a truncation. */
const live = async (fileSystem: MemoryFileSystem, run: Run): Promise<void> => {
  for (let session = 0; session < 2; session++) {
    const { journal } = openJournal({ segmentBytes: 250, batchSamples: 4, writeBytes: 60 }, fileSystem);
    const appendSome = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const time = run.appended.length;
        run.appended.push(`${time}`);
        append(journal, time % 4, time, time / 3);
      }
    };
    const acknowledge = (): void => {
      run.acknowledged = run.appended.length;
    };
    journal.appendEvent(created(session));
    appendSome(6);
    await journal.commit();
    acknowledge();
    appendSome(9);
    journal.commitBlocking();
    acknowledge();
    appendSome(7);
    fileSystem.fail('sync', 'EIO');
    await journal.commit().catch((error: unknown) => {
      if (!(error as { cause?: unknown }).cause || (error as { cause?: unknown }).cause instanceof Crash) throw error;
    });
    await journal.retry();
    acknowledge();
    appendSome(3);
    await journal.truncateBefore(journal.segments()[1].start);
    await journal.close();
    acknowledge();
  }
};

/** Times of the samples that are there, which are also their numbers. */
const timesIn = (fileSystem: MemoryFileSystem): { times: number[]; findings: string[] } => {
  const { items, findings } = read(fileSystem);
  const times = items.flatMap((item) => (typeof item === 'string' ? [Number(item.split(' ')[1])] : []));
  return { times, findings: findings.map(({ kind }) => kind) };
};

const callCount = async (): Promise<number> => {
  const fileSystem = new MemoryFileSystem();
  let count = 0;
  fileSystem.onCall = () => {
    count++;
  };
  await live(fileSystem, { appended: [], acknowledged: 0 });
  return count;
};

describe('a journal whose process or machine ends', () => {
  for (const end of ['is killed', 'loses power'] as const) {
    it(`has every acknowledged sample when it ${end}, at whichever call`, async () => {
      const calls = await callCount();
      expect(calls).to.be.above(50);
      for (let crashAt = 1; crashAt <= calls; crashAt++) {
        const fileSystem = new MemoryFileSystem();
        const run: Run = { appended: [], acknowledged: 0 };
        let call = 0;
        let dead = false;
        fileSystem.onCall = () => {
          dead ||= ++call === crashAt;
          if (dead) throw new Crash();
        };
        await live(fileSystem, run).catch(() => undefined);
        expect(dead, `call ${crashAt} of ${calls}`).to.equal(true);

        const machine = end === 'is killed' ? fileSystem.afterKill() : fileSystem.afterPowerLoss();
        const { times, findings } = timesIn(machine);
        const first = times[0] ?? 0;
        expect(times, `in order, without a gap, after call ${crashAt}`).to.deep.equal(times.map((_, i) => first + i));
        expect(times.at(-1) ?? -1, `after call ${crashAt}`).to.be.at.least(run.acknowledged - 1);
        expect(times.at(-1) ?? -1, 'nothing that was not appended').to.be.below(run.appended.length);
        expect(findings.filter((kind) => kind === 'badRecord' || kind === 'missingSegment')).to.deep.equal([]);

        const { journal } = openJournal({}, machine);
        append(journal, 1, run.appended.length, 1);
        await journal.close();
        expect(timesIn(machine).times, `goes on after call ${crashAt}`).to.deep.equal([...times, run.appended.length]);
        expect(machine.readDirectory(directory).length).to.be.above(0);
      }
    });
  }
});
