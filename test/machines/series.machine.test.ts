import { expect } from 'chai';
import type { AnyEventObject } from 'xstate';
import { transitionsOf } from '../../machines/export.ts';
import { type FileResult, needsVisit, seriesMachine, type VisitFacts } from '../../machines/series.machine.ts';
import {
  codeOfPath,
  codeOfValue,
  phaseOfCode,
  restingCode,
  type SeriesStatePath,
  seriesStates,
  seriesTags,
  valueOfCode,
} from '../../machines/series-states.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { called, MachineSteps } from '../docs/generators/machine-steps.ts';
import { statesOf } from '../support/machine-table.ts';

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
const maintain = (facts: Partial<VisitFacts>) => ({ type: 'maintain', facts: { ...nothing, ...facts } });
const damage = { type: 'damage', reason: 'bad chunk at 1032' };
const drop = { type: 'drop' };
const wake = { type: 'wake' };

const written: FileResult = { written: 2, dropped: 0, chunksInFile: 5, allDropped: false, firstTime: 1, mtime: 2 };
const emptied: FileResult = { ...written, written: 0, dropped: 3, chunksInFile: 0, allDropped: true };
const corrupt = new TidemarkError('TIDEMARK_CORRUPT_SERIES_FILE', 'length is no multiple of 1032');
const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
const persist = called('persistChunks');
const trim = called('trimFile');

describe('machines/series.machine', () => {
  const steps = new MachineSteps(seriesMachine);
  const context = { row: 7, fingerprint: '00000000000000ff', chunksInFile: 3, reason: '' };

  const when = (given: SeriesStatePath, event: AnyEventObject) => {
    const step = steps.step(valueOfCode(codeOfPath(given)), context, event);
    return { ...step, state: seriesStates[codeOfValue(step.value)] };
  };
  /** One row of a table: given, when, then state and actions. */
  const expectStep = (
    given: SeriesStatePath,
    event: AnyEventObject,
    state: SeriesStatePath,
    actions: readonly string[] = [],
  ) => {
    const step = when(given, event);
    expect(step.state).to.equal(state);
    expect(step.actions).to.deep.equal(actions);
    return step;
  };

  describe('given a series in memory', () => {
    it('closes an idle head chunk and persists it in the same visit', () => {
      expectStep('inMemory', maintain({ headOpen: true, headIdle: true, idle: true }), 'persisting.nothingAfter', [
        'closeHead',
      ]);
    });

    it('persists what waits', () => {
      expectStep('inMemory', maintain({ headOpen: true, chunksWaiting: 2 }), 'persisting.nothingAfter');
    });

    it('looks at the file when its oldest chunk is past retention, though nothing waits', () => {
      expectStep('inMemory', maintain({ headOpen: true, droppable: true }), 'persisting.nothingAfter');
    });

    it('archives when everything is on disk and idle', () => {
      expectStep('inMemory', maintain({ idle: true }), 'archived.resting', ['archive']);
    });

    it('does not archive while samples are fresh or the head chunk is open', () => {
      expectStep('inMemory', maintain({ idle: false }), 'inMemory');
      expectStep('inMemory', maintain({ idle: true, headOpen: true }), 'inMemory');
    });

    it('merges late samples into the chunks in memory without a call', () => {
      expectStep('inMemory', maintain({ headOpen: true, lateInMemory: true }), 'inMemory', ['mergeInMemory']);
    });

    it('merges late samples into the file in one call, with those of the chunks in memory', () => {
      expectStep('inMemory', maintain({ headOpen: true, lateInFile: true }), 'persisting.nothingAfter');
      expectStep('inMemory', maintain({ lateInMemory: true, lateInFile: true }), 'persisting.nothingAfter');
    });

    it('forgets descriptors that nobody needs when there is nothing else to do', () => {
      expectStep('inMemory', maintain({ headOpen: true, forgettable: true }), 'inMemory', ['forgetDescriptors']);
    });

    it('purges when neither memory nor the file has anything', () => {
      const { performed } = expectStep('inMemory', maintain({ empty: true, idle: true }), 'purged', ['purge']);
      expect(performed[0]!.params).to.deep.equal({ reason: 'empty' });
    });

    it('is deleted with its file when someone drops it', () => {
      expectStep('inMemory', drop, 'purging.deleting');
    });

    it('is isolated when its file turns out to be damaged', () => {
      const { context: after } = expectStep('inMemory', damage, 'quarantined.isolating');
      expect(after).to.include({ reason: damage.reason });
    });

    it('needs no visit exactly when a visit would change nothing', () => {
      const flags = [
        'empty',
        'headOpen',
        'headIdle',
        'droppable',
        'idle',
        'forgettable',
        'lateInMemory',
        'lateInFile',
      ] as const;
      for (let bits = 0; bits < 2 ** (flags.length + 1); bits += 1) {
        const facts = {
          ...Object.fromEntries(flags.map((flag, bit) => [flag, (bits & (1 << bit)) !== 0])),
          chunksWaiting: bits >> flags.length,
        } as unknown as VisitFacts;
        const { state, actions } = when('inMemory', maintain(facts));
        const changed = state !== 'inMemory' || actions.length > 0;
        expect(needsVisit(facts), JSON.stringify(facts)).to.equal(changed);
      }
    });
  });

  describe('given a series whose chunks are being written', () => {
    it('is back in memory when they are, and knows how many the file has', () => {
      const { context: after } = expectStep('persisting.nothingAfter', persist.done(written), 'inMemory');
      expect(after).to.include({ chunksInFile: 5 });
    });

    it('is purged when all was past retention', () => {
      const { performed } = expectStep('persisting.nothingAfter', persist.done(emptied), 'purged', ['purge']);
      expect(performed[0]!.params).to.deep.equal({ reason: 'retention' });
    });

    it('is quarantined when the file turns out to be damaged, with the reason', () => {
      const { context: after } = expectStep(
        'persisting.nothingAfter',
        persist.failed(corrupt),
        'quarantined.isolating',
        [],
      );
      expect(after).to.include({ reason: 'length is no multiple of 1032' });
    });

    it('is back in memory with everything still waiting when the disk had trouble', () => {
      const { performed, context: after } = expectStep('persisting.nothingAfter', persist.failed(full), 'inMemory', [
        'reportDiskTrouble',
      ]);
      expect(performed[0]!.params).to.deep.equal({ error: full });
      expect(after).to.deep.equal(context);
    });

    it('treats a failure that is no error object as trouble, not as damage', () => {
      expectStep('persisting.nothingAfter', persist.failed('odd'), 'inMemory', ['reportDiskTrouble']);
    });

    it('remembers a drop and does it when the call has ended, well or not', () => {
      expectStep('persisting.nothingAfter', drop, 'persisting.dropAfter');
      expectStep('persisting.dropAfter', persist.done(written), 'purging.deleting');
      expectStep('persisting.dropAfter', persist.failed(corrupt), 'purging.deleting');
    });

    it('remembers damage that a reader found and isolates when the call has ended, well or not', () => {
      const { context: after } = expectStep('persisting.nothingAfter', damage, 'persisting.isolateAfter');
      expect(after).to.include({ reason: damage.reason });
      expectStep('persisting.isolateAfter', persist.done(written), 'quarantined.isolating');
      expectStep('persisting.isolateAfter', persist.failed(full), 'quarantined.isolating');
    });

    it('drops rather than isolates when both were asked for', () => {
      expectStep('persisting.isolateAfter', drop, 'persisting.dropAfter');
    });

    it('does not start a second call', () => {
      expectStep('persisting.nothingAfter', maintain({ chunksWaiting: 4 }), 'persisting.nothingAfter');
    });
  });

  describe('given an archived series', () => {
    it('is woken by a sample', () => {
      expectStep('archived.resting', wake, 'inMemory', ['wake']);
    });

    it('is left alone by a visit when nothing is past retention', () => {
      expectStep('archived.resting', maintain({ idle: true }), 'archived.resting');
    });

    it('is trimmed without being woken', () => {
      expectStep('archived.resting', maintain({ droppable: true }), 'archived.trimming.nothingAfter');
      expectStep('archived.trimming.nothingAfter', trim.done(written), 'archived.resting', ['noteTrimmed']);
    });

    it('is purged when trimming left nothing', () => {
      expectStep('archived.trimming.nothingAfter', trim.done(emptied), 'purged', ['noteTrimmed', 'purge']);
    });

    it('is quarantined when trimming found damage, and rests when the disk had trouble', () => {
      expectStep('archived.trimming.nothingAfter', trim.failed(corrupt), 'quarantined.isolating');
      expectStep('archived.trimming.nothingAfter', trim.failed(full), 'archived.resting', ['reportDiskTrouble']);
    });

    it('takes samples at once when one comes during trimming', () => {
      expectStep('archived.trimming.nothingAfter', wake, 'archived.trimming.wakeAfter', ['wake']);
      expect(seriesTags.writable[codeOfPath('archived.trimming.wakeAfter')]).to.equal(1);
    });

    it('is in memory after the trimming during which it was woken, also when that left no file', () => {
      expectStep('archived.trimming.wakeAfter', trim.done(written), 'inMemory');
      expectStep('archived.trimming.wakeAfter', trim.done(emptied), 'inMemory');
      expectStep('archived.trimming.wakeAfter', trim.failed(full), 'inMemory', ['reportDiskTrouble']);
      expectStep('archived.trimming.wakeAfter', trim.failed(corrupt), 'quarantined.isolating');
    });

    it('is deleted when someone drops it, after the trimming that is running', () => {
      expectStep('archived.resting', drop, 'purging.deleting');
      expectStep('archived.trimming.nothingAfter', drop, 'archived.trimming.dropAfter');
      expectStep('archived.trimming.wakeAfter', drop, 'archived.trimming.dropAfter');
      expectStep('archived.trimming.isolateAfter', drop, 'archived.trimming.dropAfter');
      expectStep('archived.trimming.dropAfter', trim.done(written), 'purging.deleting');
      expectStep('archived.trimming.dropAfter', trim.failed(full), 'purging.deleting');
    });

    it('is isolated when a reader found damage, after the trimming that is running', () => {
      expectStep('archived.resting', damage, 'quarantined.isolating');
      expectStep('archived.trimming.nothingAfter', damage, 'archived.trimming.isolateAfter');
      expectStep('archived.trimming.wakeAfter', damage, 'archived.trimming.isolateAfter');
      expectStep('archived.trimming.isolateAfter', trim.done(written), 'quarantined.isolating');
      expectStep('archived.trimming.isolateAfter', trim.failed(full), 'quarantined.isolating');
    });
  });

  describe('given a damaged series', () => {
    it('is isolated when its file has been moved', () => {
      expectStep('quarantined.isolating', called('isolateFile').done(), 'quarantined.isolated');
    });

    it('is tried again at the next visit when its file could not be moved', () => {
      expectStep('quarantined.isolating', called('isolateFile').failed(full), 'quarantined.unmoved', [
        'reportDiskTrouble',
      ]);
      expectStep('quarantined.unmoved', maintain({}), 'quarantined.isolating');
    });

    it('stays isolated, whatever comes', () => {
      for (const event of [maintain({ droppable: true }), wake, drop, damage]) {
        expectStep('quarantined.isolated', event, 'quarantined.isolated');
      }
    });
  });

  describe('given a dropped series', () => {
    it('is purged when its file has been deleted', () => {
      const { performed } = expectStep('purging.deleting', called('deleteFile').done(), 'purged', ['purge']);
      expect(performed[0]!.params).to.deep.equal({ reason: 'dropped' });
    });

    it('is tried again, at the next visit or drop, when its file could not be deleted', () => {
      expectStep('purging.deleting', called('deleteFile').failed(full), 'purging.waiting', ['reportDiskTrouble']);
      expectStep('purging.waiting', maintain({}), 'purging.deleting');
      expectStep('purging.waiting', drop, 'purging.deleting');
    });
  });

  // A suite of its own: mocha runs a suite's direct tests before the suites in it.
  describe('altogether', () => {
    it('has a test for every transition of its table', () => steps.expectAllTaken());
  });

  describe('the states as numbers', () => {
    it('lists every state of the machine that has no sub-states', () => {
      const leaves = statesOf(seriesMachine).filter(({ type }) => type === 'atomic' || type === 'final');
      expect([...seriesStates].sort()).to.deep.equal(leaves.map(({ path }) => path).sort());
    });

    it('turns a state value into its number and back', () => {
      for (const [code, path] of seriesStates.entries()) {
        expect(codeOfValue(valueOfCode(code))).to.equal(code);
        expect(codeOfPath(path)).to.equal(code);
      }
    });

    it('knows the tags that the machine gives', () => {
      const writable = seriesStates.filter((_, code) => seriesTags.writable[code] === 1);
      expect(writable).to.deep.equal([
        'inMemory',
        'persisting.nothingAfter',
        'persisting.isolateAfter',
        'archived.trimming.wakeAfter',
      ]);
    });

    it('is visited in the states in which a visit may change something, and in no other', () => {
      const visited = seriesStates.filter((_, code) => seriesTags.visited[code] === 1);
      const handling = transitionsOf(seriesMachine).filter(({ event }) => event === 'maintain');
      expect(visited).to.deep.equal([...new Set(handling.map(({ source }) => source))]);
    });

    it('can be woken in the states in which everything is on disk, and in no other', () => {
      const onDisk = seriesStates.filter((_, code) => seriesTags.onDisk[code] === 1);
      const handling = transitionsOf(seriesMachine).filter(({ event }) => event === 'wake');
      expect(onDisk).to.deep.equal(handling.map(({ source }) => source));
    });

    it('rests in states from which no call is running, and rests twice in the same one', () => {
      for (const code of seriesStates.keys()) {
        const resting = restingCode(code);
        expect(seriesTags.busy[resting]).to.equal(0);
        expect(restingCode(resting)).to.equal(resting);
        if (seriesTags.busy[code] === 0) expect(resting).to.equal(code);
      }
    });

    it('calls a series that is being deleted purged', () => {
      expect(phaseOfCode(codeOfPath('purging.waiting'))).to.equal('purged');
      expect(phaseOfCode(codeOfPath('archived.trimming.wakeAfter'))).to.equal('archived');
    });
  });
});
