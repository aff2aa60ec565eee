import { expect } from 'chai';
import fc from 'fast-check';
import type { SeriesEvent } from '../../src/model/events.ts';
import { absent, concerns, evolve, type SeriesLife } from '../../src/model/evolve.ts';

const fingerprint = '0123456789abcdef';
const labels = { __name__: 'up', job: 'node' };
const about = { fingerprint, labels };

const given =
  (...events: SeriesEvent[]) =>
  (event: SeriesEvent): SeriesLife =>
    evolve(events.reduce(evolve, absent), event);

const created: SeriesEvent = { type: 'seriesCreated', time: 1, ...about };
const persisted: SeriesEvent = { type: 'chunksPersisted', time: 2, fingerprint, chunks: 3, chunksInFile: 3 };
const changing: SeriesEvent = { type: 'seriesFilesChanging', time: 2, fingerprints: [fingerprint] };
const closed: SeriesEvent = { type: 'headChunksClosed', time: 2, fingerprints: [fingerprint] };
const dropped: SeriesEvent = {
  type: 'chunksDropped',
  time: 4,
  fingerprint,
  chunks: 1,
  chunksInFile: 2,
  firstTime: 50,
};
const archived: SeriesEvent = { type: 'seriesArchived', time: 5, ...about, firstTime: 10, lastTime: 90 };
const unarchived: SeriesEvent = { type: 'seriesUnarchived', time: 6, ...about };
const quarantined: SeriesEvent = { type: 'seriesQuarantined', time: 7, fingerprint, reason: 'bad chunk', file: 'x' };
const purged: SeriesEvent = { type: 'seriesPurged', time: 8, ...about, reason: 'retention' };

const anyEvent = fc.constantFrom(
  created,
  persisted,
  changing,
  closed,
  dropped,
  { ...dropped, chunksInFile: 0 },
  archived,
  unarchived,
  quarantined,
  { ...quarantined, labels },
  purged,
);

describe('the life of a series', () => {
  it('begins in memory', () => {
    expect(given()(created)).to.deep.equal({
      kind: 'inMemory',
      labels,
      since: 1,
      chunksInFile: 0,
      fileChanging: false,
    });
  });

  it('counts the chunks in its file', () => {
    expect(given(created)(persisted)).to.include({ kind: 'inMemory', chunksInFile: 3 });
    expect(given(created, persisted)(dropped)).to.include({ kind: 'inMemory', chunksInFile: 2, firstTime: 50 });
    expect(given(created, persisted, archived)(dropped)).to.include({
      kind: 'archived',
      chunksInFile: 2,
      firstTime: 50,
    });
  });

  it('knows from the announcement of a change to its end that the file may be either', () => {
    expect(given(created)(changing)).to.include({ fileChanging: true });
    expect(given(created, changing)(persisted)).to.include({ fileChanging: false });
  });

  it('remembers when its head chunk was closed', () => {
    expect(given(created)(closed)).to.include({ headClosedAt: 2 });
  });

  it('is archived and woken with what is in its file', () => {
    expect(given(created, persisted)(archived)).to.deep.equal({
      kind: 'archived',
      labels,
      since: 5,
      chunksInFile: 3,
      firstTime: 10,
      lastTime: 90,
      fileChanging: false,
    });
    expect(given(created, persisted, archived)(unarchived)).to.deep.equal({
      kind: 'inMemory',
      labels,
      since: 6,
      chunksInFile: 3,
      firstTime: 10,
      fileChanging: false,
    });
  });

  it('ends in quarantine with the reason, the file and the labels that were known', () => {
    expect(given(created)(quarantined)).to.deep.equal({
      kind: 'quarantined',
      labels,
      since: 7,
      reason: 'bad chunk',
      file: 'x',
    });
    expect(given()(quarantined)).to.deep.equal({ kind: 'quarantined', since: 7, reason: 'bad chunk', file: 'x' });
  });

  it('ends with the purge, and begins again with a creation', () => {
    expect(given(created, archived)(purged)).to.deep.equal({ kind: 'purged', labels, since: 8, reason: 'retention' });
    expect(given(created, purged)(unarchived)).to.include({ kind: 'purged' });
    expect(given(created, purged)({ ...created, time: 9 })).to.include({ kind: 'inMemory', since: 9 });
    expect(given(quarantined)(created)).to.include({ kind: 'inMemory' });
  });

  it('can be picked up where the journal was cut off', () => {
    expect(given()(archived)).to.include({ kind: 'archived', lastTime: 90 });
    expect(given()(unarchived)).to.include({ kind: 'inMemory' });
    expect(given()(persisted)).to.deep.equal(absent);
  });

  it('has an answer to every event in every state, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        let state: SeriesLife = absent;
        for (const event of events) {
          const before = JSON.stringify([state, event]);
          const next = evolve(Object.freeze(state), Object.freeze(event));
          expect(JSON.stringify([state, event])).to.equal(before);
          expect(['absent', 'inMemory', 'archived', 'quarantined', 'purged']).to.include(next.kind);
          state = next;
        }
      }),
    );
  });

  it('is the same when an event is told twice', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 20 }), anyEvent, (events, event) => {
        const once = evolve(events.reduce(evolve, absent), event);
        expect(evolve(once, event)).to.deep.equal(once);
      }),
    );
  });

  it('is told by events that name the series, alone or among others', () => {
    expect(concerns(created, fingerprint)).to.equal(true);
    expect(concerns(closed, fingerprint)).to.equal(true);
    expect(concerns(closed, 'ffffffffffffffff')).to.equal(false);
    expect(concerns({ type: 'clockJumped', time: 1, byMs: 5 }, fingerprint)).to.equal(false);
  });
});
