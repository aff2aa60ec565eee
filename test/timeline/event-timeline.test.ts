import { expect } from 'chai';
import fc from 'fast-check';
import { EventTimeline, type StateCounts } from '../../src/timeline/event-timeline.ts';
import type { ReplayedEvent } from '../../src/timeline/replay-answers.ts';
import { stateAfter } from '../../src/timeline/state-changes.ts';
import { many, one, opened } from './some-events.ts';

/** Each event is a record of its own. */
const timelineOf = (events: readonly ReplayedEvent[], eventsMax?: number): EventTimeline => {
  const timeline = new EventTimeline(eventsMax === undefined ? {} : { eventsMax });
  for (const [i, event] of events.entries()) timeline.add(event, 100 * (i + 1));
  return timeline;
};

const nonZero = (counts: StateCounts): StateCounts =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

const life: readonly ReplayedEvent[] = [
  opened(0),
  one('seriesCreated', 1),
  one('seriesCreated', 2),
  many('headChunksClosed', [1, 2]),
  many('seriesFilesChanging', [1, 2]),
  one('chunksPersisted', 1),
  one('chunksPersisted', 2),
  one('seriesArchived', 1),
  one('seriesQuarantined', 2),
  one('seriesPurged', 1),
];

describe('the timeline of events', () => {
  it('has the number of series in each state after each event, in any order of asking', () => {
    const timeline = timelineOf(life);
    const expected: readonly StateCounts[] = [
      {},
      { inMemory: 1 },
      { inMemory: 2 },
      { inMemory: 2 },
      { persisting: 2 },
      { inMemory: 1, persisting: 1 },
      { inMemory: 2 },
      { inMemory: 1, archived: 1 },
      { archived: 1, quarantined: 1 },
      { purged: 1, quarantined: 1 },
    ];
    for (const number of [9, 0, 5, 4, 8, 1, 7, 2, 6, 3])
      expect(nonZero(timeline.countsAfter(number)), `after event ${number}`).to.deep.equal(expected[number]);
    expect(nonZero(timeline.countsAfter(-1))).to.deep.equal({});
  });

  it('has the states of an event’s series before and after it', () => {
    const timeline = timelineOf(life);
    expect(timeline.changesOf(4)).to.deep.equal([
      { series: 0, before: 'inMemory', after: 'persisting' },
      { series: 1, before: 'inMemory', after: 'persisting' },
    ]);
    expect(timeline.changesOf(4, 1)).to.have.length(1);
    expect(timeline.seriesCountOf(4)).to.equal(2);
    expect(timeline.changesOf(9)).to.deep.equal([{ series: 0, before: 'archived', after: 'purged' }]);
  });

  it('ends the file calls of a crashed session when the store is opened again', () => {
    const timeline = timelineOf([opened(0), one('seriesCreated', 1), many('seriesFilesChanging', [1]), opened(9, 1)]);
    expect(nonZero(timeline.countsAfter(2))).to.deep.equal({ persisting: 1 });
    expect(timeline.changesOf(3)).to.deep.equal([{ series: 0, before: 'persisting', after: 'inMemory' }]);
  });

  it('knows what series were before its beginning, as far as events say it', () => {
    const timeline = timelineOf([
      one('seriesUnarchived', 1),
      one('chunksPersisted', 2),
      many('seriesFilesChanging', [3]),
      one('seriesPurged', 3),
    ]);
    const [unarchived] = timeline.changesOf(0);
    expect(unarchived.before).to.equal('archived');
    expect(timeline.changesOf(2)[0]).to.include({ before: 'unknown', after: 'unknown' });
    expect(timeline.changesOf(3)[0]).to.include({ before: 'unknown', after: 'purged' });
    // No event says how many series there were.
    expect(timeline.countsAfter(3)).not.to.have.any.keys('inMemory', 'archived');
    expect(timeline.countsAfter(3)).to.include({ purged: 1, unknown: 0 });
  });

  it('counts series without events by what the store said when it was opened', () => {
    const events = [
      one('seriesUnarchived', 1),
      opened(5, 10, 20),
      one('seriesArchived', 2),
      one('seriesUnarchived', 3),
      one('seriesUnarchived', 4),
    ];
    const timeline = timelineOf(events);
    expect(nonZero(timeline.countsAfter(-1))).to.deep.equal({ inMemory: 9, archived: 21 });
    expect(nonZero(timeline.countsAfter(1))).to.deep.equal({ inMemory: 10, archived: 20 });
    expect(nonZero(timeline.countsAfter(2))).to.deep.equal({ inMemory: 9, archived: 21 });
    expect(nonZero(timeline.countsAfter(4))).to.deep.equal({ inMemory: 11, archived: 19 });
  });

  it('has the state of the store', () => {
    const timeline = timelineOf([
      opened(0),
      { type: 'pressureChanged', time: 1, from: 'normal', to: 'rushed', score: 0.9 },
      { type: 'healthChanged', time: 2, to: 'readOnly', reason: 'disk full' },
      { type: 'storeClosing', time: 3 },
      { type: 'storeClosed', time: 4 },
    ]);
    expect(timeline.storeAfter(-1)).to.deep.equal({});
    expect(timeline.storeAfter(2)).to.deep.equal({ phase: 'running', pressure: 'rushed', health: 'readOnly' });
    expect(timeline.storeAfter(3)).to.include({ phase: 'closing' });
    expect(timeline.storeAfter(4)).to.deep.equal({ phase: 'closed' });
  });

  it('finds an event by its position and its number in the record', () => {
    const timeline = new EventTimeline();
    for (const position of [100, 200, 200, 200, 300]) timeline.add(one('seriesCreated', position), position);
    expect(timeline.find(200)).to.equal(1);
    expect(timeline.find(200, 2)).to.equal(3);
    expect(timeline.placeOf(3)).to.equal(2);
    expect(timeline.find(201)).to.equal(4);
    expect(timeline.find(301)).to.equal(undefined);
  });

  it('forgets the oldest events beyond its bound, and stays right about the others', () => {
    const events = [opened(0), ...Array.from({ length: 20_000 }, (_, i) => one('seriesCreated', i, i))];
    const timeline = timelineOf(events, 10_000);
    expect(timeline.end).to.equal(20_001);
    expect(timeline.first).to.be.within(8_000, 12_300);
    expect(timeline.countsAfter(timeline.first - 1).inMemory).to.equal(timeline.first - 1);
    expect(timeline.countsAfter(20_000).inMemory).to.equal(20_000);
    expect(timeline.find(100)).to.equal(timeline.first);
    expect(timeline.timeOf(15_000)).to.equal(14_999);
  });

  it('refuses a fingerprint that is none, and is unchanged then', () => {
    const timeline = timelineOf(life);
    const wrong = { type: 'seriesPurged', time: 1, fingerprint: 'a' };
    expect(() => timeline.add(wrong, 9999)).to.throw('16 hex digits, not "a"');
    expect(timeline.end).to.equal(life.length);
  });

  it('is the fold of its events, for any events', () => {
    const types = ['seriesCreated', 'seriesFilesChanging', 'chunksPersisted', 'seriesArchived', 'seriesPurged'];
    const event = fc.tuple(fc.constantFrom(...types), fc.nat(9)).map(([type, n]) => one(type, n));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (list) => {
        const events = [opened(0), ...Array.from({ length: 10 }, (_, n) => one('seriesCreated', n)), ...list];
        const timeline = timelineOf(events);
        const states = new Map<string, Parameters<typeof stateAfter>[1]>();
        for (const [number, one] of events.entries()) {
          if (one.fingerprint !== undefined)
            states.set(one.fingerprint, stateAfter(one, states.get(one.fingerprint) ?? 'absent'));
          const counted: Record<string, number> = {};
          for (const state of states.values()) counted[state] = (counted[state] ?? 0) + 1;
          expect(nonZero(timeline.countsAfter(number))).to.deep.equal(counted);
        }
      }),
      { numRuns: 50 },
    );
  });
});
