import { expect } from 'chai';
import fc from 'fast-check';
import { createMachine, type InspectionEvent } from 'xstate';
import type { FileResult, SeriesContext, SeriesMachineEvent, VisitFacts } from '../../machines/series.machine.ts';
import {
  codeOfPath,
  codeOfValue,
  restingCode,
  type SeriesStateCode,
  type SeriesStatePath,
  seriesStates,
  seriesTags,
} from '../../machines/series-states.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { SeriesActors, type SeriesEffects, type SeriesRows, startRootActor } from '../../src/series/actors.ts';
import { Inspection } from '../../src/series/inspection.ts';
import { ManualClock } from '../support/manual-clock.ts';

const nothing: VisitFacts = {
  empty: false,
  headOpen: false,
  headIdle: false,
  chunksWaiting: 0,
  droppable: false,
  idle: false,
  forgettable: false,
  lateInMemory: false,
  lateInFile: false,
};
const visit = (facts: Partial<VisitFacts> = {}): SeriesMachineEvent => ({
  type: 'maintain',
  facts: { ...nothing, ...facts },
});
const somethingWaits = visit({ chunksWaiting: 1 });
const result: FileResult = { written: 1, dropped: 0, chunksInFile: 4, allDropped: false, firstTime: 0, mtime: 0 };
const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });

/** A call that the test ends when it likes. */
interface Pending {
  readonly row: number;
  readonly name: string;
  readonly done: (result?: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/** Rows in arrays, effects that are noted, calls that stay open until the test ends them. */
class World implements SeriesRows {
  readonly codes = new Uint8Array(16);
  readonly chunksInFile = new Int32Array(16);
  readonly reasons: string[] = Array.from({ length: 16 }, () => '');
  readonly writes: string[] = [];
  readonly freed: number[] = [];
  readonly log: string[] = [];
  readonly errors: unknown[] = [];
  readonly observerErrors: unknown[] = [];
  readonly calls: Pending[] = [];
  readonly inspection = new Inspection((error) => this.observerErrors.push(error));
  memoryEmpty = true;
  /** Name of an effect that throws. */
  breaks = '';

  readonly effects: SeriesEffects = {
    closeHead: (row) => this.#note('closeHead', row),
    mergeInMemory: (row) => this.#note('mergeInMemory', row),
    forgetDescriptors: (row) => this.#note('forgetDescriptors', row),
    noteTrimmed: (row) => this.#note('noteTrimmed', row),
    archive: (row) => this.#note('archive', row),
    wake: (row) => this.#note('wake', row),
    purge: (row, reason) => this.#note(`purge for ${reason}`, row),
    reportDiskTrouble: (row) => this.#note('reportDiskTrouble', row),
    nothingInMemory: () => this.memoryEmpty,
    persist: (row) => this.#call('persist', row),
    trim: (row) => this.#call('trim', row),
    isolate: (row) => this.#call('isolate', row),
    deleteFile: (row) => this.#call('deleteFile', row),
  };

  actors(busyMax = 4): SeriesActors {
    return new SeriesActors({
      rows: this,
      effects: this.effects,
      inspection: this.inspection,
      onError: (_, error) => this.errors.push(error),
      busyMax,
    });
  }

  factsOf(row: number) {
    return {
      code: this.codes[row],
      fingerprint: row.toString(16).padStart(16, '0'),
      chunksInFile: this.chunksInFile[row],
      reason: this.reasons[row],
    };
  }

  writeState(row: number, code: SeriesStateCode, context: SeriesContext): void {
    if (this.breaks === 'writeState') throw new Error('writeState');
    this.writes.push(`${row}: ${seriesStates[code]}`);
    this.codes[row] = code;
    this.chunksInFile[row] = context.chunksInFile;
    this.reasons[row] = context.reason;
  }

  passivated(row: number): void {
    this.freed.push(row);
  }

  put(row: number, path: SeriesStatePath): void {
    this.codes[row] = codeOfPath(path);
  }

  stateOf(row: number): SeriesStatePath {
    return seriesStates[this.codes[row]];
  }

  /** The oldest open call; waits for it to have begun. */
  async nextCall(): Promise<Pending> {
    for (let turn = 0; turn < 20 && this.calls.length === 0; turn += 1) await Promise.resolve();
    return this.calls.shift()!;
  }

  #note(name: string, row: number): void {
    if (this.breaks === name) throw new Error(name);
    this.log.push(`${name} ${row} in ${this.stateOf(row)}`);
  }

  #call<Output>(name: string, row: number): Promise<Output> {
    this.log.push(`${name} ${row} in ${this.stateOf(row)}`);
    return new Promise<unknown>((done, failed) => this.calls.push({ row, name, done, failed })) as Promise<Output>;
  }
}

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
};

/** Number of actors that are announced to a new observer. */
const announcedBy = (inspection: Inspection): number => {
  let count = 0;
  const stop = inspection.observe(({ type }) => {
    if (type === '@xstate.actor') count++;
  });
  stop();
  return count;
};

describe('series/actors', () => {
  let world: World;
  let actors: SeriesActors;

  beforeEach(() => {
    world = new World();
    actors = world.actors();
  });

  afterEach(() => actors.abandon());

  describe('making and letting go', () => {
    it('makes an actor for an event and lets go of it at once when nothing is running', () => {
      actors.send(1, visit({ headOpen: true }));
      expect(actors.live).to.equal(0);
      expect(actors.created).to.equal(1);
      expect(world.writes).to.deep.equal([]);
      expect(world.freed).to.deep.equal([1]);
    });

    it('writes the row once per change, after the actions and before the calls', async () => {
      actors.send(1, visit({ headOpen: true, headIdle: true }));
      (await world.nextCall()).done(result);
      await actors.settled(1);
      expect(world.log).to.deep.equal(['closeHead 1 in inMemory', 'persist 1 in persisting.nothingAfter']);
      expect(world.writes).to.deep.equal(['1: persisting.nothingAfter', '1: inMemory']);
      expect(world.chunksInFile[1]).to.equal(4);
    });

    it('keeps the actor while its call is running', async () => {
      actors.send(1, somethingWaits);
      expect(actors.live).to.equal(1);
      expect(actors.busy).to.equal(1);
      (await world.nextCall()).done(result);
      await turns();
      expect(actors.live).to.equal(0);
      expect(actors.busy).to.equal(0);
    });

    it('makes the actor of an archived series from its row, and frees the row only when the actor is gone', () => {
      world.put(2, 'archived.resting');
      actors.send(2, { type: 'wake' });
      expect(world.stateOf(2)).to.equal('inMemory');
      actors.send(2, visit({ idle: true }));
      expect(world.stateOf(2)).to.equal('archived.resting');
      expect(world.log).to.deep.equal(['wake 2 in archived.resting', 'archive 2 in inMemory']);
      expect(world.freed).to.deep.equal([2, 2]);
    });

    it('lets a row that says that a call is running begin where it can be retried', () => {
      world.put(3, 'persisting.nothingAfter');
      actors.send(3, visit({ idle: true }));
      expect(world.stateOf(3)).to.equal('archived.resting');
    });

    it('ends with the series', () => {
      actors.send(1, visit({ empty: true }));
      expect(world.stateOf(1)).to.equal('purged');
      expect(world.log).to.deep.equal(['purge for empty 1 in inMemory']);
      expect(actors.live).to.equal(0);
      expect(world.freed).to.deep.equal([1]);
    });

    it('does not lose an event that an action sends to the series it acts for', async () => {
      world.effects.forgetDescriptors = (row) => actors.send(row, { type: 'damage', reason: 'found while looking' });
      actors = world.actors();
      actors.send(1, visit({ forgettable: true, headOpen: true }));
      expect(world.stateOf(1)).to.equal('quarantined.isolating');
      (await world.nextCall()).done();
      await turns();
      expect(world.stateOf(1)).to.equal('quarantined.isolated');
      expect(world.reasons[1]).to.equal('found while looking');
    });

    it('does not lose an event that the action of a call’s result sends', async () => {
      world.effects.reportDiskTrouble = (row) => actors.send(row, visit({ idle: true }));
      actors = world.actors();
      actors.send(1, somethingWaits);
      (await world.nextCall()).failed(full);
      await turns();
      expect(world.stateOf(1)).to.equal('archived.resting');
      expect(actors.live).to.equal(0);
    });

    it('sees samples that came while all chunks were being dropped', async () => {
      world.memoryEmpty = false;
      actors.send(1, somethingWaits);
      (await world.nextCall()).done({ ...result, allDropped: true, chunksInFile: 0 });
      await actors.settled(1);
      expect(world.stateOf(1)).to.equal('inMemory');
    });
  });

  describe('facts that are out of date', () => {
    it('do not make a series leave memory with samples that are nowhere else', () => {
      world.memoryEmpty = false;
      actors.send(1, visit({ idle: true }));
      actors.send(1, visit({ empty: true }));
      expect(world.stateOf(1)).to.equal('inMemory');
      expect(world.log).to.deep.equal([]);
    });
  });

  describe('holding', () => {
    it('keeps a held actor through every state, until it was released as often as held', async () => {
      const actor = actors.hold(1);
      expect(actors.hold(1)).to.equal(actor);
      actors.send(1, visit({ idle: true }));
      actors.send(1, { type: 'wake' });
      actors.send(1, somethingWaits);
      (await world.nextCall()).done(result);
      await turns();
      expect(actor.getSnapshot().value).to.equal('inMemory');
      actors.release(1);
      expect(actors.live).to.equal(1);
      expect(actors.held).to.equal(1);
      actors.release(1);
      expect(actors.live).to.equal(0);
      expect(actors.held).to.equal(0);
      expect(actors.created).to.equal(1);
    });

    it('does not mind a release too many', () => {
      actors.hold(1);
      actors.release(1);
      actors.release(1);
      actors.release(2);
      expect(actors.held).to.equal(0);
    });

    it('leaves no growth behind when 300 series are looked at one after another', () => {
      const many = new World();
      const registry = new SeriesActors({
        rows: { ...many, factsOf: () => many.factsOf(0), writeState: () => {}, passivated: () => {} },
        effects: many.effects,
        inspection: many.inspection,
        onError: () => {},
      });
      const stop = many.inspection.observe(() => {});
      for (let row = 0; row < 300; row += 1) {
        registry.hold(row);
        registry.release(row);
      }
      expect(registry.live).to.equal(0);
      expect(announcedBy(many.inspection)).to.equal(0);
      stop();
    });
  });

  describe('waiting', () => {
    it('settles when the call that is running has ended, well or not', async () => {
      actors.send(1, somethingWaits);
      let settled = false;
      const waiting = actors.settled(1).then(() => {
        settled = true;
      });
      await turns();
      expect(settled).to.equal(false);
      (await world.nextCall()).failed(full);
      await waiting;
      expect(world.stateOf(1)).to.equal('inMemory');
    });

    it('settles only after what was remembered during the call is done, too', async () => {
      actors.send(1, somethingWaits);
      actors.send(1, { type: 'drop' });
      const settled = actors.settled(1);
      (await world.nextCall()).done(result);
      const deletion = await world.nextCall();
      expect(deletion.name).to.equal('deleteFile');
      deletion.done();
      await settled;
      expect(world.stateOf(1)).to.equal('purged');
    });

    it('settles at once when nothing is running', () => actors.settled(5));

    it('has room for a bounded number of calls', async () => {
      for (let row = 0; row < 4; row += 1) actors.send(row, somethingWaits);
      expect(actors.hasRoom).to.equal(false);
      let roomy = false;
      const room = actors.room().then(() => {
        roomy = true;
      });
      await turns();
      expect(roomy).to.equal(false);
      (await world.nextCall()).done(result);
      await room;
      expect(actors.busy).to.equal(3);
    });

    it('waits for all calls when it closes, and refuses events afterwards', async () => {
      actors.hold(3);
      for (let row = 0; row < 3; row += 1) actors.send(row, somethingWaits);
      const closed = actors.close();
      for (let call = 0; call < 3; call += 1) (await world.nextCall()).done(result);
      await closed;
      expect(actors.live).to.equal(0);
      expect(actors.held).to.equal(0);
      expect(() => actors.send(1, somethingWaits))
        .to.throw(TidemarkError)
        .with.property('code', 'TIDEMARK_CLOSED');
    });
  });

  describe('failing', () => {
    it('keeps the row as it was, reports, and goes on with a new actor when an action throws', async () => {
      world.breaks = 'archive';
      actors.send(1, visit({ idle: true }));
      expect(world.stateOf(1)).to.equal('inMemory');
      expect(world.errors.map(String)).to.deep.equal(['Error: archive']);
      expect(actors.live).to.equal(0);
      expect(actors.failed).to.equal(1);
      world.breaks = '';
      actors.send(1, visit({ idle: true }));
      expect(world.stateOf(1)).to.equal('archived.resting');
    });

    it('rests the row, so that it is tried again, when the result of a call cannot be taken over', async () => {
      world.put(1, 'archived.resting');
      world.breaks = 'noteTrimmed';
      actors.send(1, visit({ droppable: true }));
      const settled = actors.settled(1);
      (await world.nextCall()).done(result);
      await settled;
      expect(world.stateOf(1)).to.equal('archived.resting');
      expect(world.errors.map(String)).to.deep.equal(['Error: noteTrimmed']);
      expect(actors.busy).to.equal(0);
    });

    it('reports a call that throws before it returns a promise as its failure', async () => {
      world.effects.persist = () => {
        throw full;
      };
      actors = world.actors();
      actors.send(1, somethingWaits);
      await actors.settled(1);
      expect(world.log).to.deep.equal(['reportDiskTrouble 1 in persisting.nothingAfter']);
      expect(world.errors).to.deep.equal([]);
    });

    it('reports a row that cannot be written, and never throws at who sent the event', () => {
      world.breaks = 'writeState';
      actors.send(1, visit({ idle: true }));
      expect(world.errors.map(String)).to.deep.equal(['Error: writeState']);
      expect(actors.live).to.equal(0);
    });

    it('does not start a call before an earlier one of the same row has ended, though its actor died', async () => {
      world.put(1, 'archived.resting');
      world.breaks = 'wake';
      actors.send(1, visit({ droppable: true }));
      const first = await world.nextCall();
      actors.send(1, { type: 'wake' });
      expect(world.errors).to.have.length(1);
      expect(world.stateOf(1)).to.equal('archived.resting');
      actors.send(1, visit({ droppable: true }));
      await turns();
      expect(world.calls).to.have.length(0);
      first.done(result);
      (await world.nextCall()).done(result);
      await actors.settled(1);
      expect(world.log.filter((line) => line.startsWith('noteTrimmed'))).to.have.length(1);
    });
  });

  describe('stopping', () => {
    it('ignores what calls report after everything was abandoned, and rests the rows', async () => {
      actors.send(1, somethingWaits);
      const call = await world.nextCall();
      const settled = actors.settled(1);
      actors.abandon();
      await settled;
      expect(world.stateOf(1)).to.equal('inMemory');
      call.done(result);
      await turns();
      expect(world.log).to.deep.equal(['persist 1 in persisting.nothingAfter']);
    });
  });

  describe('counting', () => {
    it('counts each transition between two states', async () => {
      for (const row of [0, 1]) {
        actors.send(row, somethingWaits);
        (await world.nextCall()).done(result);
        await turns();
      }
      actors.send(0, visit({ idle: true }));
      expect(Object.fromEntries(actors.transitionCounts())).to.deep.equal({
        'inMemory -> persisting.nothingAfter': 2,
        'persisting.nothingAfter -> inMemory': 2,
        'inMemory -> archived.resting': 1,
      });
    });
  });

  describe('inspection', () => {
    it('calls nobody while nobody observes', async () => {
      const seen: InspectionEvent[] = [];
      const stop = world.inspection.observe((event) => seen.push(event));
      stop();
      actors.send(1, somethingWaits);
      (await world.nextCall()).done(result);
      await turns();
      expect(seen).to.deep.equal([]);
    });

    it('tells of the actor with its machine, then of its events, calls, steps and snapshots', async () => {
      const seen: InspectionEvent[] = [];
      world.inspection.observe((event) => seen.push(event));
      actors.send(1, somethingWaits);
      (await world.nextCall()).done(result);
      await turns();
      const [first] = seen;
      expect(first!.type).to.equal('@xstate.actor');
      const { logic } = first!.actorRef as unknown as { logic: { definition: { id: string } } };
      expect(logic.definition.id).to.equal('series');
      expect(first!.actorRef).to.have.property('id', '0000000000000001');
      expect(new Set(seen.map(({ type }) => type))).to.have.all.keys(
        '@xstate.actor',
        '@xstate.event',
        '@xstate.action',
        '@xstate.microstep',
        '@xstate.snapshot',
      );
      expect(seen.filter(({ type }) => type === '@xstate.actor')).to.have.length(2);
    });

    it('introduces actors and running calls to an observer that comes late', async () => {
      actors.hold(2);
      actors.send(1, somethingWaits);
      const seen: InspectionEvent[] = [];
      world.inspection.observe((event) => seen.push(event));
      const ids = seen.map(({ actorRef }) => (actorRef as unknown as { id: string }).id);
      expect(ids).to.have.members(['0000000000000001', '0000000000000002', 'persistChunks']);
      actors.send(2, visit({ idle: true }));
      expect(seen.some(({ type }) => type === '@xstate.microstep')).to.equal(true);
    });

    it('tells the same observer twice if it was added twice, and stops each alone', () => {
      let count = 0;
      const observer = () => {
        count += 1;
      };
      const stop = world.inspection.observe(observer);
      world.inspection.observe(observer);
      actors.hold(1);
      expect(count % 2).to.equal(0);
      stop();
      const before = count;
      actors.send(1, visit({ headOpen: true }));
      expect(count).to.be.greaterThan(before);
    });

    it('removes an observer that throws; the others and the actors do not notice', () => {
      let count = 0;
      world.inspection.observe(() => {
        throw new Error('observer');
      });
      world.inspection.observe(() => {
        count += 1;
      });
      actors.send(1, visit({ idle: true }));
      expect(world.stateOf(1)).to.equal('archived.resting');
      expect(world.observerErrors).to.have.length(1);
      expect(world.errors).to.deep.equal([]);
      expect(count).to.be.greaterThan(3);
    });
  });

  describe('the store’s own actor', () => {
    const options = {
      id: 'store',
      input: undefined,
      clock: new ManualClock(0),
    };

    it('is inspected like the others up to its last state, and no longer once it has ended', async () => {
      const machine = createMachine({ initial: 'a', states: { a: { on: { end: 'b' } }, b: { type: 'final' } } });
      const seen: string[] = [];
      const states: unknown[] = [];
      world.inspection.observe((event) => {
        seen.push(event.type);
        if (event.type === '@xstate.snapshot') states.push((event.snapshot as { value?: unknown }).value);
      });
      const actor = startRootActor(machine, { ...options, inspection: world.inspection, onError: () => {} });
      expect(seen[0]).to.equal('@xstate.actor');
      actor.send({ type: 'end' });
      await Promise.resolve();
      expect(states.at(-1)).to.equal('b');
      expect(announcedBy(world.inspection)).to.equal(0);
    });

    it('has its errors told, not thrown', () => {
      const errors: unknown[] = [];
      const machine = createMachine({
        on: {
          go: {
            actions: () => {
              throw new Error('action');
            },
          },
        },
      });
      const onError = (error: unknown) => errors.push(error);
      startRootActor(machine, { ...options, inspection: world.inspection, onError }).send({ type: 'go' });
      expect(errors.map(String)).to.deep.equal(['Error: action']);
    });

    it('runs its delays on the clock it was given', () => {
      const machine = createMachine({ initial: 'a', states: { a: { after: { 1500: 'b' } }, b: {} } });
      const clock = new ManualClock(0);
      const actor = startRootActor(machine, { ...options, clock, inspection: world.inspection, onError: () => {} });
      clock.advance(1499);
      expect(actor.getSnapshot().value).to.equal('a');
      clock.advance(1);
      expect(actor.getSnapshot().value).to.equal('b');
      actor.stop();
    });
  });

  describe('in any order of events and results', () => {
    const event = fc.constantFrom<SeriesMachineEvent>(
      visit(),
      somethingWaits,
      visit({ headOpen: true, headIdle: true }),
      visit({ droppable: true }),
      visit({ idle: true }),
      visit({ forgettable: true }),
      { type: 'wake' },
      { type: 'drop' },
      { type: 'damage', reason: 'found by a reader' },
    );
    const outcome = fc.constantFrom<(call: Pending) => void>(
      (call) => call.done(result),
      (call) => call.done({ ...result, allDropped: true, chunksInFile: 0 }),
      (call) => call.failed(full),
      (call) => call.failed(new TidemarkError('TIDEMARK_CORRUPT_CHUNK', 'bad')),
    );
    const command = fc.oneof(
      { weight: 5, arbitrary: fc.record({ send: event, row: fc.nat(2) }) },
      { weight: 4, arbitrary: fc.record({ end: outcome }) },
      { weight: 1, arbitrary: fc.record({ hold: fc.boolean(), row: fc.nat(2) }) },
    );

    it('never lets row and actor differ, never loses a row, and never runs two calls for one', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
          const world = new World();
          const actors = world.actors();
          const holds = [0, 0, 0];
          for (const step of commands) {
            if ('send' in step) actors.send(step.row, step.send);
            else if ('end' in step) {
              const call = world.calls.shift();
              if (call !== undefined) step.end(call);
            } else if (step.hold) {
              holds[step.row] += 1;
              actors.hold(step.row);
            } else if (holds[step.row]! > 0) {
              holds[step.row] -= 1;
              actors.release(step.row);
            }
            await turns();
            for (const row of [0, 1, 2]) {
              const code = world.codes[row];
              const isLive = holds[row]! > 0 || seriesTags.busy[code] === 1;
              if (isLive) {
                const { value, context } = actors.hold(row).getSnapshot();
                expect(codeOfValue(value)).to.equal(code);
                const { fingerprint, chunksInFile, reason } = world.factsOf(row);
                expect(context).to.deep.equal({ row, fingerprint, chunksInFile, reason });
                actors.release(row);
              } else expect(restingCode(code)).to.equal(code);
              expect(world.calls.filter((call) => call.row === row).length).to.equal(seriesTags.busy[code]);
            }
            const live = [0, 1, 2].filter((row) => holds[row]! > 0 || seriesTags.busy[world.codes[row]] === 1);
            expect(actors.live).to.equal(live.length);
            expect(world.errors).to.deep.equal([]);
          }
          actors.abandon();
        }),
        { numRuns: 150, seed: 20_240_611 },
      );
    });
  });
});
