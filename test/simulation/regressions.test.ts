/** Sequences that broke the store once, as short as they could be made. Each is survived now, and has to be for good. */
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { playSequence } from '../../src/simulation/simulate.ts';
import type { Sequence, Setting, Step } from '../../src/simulation/steps.ts';

const usual: Setting = {
  durability: 'interval',
  chunkEncoding: 'varbit',
  syncSeriesFiles: 'adaptive',
  retentionMs: null,
  minShrinkRatio: 0.1,
  checkpointIntervalMs: 300_000,
  checkpointDirtySeries: 5000,
  headChunkTimeoutMs: 300_000,
  memoryTarget: 64 * 2 ** 20,
  subscriptionBacklogBytes: 2 ** 30,
  mischief: 0.02,
  observed: true,
};

const survives = async (sequence: Sequence): Promise<void> => {
  const { failure } = await playSequence(sequence, { openStore, checkDirectory });
  expect(failure?.message, failure?.trace.slice(-30).join('\n')).to.equal(undefined);
};

const of = (seed: number, setting: Partial<Setting>, steps: readonly Step[]): Sequence => ({
  seed,
  setting: { ...usual, ...setting },
  steps,
});

describe('The store survives', () => {
  it('a second crash before the first checkpoint', () =>
    survives(
      of(8298519792431497, { durability: 'always', retentionMs: 3_600_000, mischief: 0.2, observed: false }, [
        {
          type: 'appendBatch',
          series: [1, 1, 1],
          count: 1,
          spacing: { everyMs: 10 },
          values: 'float',
          refusedEvery: 7,
          seed: 4183408926,
        },
        { type: 'crash', kind: 'kill', again: [] },
        { type: 'crashAt', kind: 'power', fault: { skip: 0 }, again: [] },
      ]),
    ));

  it('a crash in the journal before the index batch of a new series', () =>
    survives(
      of(2215462224179757, { retentionMs: 21_600_000, headChunkTimeoutMs: 60_000, mischief: 0.2 }, [
        { type: 'crashAt', kind: 'kill', fault: { operation: 'write', file: 'journal', skip: 0 }, again: [] },
        {
          type: 'append',
          series: 5,
          count: 1,
          spacing: { everyMs: 600_000 },
          values: 'constant',
          via: 'store',
          seed: 4292972479,
        },
        { type: 'appendOdd', series: 6, odd: 'repeat' },
        { type: 'command', command: 'checkpoint', detached: false },
      ]),
    ));

  it('a loss of power after which a new journal directory is gone with its name', () =>
    survives(
      of(
        4779761365683798,
        {
          durability: 'always',
          chunkEncoding: 'double-delta',
          syncSeriesFiles: 'always',
          minShrinkRatio: 0,
          mischief: 0.2,
        },
        [
          {
            type: 'append',
            series: 6,
            count: 1,
            spacing: { everyMs: 600_000 },
            values: 'constant',
            via: 'store',
            seed: 485689070,
          },
          { type: 'crashAt', kind: 'power', fault: { operation: 'openIndex', file: 'index', skip: 0 }, again: [] },
          { type: 'crashAt', kind: 'power', fault: { skip: 0 }, again: [] },
        ],
      ),
    ));

  it('a query right after wall time jumped', () =>
    survives(
      of(
        8191118567157481,
        {
          chunkEncoding: 'delta',
          retentionMs: 600_000,
          checkpointIntervalMs: 60_000,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 60_000,
          mischief: 0.2,
        },
        [
          { type: 'jump', byMs: 3_600_000 },
          {
            type: 'append',
            series: 0,
            count: 171,
            spacing: { everyMs: 15_000 },
            values: 'constant',
            via: 'store',
            seed: 3922944759,
          },
          { type: 'query', series: 0, window: { from: 0.6766064979601651, through: 0.7939972090534866 } },
        ],
      ),
    ));

  it('a loss of power after a recovery that left series files unsynced', () =>
    survives(
      of(
        5196185215247752,
        {
          durability: 'always',
          chunkEncoding: 'double-delta',
          syncSeriesFiles: 'never',
          checkpointIntervalMs: 60_000,
          headChunkTimeoutMs: 10_000,
        },
        [
          {
            type: 'appendBatch',
            series: [0, 2, 5, 8],
            count: 1,
            spacing: { everyMs: 60_000, jitterMs: 6_000 },
            values: 'constant',
            refusedEvery: 7,
            seed: 912135247,
          },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'crash', kind: 'kill', again: [] },
          { type: 'restart' },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a failed sync of a series file that could not be cut back', () =>
    survives(
      of(
        246222141849415,
        {
          chunkEncoding: 'delta',
          minShrinkRatio: 0.5,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 10_000,
          memoryTarget: 24 * 2 ** 20,
        },
        [
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 10 },
            values: 'constant',
            via: 'store',
            seed: 3454014521,
          },
          { type: 'advance', byMs: 16_000 },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'fault', fault: { operation: 'open', file: 'seriesFile', fault: 'EIO', skip: 0, times: 3 } },
          {
            type: 'append',
            series: 0,
            count: 166,
            spacing: { everyMs: 15_000, jitterMs: 1_500 },
            values: 'random',
            via: 'handle',
            seed: 2559951114,
          },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'breathe', tasks: 9 },
        ],
      ),
    ));

  it('a loss of power after a drop, when a new series has the same labels', () =>
    survives(
      of(
        4311793678937547,
        { durability: 'always', syncSeriesFiles: 'always', retentionMs: 600_000, headChunkTimeoutMs: 10_000 },
        [
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 15_000, jitterMs: 1_500 },
            values: 'constant',
            via: 'handle',
            seed: 3225344842,
          },
          { type: 'crash', kind: 'power', again: [] },
          { type: 'openQuery', name: 2, window: { from: null, through: null }, count: 1 },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'drop', series: 0, detached: false },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 16_777_216 },
            values: 'constant',
            via: 'handle',
            seed: 1538828472,
          },
          { type: 'openQuery', name: 1, window: { from: null, through: 0.697030741488561 }, count: 1 },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a backup while many chunks wait to be persisted', () =>
    survives(
      of(
        681278967983843,
        {
          syncSeriesFiles: 'never',
          minShrinkRatio: 0,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 10_000,
          subscriptionBacklogBytes: 65_536,
          observed: false,
        },
        [
          {
            type: 'append',
            series: 0,
            count: 101,
            spacing: { everyMs: 16_777_216, jitterMs: 1_677_722 },
            values: 'constant',
            via: 'handle',
            seed: 2664513420,
          },
          { type: 'backup' },
        ],
      ),
    ));

  it('a drop while the journal can not be written', () =>
    survives(
      of(
        719925736142980,
        {
          durability: 'always',
          syncSeriesFiles: 'always',
          checkpointIntervalMs: 60_000,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 10_000,
          mischief: 0,
        },
        [
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 60_000 },
            values: 'constant',
            via: 'store',
            seed: 555900806,
          },
          { type: 'fault', fault: { operation: 'write', fault: 'EIO', skip: 10, times: 3 } },
          { type: 'query', series: 2, window: { from: null, through: 0.7911467857193202 } },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 10, jitterMs: 1 },
            values: 'constant',
            via: 'store',
            seed: 2075977399,
          },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 16_777_216 },
            values: 'constant',
            via: 'store',
            seed: 2025998078,
          },
          {
            type: 'append',
            series: 1,
            count: 9,
            spacing: { everyMs: 10, jitterMs: 1 },
            values: 'constant',
            via: 'handle',
            seed: 3567556316,
          },
          { type: 'drop', series: 0, detached: false },
          {
            type: 'append',
            series: 3,
            count: 1,
            spacing: { everyMs: 16_777_216 },
            values: 'constant',
            via: 'handle',
            seed: 1719049959,
          },
        ],
      ),
    ));
});
