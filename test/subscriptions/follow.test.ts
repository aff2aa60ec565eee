import { expect } from 'chai';
import { segmentName } from '../../src/journal/format/segment-header.ts';
import type { JournalEvent } from '../../src/model/events.ts';
import { followJournal } from '../../src/subscriptions/follow.ts';
import { directory, type OpenJournal, opened, openJournal, turn } from '../journal/journal-fixture.ts';

const partsOf = ({ journal, fileSystem, clock }: OpenJournal) => ({
  journal,
  fileSystem,
  clock,
  journalDirectory: directory,
});

const timesOf = async (events: AsyncIterable<JournalEvent>): Promise<number[]> => {
  const times: number[] = [];
  for await (const { time } of events) times.push(time);
  return times;
};

describe('the journal as a stream', () => {
  it('has what is there, durable or not, and ends', async () => {
    const open = openJournal();
    for (let time = 0; time < 5; time++) open.journal.appendEvent({ ...opened, time });
    expect(await timesOf(followJournal(partsOf(open), {}))).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('goes on with what comes, once it is durable, until it is aborted', async () => {
    const open = openJournal();
    const controller = new AbortController();
    const times = timesOf(followJournal(partsOf(open), { follow: true, signal: controller.signal }));
    for (let time = 0; time < 5; time++) {
      open.journal.appendEvent({ ...opened, time });
      await open.journal.commit();
      await turn();
    }
    open.journal.appendEvent({ ...opened, time: 99 });
    open.journal.write();
    await turn();
    controller.abort();
    expect(await times).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('ends when the journal is closed, and holds no file then, also when nobody asks for more', async () => {
    const open = openJournal();
    open.journal.appendEvent({ ...opened, time: 0 });
    open.journal.appendEvent({ ...opened, time: 1 });
    await open.journal.commit();
    const left = followJournal(partsOf(open), { follow: true });
    expect((await left.next()).value).to.include({ time: 0 });
    const times = timesOf(followJournal(partsOf(open), { follow: true }));
    open.journal.appendEvent({ ...opened, time: 2 });
    await open.journal.commit();
    await turn();
    await turn();
    await open.journal.close();
    expect(await times).to.deep.equal([0, 1, 2]);
    expect(open.fileSystem.openCount).to.equal(0);
    expect((await left.next()).value).to.include({ time: 1 });
    expect(await left.next()).to.deep.equal({ done: true, value: undefined });
    expect(open.fileSystem.openCount).to.equal(0);
  });

  it('waits, and lets the program go on, when the journal has just been continued behind a torn tail', async () => {
    const before = openJournal();
    before.journal.appendEvent({ ...opened, time: 0 });
    before.journal.appendEvent({ ...opened, time: 1 });
    await before.journal.close();
    const path = `${directory}/${segmentName(0)}`;
    before.fileSystem.put(path, before.fileSystem.content(path).subarray(0, -3));
    const open = openJournal({}, before.fileSystem);
    const controller = new AbortController();
    const times = timesOf(followJournal(partsOf(open), { follow: true, signal: controller.signal }));
    await turn();
    open.journal.appendEvent({ ...opened, time: 2 });
    await open.journal.commit();
    await turn();
    await turn();
    controller.abort();
    expect(await times).to.deep.equal([0, 2]);
  });
});
