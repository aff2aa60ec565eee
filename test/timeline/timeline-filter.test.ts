import { expect } from 'chai';
import { EventTimeline } from '../../src/timeline/event-timeline.ts';
import { FingerprintNumbers } from '../../src/timeline/fingerprint-numbers.ts';
import { stateCode } from '../../src/timeline/state-changes.ts';
import { FilteredEvents, nextStop, SeriesSet, type TimelineFilter } from '../../src/timeline/timeline-filter.ts';
import { fingerprint, many, one, opened } from './some-events.ts';

const run = <Result>(work: Generator<void, Result, undefined>): Result => {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
};

const timeline = new EventTimeline();
for (const [i, event] of [
  opened(0),
  one('seriesCreated', 1, 10),
  one('seriesCreated', 2, 20),
  many('seriesFilesChanging', [1, 2], 30),
  one('chunksPersisted', 1, 40),
  one('chunksPersisted', 2, 50),
  one('seriesArchived', 1, 60),
].entries())
  timeline.add(event, i + 1);

const only = (n: number): SeriesSet => {
  const set = new SeriesSet();
  set.add(timeline.fingerprints.find(fingerprint(n)));
  return set;
};

const filtered = (filter: TimelineFilter): FilteredEvents => {
  const events = new FilteredEvents(timeline, filter);
  run(events.readOn());
  return events;
};

const numbers = (events: FilteredEvents): number[] => Array.from({ length: events.count }, (_, row) => events.at(row));

describe('a filter of the timeline', () => {
  it('lets through events of a series, alone or among others', () => {
    expect(numbers(filtered({ series: only(1) }))).to.deep.equal([1, 3, 4, 6]);
  });

  it('lets through types and times, and counts the types that it does not let through', () => {
    const events = filtered({ types: new Set(['chunksPersisted']), from: 20, through: 40 });
    expect(numbers(events)).to.deep.equal([4]);
    expect(Object.fromEntries(timeline.types.map((type, code) => [type, events.typeCounts[code] ?? 0]))).to.include({
      seriesCreated: 1,
      seriesFilesChanging: 1,
      chunksPersisted: 1,
      seriesArchived: 0,
    });
  });

  it('finds rows by number and by time', () => {
    const events = filtered({ types: new Set(['seriesCreated', 'chunksPersisted']) });
    expect(numbers(events)).to.deep.equal([1, 2, 4, 5]);
    expect([0, 1, 3, 5, 6].map((number) => events.rowFrom(number))).to.deep.equal([0, 0, 2, 3, 4]);
    expect([5, 10, 45, 99].map((time) => run(events.rowAtTime(time)))).to.deep.equal([0, 0, 2, 3]);
  });

  it('has the density over time', () => {
    expect(run(filtered({}).density(0, 60, 3))).to.deep.equal([2, 2, 3]);
  });

  it('goes on when events were added', () => {
    const growing = new EventTimeline();
    const events = new FilteredEvents(growing, { types: new Set(['seriesCreated']) });
    for (let i = 0; i < 10_000; i++) {
      growing.add(one(i % 2 === 0 ? 'seriesCreated' : 'seriesArchived', i), i + 1);
      if (i === 5000) run(events.readOn());
    }
    run(events.readOn());
    expect(events.count).to.equal(5000);
    expect(events.at(4999)).to.equal(9998);
  });

  it('drops rows of events that the timeline has forgotten', () => {
    const short = new EventTimeline({ eventsMax: 4096 });
    const events = new FilteredEvents(short, {});
    for (let i = 0; i < 9000; i++) {
      short.add(one('seriesCreated', i), i + 1);
      if (i % 1000 === 0) run(events.readOn());
    }
    run(events.readOn());
    expect(events.count).to.equal(short.end - short.first);
    expect(events.at(0)).to.equal(short.first);
  });

  it('finds where playing stops: at a type, at a series, at a state that is reached', () => {
    const events = filtered({});
    expect(run(nextStop(events, 2, { types: new Set(['chunksPersisted']) }))).to.equal(4);
    expect(run(nextStop(events, 5, { series: only(2) }))).to.equal(5);
    expect(run(nextStop(events, 0, { states: new Set([stateCode('persisting')]) }))).to.equal(3);
    expect(run(nextStop(events, 0, { states: new Set([stateCode('purged')]) }))).to.equal(undefined);
  });
});

describe('numbers of fingerprints', () => {
  it('are given in order, found again, and written back', () => {
    const numbers = new FingerprintNumbers();
    const texts = Array.from({ length: 5000 }, (_, i) =>
      (BigInt(i) * 0x9e3779b97f4a7c15n).toString(16).slice(-16).padStart(16, '0'),
    );
    expect(texts.map((text) => numbers.number(text))).to.deep.equal(texts.map((_, i) => i));
    expect(texts.map((text) => numbers.find(text))).to.deep.equal(texts.map((_, i) => i));
    expect(numbers.text(4321)).to.equal(texts[4321]);
    expect(numbers.find('ffffffffffffffff')).to.equal(-1);
    expect(numbers.find('no fingerprint')).to.equal(-1);
    expect(numbers.count).to.equal(5000);
  });
});
