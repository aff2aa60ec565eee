/** The loss windows that docs/durability.md states, level by level. */
import { expect } from 'chai';
import { from, Subject } from 'rxjs';
import { schedulerOf } from '../../src/ports/clock-scheduler.ts';
import { journalCommit } from '../../streams/journal-commit.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { append, openJournal, read, turn } from './journal-fixture.ts';

const INTERVAL_MS = 20;

const lastTimeIn = (fileSystem: MemoryFileSystem): number => {
  const times = read(fileSystem).items.map((item) => Number(String(item).split(' ')[1]));
  expect(times).to.deep.equal(times.map((_, i) => i));
  return times.at(-1) ?? -1;
};

/** Appends a sample a millisecond; after each, says what a kill and a loss of power now would leave. */
const live = async (
  durability: 'interval' | 'os',
  each: (left: { time: number; afterKill: number; afterPowerLoss: number }) => void,
): Promise<void> => {
  const clock = new ManualClock();
  const pending$ = new Subject<void>();
  const options = { durability, commitIntervalMs: INTERVAL_MS, onPending: () => pending$.next() };
  const { journal, fileSystem } = openJournal(options, undefined, clock);
  const commit = () => from(durability === 'os' ? Promise.resolve(journal.write()) : journal.commit());
  const commits = journalCommit({ pending$, intervalMs: INTERVAL_MS, commit, scheduler: schedulerOf(clock) });
  const subscription = commits.subscribe();
  for (let time = 0; time < 300; time++) {
    append(journal, 0, time, time / 3);
    const machine = { afterKill: fileSystem.afterKill(), afterPowerLoss: fileSystem.afterPowerLoss() };
    each({ time, afterKill: lastTimeIn(machine.afterKill), afterPowerLoss: lastTimeIn(machine.afterPowerLoss) });
    clock.advance(1);
    await turn();
  }
  subscription.unsubscribe();
};

describe('durability', () => {
  it("'always' loses nothing that append returned from", () => {
    const { journal, fileSystem } = openJournal({ durability: 'always' });
    for (let time = 0; time < 50; time++) {
      append(journal, 0, time, time / 3);
      journal.commitBlocking();
      expect(lastTimeIn(fileSystem.afterPowerLoss())).to.equal(time);
    }
  });

  it("'interval' loses at most the samples of the interval, to a kill and to loss of power", async () => {
    await live('interval', ({ time, afterKill, afterPowerLoss }) => {
      expect(time - afterPowerLoss).to.be.at.most(INTERVAL_MS + 1);
      expect(afterKill).to.be.at.least(afterPowerLoss);
    });
  });

  it("'os' loses at most the samples of the interval to a kill, and whatever was not written back to loss of power", async () => {
    let lost = 0;
    await live('os', ({ time, afterKill, afterPowerLoss }) => {
      expect(time - afterKill).to.be.at.most(INTERVAL_MS + 1);
      lost = Math.max(lost, time - afterPowerLoss);
    });
    expect(lost).to.be.above(INTERVAL_MS + 1);
  });

  for (const durability of ['always', 'interval', 'os'] as const) {
    it(`'${durability}' loses nothing that flush() was waited for`, async () => {
      const { journal, fileSystem } = openJournal({ durability });
      for (let time = 0; time < 20; time++) {
        append(journal, 0, time, time / 3);
        await journal.commit();
        expect(lastTimeIn(fileSystem.afterPowerLoss())).to.equal(time);
      }
    });
  }
});
