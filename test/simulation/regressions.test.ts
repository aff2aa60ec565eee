/** Sequences that broke the store once, as short as they could be made. Each is survived now, and has to be for good. */
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { playSequence } from './simulate.ts';
import type { Sequence, Setting, Step } from './steps.ts';

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

  it('a loss of power after a kill that left the end of the journal in the page cache alone', () =>
    survives(
      of(
        5128063539529145,
        { durability: 'os', minShrinkRatio: 0, headChunkTimeoutMs: 60000, subscriptionBacklogBytes: 65536 },
        [
          {
            type: 'appendBatch',
            series: [1, 0, 0],
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'random',
            refusedEvery: 0,
            seed: 1372962637,
          },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'store',
            seed: 2999975217,
          },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'handle',
            seed: 4270072014,
          },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 60000 },
            values: 'constant',
            via: 'handle',
            seed: 894129455,
          },
          { type: 'breathe', tasks: 5 },
          { type: 'crashAt', kind: 'kill', fault: { skip: 0 }, again: [] },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 10 },
            values: 'constant',
            via: 'handle',
            seed: 3045357738,
          },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 1000, jitterMs: 100 },
            values: 'constant',
            via: 'handle',
            seed: 1980718379,
          },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a loss of power after a kill that left the name of a new series file unsynced', () =>
    survives(
      of(
        3005229855654085,
        {
          syncSeriesFiles: 'never',
          retentionMs: 600000,
          checkpointIntervalMs: 60000,
          checkpointDirtySeries: 3,
          memoryTarget: 25165824,
          mischief: 0,
          observed: false,
        },
        [
          {
            type: 'append',
            series: 2,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'store',
            seed: 3187638921,
          },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 1000, jitterMs: 100 },
            values: 'constant',
            via: 'store',
            seed: 502659376,
          },
          {
            type: 'append',
            series: 8,
            count: 1,
            spacing: { everyMs: 15000, jitterMs: 1500 },
            values: 'constant',
            via: 'handle',
            seed: 2096246763,
          },
          { type: 'drop', series: 0, detached: false },
          {
            type: 'append',
            series: 6,
            count: 1,
            spacing: { everyMs: 10, jitterMs: 1 },
            values: 'constant',
            via: 'handle',
            seed: 3442845785,
          },
          { type: 'observe', what: 'events', throwEvery: 1 },
          {
            type: 'append',
            series: 5,
            count: 1,
            spacing: { everyMs: 60000, jitterMs: 6000 },
            values: 'constant',
            via: 'handle',
            seed: 3525022670,
          },
          { type: 'advance', byMs: 180000 },
          { type: 'advance', byMs: 180000 },
          {
            type: 'append',
            series: 6,
            count: 1,
            spacing: { everyMs: 15000, jitterMs: 1500 },
            values: 'constant',
            via: 'store',
            seed: 80980419,
          },
          { type: 'crash', kind: 'kill', again: [] },
          { type: 'openQuery', name: 2, window: { from: null, through: 0.4626935108099133 }, count: 0 },
          { type: 'appendOdd', series: 6, odd: 'outOfOrder' },
          { type: 'command', command: 'checkpoint', detached: false },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 16777216, jitterMs: 1677722 },
            values: 'constant',
            via: 'store',
            seed: 1932581438,
          },
          {
            type: 'append',
            series: 6,
            count: 1,
            spacing: { everyMs: 16777216, jitterMs: 1677722 },
            values: 'constant',
            via: 'store',
            seed: 1598071260,
          },
          {
            type: 'append',
            series: 8,
            count: 1,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'store',
            seed: 3416808548,
          },
          { type: 'fault', fault: { operation: 'readIndex', fault: 'EIO', skip: 10, times: 1 } },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('an opening that fails after a damaged archive index was made anew', () =>
    survives(
      of(
        3095435509774162,
        {
          durability: 'always',
          syncSeriesFiles: 'always',
          retentionMs: 3600000,
          minShrinkRatio: 0.5,
          checkpointIntervalMs: 3600000,
          headChunkTimeoutMs: 60000,
        },
        [
          {
            type: 'append',
            series: 5,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'store',
            seed: 2959094103,
          },
          { type: 'advance', byMs: 90000 },
          { type: 'restart' },
          { type: 'fault', fault: { operation: 'create', fault: 'EMFILE', skip: 0, times: 1 } },
          { type: 'fault', fault: { operation: 'openIndex', fault: 'corrupt', skip: 0, times: 1 } },
          { type: 'fault', fault: { operation: 'stat', fault: 'EIO', skip: 10, times: 1 } },
          { type: 'restart' },
        ],
      ),
    ));

  it('a damaged archive index when the tail of the journal archives its series again', () =>
    survives(
      of(
        2561401848367385,
        {
          durability: 'always',
          chunkEncoding: 'double-delta',
          retentionMs: 21600000,
          checkpointIntervalMs: 3600000,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 10000,
          subscriptionBacklogBytes: 65536,
          mischief: 0,
        },
        [
          {
            type: 'append',
            series: 3,
            count: 1,
            spacing: { everyMs: 15000, jitterMs: 1500 },
            values: 'constant',
            via: 'store',
            seed: 2142034162,
          },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'fault', fault: { operation: 'openIndex', fault: 'corrupt', skip: 1, times: 1 } },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a failed sync of a series file at a checkpoint, which a second one does not make good', () =>
    survives(
      of(
        911227796318887,
        {
          chunkEncoding: 'delta',
          syncSeriesFiles: 'never',
          retentionMs: 600000,
          minShrinkRatio: 0,
          subscriptionBacklogBytes: 65536,
        },
        [
          {
            type: 'append',
            series: 9,
            count: 1,
            spacing: { everyMs: 10, jitterMs: 1 },
            values: 'constant',
            via: 'store',
            seed: 3630246783,
          },
          {
            type: 'append',
            series: 9,
            count: 116,
            spacing: { everyMs: 60000, jitterMs: 6000 },
            values: 'gauge',
            via: 'handle',
            seed: 3580854178,
          },
          { type: 'fault', fault: { operation: 'sync', fault: 'ENOSPC', skip: 0, times: 1 } },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'restart' },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a drop that only the journal knows of when the checkpoint is damaged', () =>
    survives(
      of(
        3748642061431668,
        {
          syncSeriesFiles: 'always',
          retentionMs: 3600000,
          minShrinkRatio: 0.5,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 60000,
          memoryTarget: 25165824,
        },
        [
          { type: 'breathe', tasks: 11 },
          { type: 'advance', byMs: 45000 },
          { type: 'command', command: 'maintain', detached: false },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 1, jitterMs: 1 },
            values: 'constant',
            via: 'handle',
            seed: 3177736126,
          },
          { type: 'crashAt', kind: 'power', fault: { operation: 'dataSync', file: 'journal', skip: 1 }, again: [] },
          {
            type: 'appendBatch',
            series: [2],
            count: 8,
            spacing: { everyMs: 16777216 },
            values: 'counter',
            refusedEvery: 0,
            seed: 3575105728,
          },
          { type: 'settle' },
          { type: 'query', series: null, window: { from: 0.39359733858145773, through: 0.4591537506785244 } },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 1 },
            values: 'constant',
            via: 'handle',
            seed: 2051789053,
          },
          { type: 'breathe', tasks: 2 },
          { type: 'drop', series: 1, detached: false },
          { type: 'decay', file: 'heads', which: 7, at: 0.013781196903437376 },
          { type: 'crashAt', kind: 'power', fault: { skip: 1 }, again: [] },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 1, jitterMs: 1 },
            values: 'constant',
            via: 'store',
            seed: 3580631711,
          },
        ],
      ),
    ));

  it('a loss of power that left zeros at the beginning of a new series file', () =>
    survives(
      of(
        3152991517214379,
        {
          durability: 'os',
          syncSeriesFiles: 'never',
          retentionMs: 3600000,
          checkpointIntervalMs: 60000,
          checkpointDirtySeries: 3,
          headChunkTimeoutMs: 10000,
          mischief: 0.2,
        },
        [
          { type: 'openQuery', name: 2, window: { from: null, through: 0.7920053678099066 }, count: 1 },
          {
            type: 'append',
            series: 7,
            count: 1,
            spacing: { everyMs: 1000, jitterMs: 100 },
            values: 'constant',
            via: 'handle',
            seed: 460721965,
          },
          {
            type: 'append',
            series: 4,
            count: 1,
            spacing: { everyMs: 10 },
            values: 'constant',
            via: 'handle',
            seed: 3827286374,
          },
          { type: 'advance', byMs: 1 },
          { type: 'openQuery', name: 2, window: { from: 0.026227893074974418, through: 0.5752485212869942 }, count: 1 },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 16777216 },
            values: 'constant',
            via: 'handle',
            seed: 3121640430,
          },
          {
            type: 'append',
            series: 7,
            count: 1,
            spacing: { everyMs: 1 },
            values: 'constant',
            via: 'store',
            seed: 692288412,
          },
          { type: 'consume', name: 0, batches: 4, afterwards: 'throw' },
          { type: 'consume', name: 1, batches: 2, afterwards: 'throw' },
          {
            type: 'append',
            series: 4,
            count: 1,
            spacing: { everyMs: 60000 },
            values: 'constant',
            via: 'store',
            seed: 1849741323,
          },
          { type: 'breathe', tasks: 4 },
          {
            type: 'append',
            series: 5,
            count: 5,
            spacing: { everyMs: 15000 },
            values: 'random',
            via: 'store',
            seed: 3707937721,
          },
          {
            type: 'append',
            series: 7,
            count: 16,
            spacing: { everyMs: 15000 },
            values: 'special',
            via: 'handle',
            seed: 625239973,
          },
          { type: 'settle' },
          { type: 'command', command: 'flush', detached: false },
          { type: 'settle' },
          {
            type: 'append',
            series: 6,
            count: 111,
            spacing: { everyMs: 60000 },
            values: 'special',
            via: 'handle',
            seed: 677100775,
          },
          {
            type: 'append',
            series: 1,
            count: 20,
            spacing: { everyMs: 600000 },
            values: 'gauge',
            via: 'handle',
            seed: 3788103880,
          },
          { type: 'command', command: 'flush', detached: false },
          {
            type: 'append',
            series: 4,
            count: 1494,
            spacing: { everyMs: 16777216 },
            values: 'gauge',
            via: 'handle',
            seed: 916299546,
          },
          {
            type: 'append',
            series: 3,
            count: 17,
            spacing: { everyMs: 1000, jitterMs: 100 },
            values: 'constant',
            via: 'handle',
            seed: 3229507386,
          },
          { type: 'advance', byMs: 1 },
          {
            type: 'append',
            series: 2,
            count: 16,
            spacing: { everyMs: 10, jitterMs: 1 },
            values: 'special',
            via: 'store',
            seed: 3023094468,
          },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'store',
            seed: 2818842312,
          },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'fault', fault: { operation: 'create', fault: 'EIO', skip: 0, times: 1 } },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a kill in the middle of a drop, after the file was removed', () =>
    survives(
      of(1, {}, [
        { type: 'append', series: 0, count: 300, spacing: { everyMs: 1000 }, values: 'random', via: 'handle', seed: 1 },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'command', command: 'checkpoint', detached: false },
        { type: 'command', command: 'flush', detached: false },
        { type: 'crashAt', kind: 'kill', fault: { operation: 'remove', file: 'seriesFile', skip: 0 }, again: [] },
        { type: 'drop', series: 0, detached: false },
      ]),
    ));

  it('a kill after retention has removed a whole file: nothing of it is damaged', () =>
    survives(
      of(3, { syncSeriesFiles: 'always', retentionMs: 600000, minShrinkRatio: 0, headChunkTimeoutMs: 3600000 }, [
        { type: 'append', series: 0, count: 300, spacing: { everyMs: 1000 }, values: 'random', via: 'handle', seed: 1 },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'append', series: 0, count: 1, spacing: { everyMs: 1000 }, values: 'random', via: 'handle', seed: 1 },
        { type: 'command', command: 'checkpoint', detached: false },
        { type: 'crashAt', kind: 'kill', fault: { operation: 'remove', file: 'seriesFile', skip: 0 }, again: [] },
        { type: 'advance', byMs: 640000 },
        { type: 'command', command: 'maintain', detached: false },
      ]),
    ));

  it('an error of the disk while a subscriber opens a journal segment, which stayed open', () =>
    survives(
      of(1, {}, [
        { type: 'append', series: 0, count: 3, spacing: { everyMs: 1000 }, values: 'random', via: 'handle', seed: 1 },
        { type: 'consume', name: 0, batches: 1, afterwards: 'forget' },
        { type: 'fault', fault: { operation: 'stat', file: 'journal', fault: 'EIO', skip: 3, times: 1 } },
        { type: 'append', series: 0, count: 3, spacing: { everyMs: 1000 }, values: 'random', via: 'handle', seed: 1 },
        { type: 'consume', name: 1, batches: 1, afterwards: 'forget' },
        { type: 'restart' },
      ]),
    ));

  it('an opening beside that fails after its replay, and leaves no timer behind', () =>
    survives(
      of(
        4707744125248378,
        {
          durability: 'always',
          syncSeriesFiles: 'never',
          checkpointIntervalMs: 3600000,
          headChunkTimeoutMs: 10000,
          subscriptionBacklogBytes: 65536,
        },
        [
          {
            type: 'append',
            series: 2,
            count: 1,
            spacing: { everyMs: 600000, jitterMs: 60000 },
            values: 'constant',
            via: 'store',
            seed: 2399501593,
          },
          { type: 'fault', fault: { operation: 'stat', file: 'mappings', fault: 'EIO', skip: 0, times: 3 } },
          { type: 'peek' },
        ],
      ),
    ));

  it('a loss of power that tore a chunk of a series file in the middle, where zeros read as samples', () =>
    survives(
      of(
        8099256101308062,
        {
          durability: 'os',
          syncSeriesFiles: 'never',
          retentionMs: 21600000,
          headChunkTimeoutMs: 10000,
          mischief: 0.2,
          observed: false,
        },
        [
          { type: 'crashAt', kind: 'power', fault: { operation: 'sync', file: 'cursor', skip: 0 }, again: [2, 31] },
          { type: 'fault', fault: { operation: 'sync', fault: 'slow', skip: 0, times: 1 } },
          { type: 'readQuery', name: 1, count: 3 },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'store',
            seed: 1076894977,
          },
          { type: 'consume', name: 1, batches: 3, afterwards: 'ack' },
          { type: 'consume', name: 1, batches: 2, afterwards: 'ack' },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 60000 },
            values: 'constant',
            via: 'handle',
            seed: 3131483983,
          },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 60000 },
            values: 'constant',
            via: 'store',
            seed: 1996279131,
          },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'readQuery', name: 1, count: 3 },
          { type: 'restart' },
          { type: 'consume', name: 1, batches: 4, afterwards: 'throw' },
          { type: 'fault', fault: { operation: 'rename', fault: 'ENOSPC', skip: 3, times: 1 } },
          { type: 'readQuery', name: 2, count: 2 },
          {
            type: 'append',
            series: 0,
            count: 267,
            spacing: { everyMs: 600000 },
            values: 'special',
            via: 'handle',
            seed: 330507134,
          },
          { type: 'readQuery', name: 2, count: 2 },
          { type: 'consume', name: 0, batches: 3, afterwards: 'throw' },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'handle',
            seed: 240526572,
          },
          {
            type: 'append',
            series: 0,
            count: 42,
            spacing: { everyMs: 600000 },
            values: 'constant',
            via: 'handle',
            seed: 1040852991,
          },
          { type: 'consume', name: 0, batches: 2, afterwards: 'throw' },
          { type: 'consume', name: 1, batches: 3, afterwards: 'ack' },
          {
            type: 'append',
            series: 3,
            count: 1,
            spacing: { everyMs: 600000, jitterMs: 60000 },
            values: 'constant',
            via: 'store',
            seed: 1040894660,
          },
          {
            type: 'append',
            series: 4,
            count: 1,
            spacing: { everyMs: 15000 },
            values: 'constant',
            via: 'handle',
            seed: 4089507236,
          },
          {
            type: 'append',
            series: 1,
            count: 2,
            spacing: { everyMs: 15000, jitterMs: 1500 },
            values: 'constant',
            via: 'handle',
            seed: 2042213162,
          },
          { type: 'advance', byMs: 60000 },
          {
            type: 'append',
            series: 2,
            count: 1,
            spacing: { everyMs: 15000, jitterMs: 1500 },
            values: 'constant',
            via: 'handle',
            seed: 3240278298,
          },
          { type: 'readQuery', name: 2, count: 4 },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a query of a file at whose end a failed append left bytes that it could not take back', () =>
    survives({
      seed: 7316605495719612,
      setting: {
        durability: 'os',
        chunkEncoding: 'varbit',
        syncSeriesFiles: 'adaptive',
        retentionMs: 21600000,
        minShrinkRatio: 0,
        checkpointIntervalMs: 3600000,
        checkpointDirtySeries: 5000,
        headChunkTimeoutMs: 60000,
        memoryTarget: 25165824,
        subscriptionBacklogBytes: 1073741824,
        mischief: 0,
        observed: true,
      },
      steps: [
        { type: 'labels', series: null },
        { type: 'appendOdd', series: 5, odd: 'duplicate' },
        { type: 'diskFull', freeBytes: 0 },
        { type: 'crashAt', kind: 'power', fault: { skip: 0 }, again: [] },
        { type: 'appendOdd', series: 7, odd: 'outOfOrder' },
        { type: 'consume', name: 1, batches: 4, afterwards: 'throw' },
        {
          type: 'append',
          series: 7,
          count: 1,
          spacing: { everyMs: 600000, jitterMs: 60000 },
          values: 'constant',
          via: 'store',
          seed: 3328613964,
        },
        { type: 'readQuery', name: 1, count: 1 },
        { type: 'command', command: 'checkpoint', detached: false },
        {
          type: 'append',
          series: 5,
          count: 16,
          spacing: { everyMs: 600000, jitterMs: 60000 },
          values: 'constant',
          via: 'handle',
          seed: 1512956660,
        },
        { type: 'advance', byMs: 1 },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'command', command: 'maintain', detached: false },
        {
          type: 'append',
          series: 10,
          count: 1,
          spacing: { everyMs: 1000 },
          values: 'constant',
          via: 'store',
          seed: 4067489845,
        },
        { type: 'advance', byMs: 360000 },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'advance', byMs: 1800000 },
        { type: 'fault', fault: { operation: 'truncate', file: 'seriesFile', fault: 'EIO', skip: 0, times: 1 } },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'settle' },
        { type: 'appendOdd', series: 3, odd: 'duplicate' },
        { type: 'restart' },
        {
          type: 'appendBatch',
          series: [5, 4, 7, 4],
          count: 3,
          spacing: { everyMs: 10 },
          values: 'gauge',
          refusedEvery: 7,
          seed: 3717765338,
        },
        { type: 'openQuery', name: 0, window: { from: null, through: null }, count: 1 },
        { type: 'appendOdd', series: 2, odd: 'timestamp' },
        { type: 'advance', byMs: 3900000 },
        {
          type: 'appendBatch',
          series: [2, 3, 1],
          count: 1,
          spacing: { everyMs: 1000 },
          values: 'counter',
          refusedEvery: 7,
          seed: 517337058,
        },
        {
          type: 'append',
          series: 7,
          count: 380,
          spacing: { everyMs: 15000 },
          values: 'gauge',
          via: 'handle',
          seed: 2279087176,
        },
        { type: 'diskFull', freeBytes: 0 },
        { type: 'peek' },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'advance', byMs: 1 },
      ],
    }));

  it('an aborted opening after a close that failed: what that lost was promised to nobody', () =>
    survives(
      of(5807716973129613, { chunkEncoding: 'delta', mischief: 0, observed: false }, [
        { type: 'command', command: 'flush', detached: false },
        { type: 'fault', fault: { operation: 'write', file: 'journal', fault: 'ENOSPC', skip: 0, times: 5 } },
        {
          type: 'append',
          series: 2,
          count: 1,
          spacing: { everyMs: 60000 },
          values: 'constant',
          via: 'handle',
          seed: 1834245819,
        },
        { type: 'abortOpening', tasks: 19 },
      ]),
    ));

  it('a query that waits for the file of an archived series while retention shortens it', () =>
    survives(
      of(
        1,
        { syncSeriesFiles: 'always', retentionMs: 1800000, minShrinkRatio: 0, headChunkTimeoutMs: 10000, mischief: 0 },
        [
          {
            type: 'append',
            series: 0,
            count: 1700,
            spacing: { everyMs: 1000 },
            values: 'random',
            via: 'handle',
            seed: 1,
          },
          { type: 'advance', byMs: 20000 },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'advance', byMs: 51000 },
          { type: 'settle' },
          { type: 'advance', byMs: 51000 },
          { type: 'advance', byMs: 51000 },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'query', series: 0, window: { from: null, through: null } },
          { type: 'advance', byMs: 51000 },
          { type: 'command', command: 'maintain', detached: true },
        ],
      ),
    ));

  it('a kill after retention has removed a file whose series has newer samples in memory: nothing of it is damaged', () =>
    survives(
      of(
        3,
        {
          syncSeriesFiles: 'always',
          retentionMs: 600000,
          minShrinkRatio: 0,
          checkpointIntervalMs: 3600000,
          headChunkTimeoutMs: 10000,
          mischief: 0,
        },
        [
          { type: 'append', series: 0, count: 1, spacing: { everyMs: 1000 }, values: 'random', via: 'handle', seed: 1 },
          { type: 'advance', byMs: 20000 },
          { type: 'command', command: 'maintain', detached: false },
          {
            type: 'append',
            series: 0,
            count: 2,
            spacing: { everyMs: 600000 },
            values: 'random',
            via: 'handle',
            seed: 1,
          },
          { type: 'command', command: 'checkpoint', detached: false },
          {
            type: 'crashAt',
            kind: 'kill',
            fault: { operation: 'syncDirectory', file: 'directory', skip: 0 },
            again: [],
          },
          { type: 'advance', byMs: 640000 },
          { type: 'command', command: 'maintain', detached: false },
        ],
      ),
    ));

  it('a close that fails after another that failed later', () =>
    survives(
      of(1386, { durability: 'always', mischief: 0 }, [
        { type: 'crash', kind: 'power', again: [] },
        { type: 'fault', fault: { operation: 'rename', fault: 'EIO', skip: 1, times: 2 } },
        { type: 'restart' },
        {
          type: 'append',
          series: 0,
          count: 1,
          spacing: { everyMs: 15_000 },
          values: 'constant',
          via: 'handle',
          seed: 1,
        },
        { type: 'restart' },
      ]),
    ));

  it('an opening that is aborted after a close that failed, as the model has to know', () =>
    survives(
      of(1, { mischief: 0 }, [
        { type: 'settle' },
        { type: 'fault', fault: { operation: 'write', file: 'journal', fault: 'ENOSPC', skip: 1, times: 1 } },
        { type: 'append', series: 0, count: 1, spacing: { everyMs: 1000 }, values: 'constant', via: 'store', seed: 1 },
        { type: 'append', series: 0, count: 1, spacing: { everyMs: 1000 }, values: 'constant', via: 'store', seed: 1 },
        { type: 'abortOpening', tasks: 13 },
      ]),
    ));

  it('a series that takes the fingerprint of another on its way to quarantine', () =>
    survives({
      seed: 4620475493358877,
      setting: {
        durability: 'os',
        chunkEncoding: 'double-delta',
        syncSeriesFiles: 'adaptive',
        retentionMs: 3600000,
        minShrinkRatio: 0,
        checkpointIntervalMs: 60000,
        checkpointDirtySeries: 5000,
        headChunkTimeoutMs: 10000,
        memoryTarget: 67108864,
        subscriptionBacklogBytes: 65536,
        mischief: 0.02,
        observed: true,
      },
      steps: [
        {
          type: 'command',
          command: 'checkpoint',
          detached: false,
        },
        {
          type: 'fault',
          fault: {
            operation: 'truncate',
            file: 'seriesFile',
            fault: 'EIO',
            skip: 10,
            times: 1,
          },
        },
        {
          type: 'fault',
          fault: {
            operation: 'readIndex',
            fault: 'EIO',
            skip: 1,
            times: 1,
          },
        },
        {
          type: 'closeQuery',
          name: 0,
        },
        {
          type: 'append',
          series: 0,
          count: 1,
          spacing: {
            everyMs: 1000,
          },
          values: 'constant',
          via: 'store',
          seed: 150701004,
        },
        {
          type: 'advance',
          byMs: 10000,
        },
        {
          type: 'command',
          command: 'maintain',
          detached: false,
        },
        {
          type: 'command',
          command: 'maintain',
          detached: false,
        },
        {
          type: 'decay',
          series: 0,
          file: 'seriesFile',
          which: 35,
          at: 0.0004,
        },
        {
          type: 'restart',
        },
        {
          type: 'append',
          series: 1,
          count: 1,
          spacing: {
            everyMs: 15000,
            jitterMs: 1500,
          },
          values: 'constant',
          via: 'handle',
          seed: 3731776619,
        },
      ],
    }));

  it('a damaged file that could not be moved before the store closed, and a series that gets its fingerprint', () =>
    survives({
      seed: 7186746148733431,
      setting: {
        durability: 'os',
        chunkEncoding: 'varbit',
        syncSeriesFiles: 'never',
        retentionMs: 3600000,
        minShrinkRatio: 0.1,
        checkpointIntervalMs: 3600000,
        checkpointDirtySeries: 5000,
        headChunkTimeoutMs: 10000,
        memoryTarget: 25165824,
        subscriptionBacklogBytes: 1073741824,
        mischief: 0,
        observed: true,
      },
      steps: [
        {
          type: 'append',
          series: 1,
          count: 250,
          spacing: {
            everyMs: 1000,
          },
          values: 'random',
          via: 'store',
          seed: 2096657414,
        },
        {
          type: 'advance',
          byMs: 20000,
        },
        {
          type: 'decay',
          series: 1,
          file: 'seriesFile',
          which: 18,
          at: 0.0004,
        },
        {
          type: 'fault',
          fault: {
            operation: 'makeDirectory',
            file: 'orphaned',
            fault: 'EIO',
            skip: 0,
            times: 1,
          },
        },
        {
          type: 'query',
          series: null,
          window: {
            from: null,
            through: null,
          },
        },
        {
          type: 'restart',
        },
        {
          type: 'append',
          series: 0,
          count: 1,
          spacing: {
            everyMs: 60000,
            jitterMs: 6000,
          },
          values: 'constant',
          via: 'store',
          seed: 2835488276,
        },
      ],
    }));

  it('a loss of power after a drop whose removal could not be synced, and a checkpoint', () =>
    survives({
      seed: 6914258840008069,
      setting: {
        durability: 'always',
        chunkEncoding: 'varbit',
        syncSeriesFiles: 'adaptive',
        retentionMs: 600000,
        minShrinkRatio: 0.1,
        checkpointIntervalMs: 3600000,
        checkpointDirtySeries: 3,
        headChunkTimeoutMs: 10000,
        memoryTarget: 2097152,
        subscriptionBacklogBytes: 1073741824,
        mischief: 0.2,
        observed: false,
      },
      steps: [
        {
          type: 'append',
          series: 3,
          count: 1,
          spacing: {
            everyMs: 15000,
          },
          values: 'constant',
          via: 'handle',
          seed: 3578269747,
        },
        {
          type: 'command',
          command: 'maintain',
          detached: false,
        },
        {
          type: 'appendBatch',
          series: [2, 3],
          count: 2,
          spacing: {
            everyMs: 60000,
            jitterMs: 6000,
          },
          values: 'float',
          refusedEvery: 0,
          seed: 94352020,
        },
        {
          type: 'fault',
          fault: {
            operation: 'close',
            file: 'orphaned',
            fault: 'EIO',
            skip: 0,
            times: 1,
          },
        },
        {
          type: 'fault',
          fault: {
            operation: 'create',
            fault: 'EIO',
            skip: 0,
            times: 1,
          },
        },
        {
          type: 'command',
          command: 'checkpoint',
          detached: false,
        },
        {
          type: 'fault',
          fault: {
            operation: 'syncDirectory',
            fault: 'EIO',
            skip: 0,
            times: 1,
          },
        },
        {
          type: 'drop',
          series: 3,
          detached: false,
        },
        {
          type: 'command',
          command: 'checkpoint',
          detached: false,
        },
        {
          type: 'crashAt',
          kind: 'power',
          fault: {
            skip: 17,
          },
          again: [],
        },
        {
          type: 'append',
          series: 0,
          count: 5,
          spacing: {
            everyMs: 15000,
          },
          values: 'constant',
          via: 'handle',
          seed: 320101660,
        },
      ],
    }));

  it('a journal whose sync failed, a kill, and a loss of power after the next opening', () =>
    survives({
      seed: 8728587360664675,
      setting: {
        durability: 'os',
        chunkEncoding: 'delta',
        syncSeriesFiles: 'adaptive',
        retentionMs: null,
        minShrinkRatio: 0.5,
        checkpointIntervalMs: 60000,
        checkpointDirtySeries: 5000,
        headChunkTimeoutMs: 10000,
        memoryTarget: 67108864,
        subscriptionBacklogBytes: 1073741824,
        mischief: 0.02,
        observed: false,
      },
      steps: [
        {
          type: 'appendBatch',
          series: [0, 0, 1],
          count: 1,
          spacing: {
            everyMs: 10,
          },
          values: 'gauge',
          refusedEvery: 0,
          seed: 1797922107,
        },
        {
          type: 'inspect',
          series: 1,
        },
        {
          type: 'crash',
          kind: 'kill',
          again: [],
        },
        {
          type: 'query',
          series: 0,
          window: {
            from: null,
            through: 0.17408369318582118,
          },
          detached: true,
        },
        {
          type: 'command',
          command: 'waitForIndexing',
          detached: false,
        },
        {
          type: 'advance',
          byMs: 60000,
        },
        {
          type: 'labels',
          series: 0,
        },
        {
          type: 'observe',
          what: 'watch',
          throwEvery: 1,
        },
        {
          type: 'labels',
          series: 1,
        },
        {
          type: 'query',
          series: 1,
          window: {
            from: null,
            through: 0.15197667013853788,
          },
        },
        {
          type: 'consume',
          name: 0,
          batches: 4,
          afterwards: 'throw',
        },
        {
          type: 'crash',
          kind: 'power',
          again: [],
        },
        {
          type: 'append',
          series: 1,
          count: 1,
          spacing: {
            everyMs: 1000,
          },
          values: 'constant',
          via: 'store',
          seed: 93704241,
        },
        {
          type: 'slowThread',
          works: 1,
        },
        {
          type: 'append',
          series: 0,
          count: 1,
          spacing: {
            everyMs: 600000,
            jitterMs: 60000,
          },
          values: 'constant',
          via: 'store',
          seed: 1333771006,
        },
        {
          type: 'together',
          steps: [
            {
              type: 'fault',
              fault: {
                operation: 'dataSync',
                fault: 'ENOSPC',
                skip: 1,
                times: 1,
              },
            },
            {
              type: 'append',
              series: 1,
              count: 14,
              spacing: {
                everyMs: 15000,
              },
              values: 'constant',
              via: 'handle',
              seed: 388745016,
            },
          ],
        },
        {
          type: 'crashAt',
          kind: 'kill',
          fault: {
            skip: 0,
          },
          again: [],
        },
        {
          type: 'command',
          command: 'flush',
          detached: false,
        },
        {
          type: 'crash',
          kind: 'power',
          again: [],
        },
      ],
    }));

  it('a loss of power after the directory of subscriptions could not be synced at once', () =>
    survives(
      of(
        2673112679937343,
        {
          syncSeriesFiles: 'always',
          retentionMs: 600000,
          minShrinkRatio: 0,
          checkpointIntervalMs: 60000,
          headChunkTimeoutMs: 60000,
          memoryTarget: 2097152,
          mischief: 0,
        },
        [
          {
            type: 'append',
            series: 2,
            count: 1,
            spacing: { everyMs: 1000, jitterMs: 100 },
            values: 'constant',
            via: 'handle',
            seed: 2469951951,
          },
          { type: 'fault', fault: { operation: 'syncDirectory', fault: 'EIO', skip: 0, times: 1 } },
          { type: 'consume', name: 0, batches: 1, afterwards: 'ack' },
          { type: 'crashAt', kind: 'power', fault: { skip: 19 }, again: [] },
          {
            type: 'append',
            series: 5,
            count: 1,
            spacing: { everyMs: 60000 },
            values: 'constant',
            via: 'store',
            seed: 3567595422,
          },
          {
            type: 'append',
            series: 3,
            count: 1,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'store',
            seed: 2801731058,
          },
          { type: 'consume', name: 0, batches: 3, afterwards: 'ack' },
        ],
      ),
    ));

  it('a crash after a series got the fingerprint of another that had gone to quarantine', () =>
    survives(
      of(424710127413065, { syncSeriesFiles: 'never', headChunkTimeoutMs: 60000, mischief: 0 }, [
        { type: 'consume', name: 1, batches: 4, afterwards: 'ack' },
        {
          type: 'append',
          series: 0,
          count: 1,
          spacing: { everyMs: 1000 },
          values: 'constant',
          via: 'handle',
          seed: 3140685379,
        },
        { type: 'advance', byMs: 90000 },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'command', command: 'maintain', detached: false },
        { type: 'decay', series: 0, file: 'seriesFile', which: 12, at: 0.0004 },
        { type: 'fault', fault: { operation: 'create', file: 'orphaned', fault: 'ENOSPC', skip: 2, times: 1 } },
        { type: 'breathe', tasks: 7 },
        { type: 'breathe', tasks: 7 },
        {
          type: 'append',
          series: 1,
          count: 1,
          spacing: { everyMs: 1000 },
          values: 'constant',
          via: 'store',
          seed: 3530856695,
        },
        {
          type: 'appendBatch',
          series: [0, 4, 1],
          count: 1,
          spacing: { everyMs: 16777216, jitterMs: 1677722 },
          values: 'float',
          refusedEvery: 0,
          seed: 1793706475,
        },
        { type: 'crash', kind: 'power', again: [] },
      ]),
    ));

  it('an archived series whose file retention had written anew, into a directory that could not be synced', () =>
    survives(
      of(
        4,
        {
          syncSeriesFiles: 'always',
          chunkEncoding: 'delta',
          retentionMs: 3_600_000,
          checkpointIntervalMs: 86_400_000,
          checkpointDirtySeries: 500_000,
          mischief: 0,
          observed: false,
        },
        [
          {
            type: 'append',
            series: 1,
            count: 600,
            spacing: { everyMs: 2000 },
            values: 'gauge',
            via: 'handle',
            seed: 7,
          },
          { type: 'command', command: 'flush', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'jump', byMs: 3_000_000 },
          { type: 'restart' },
          { type: 'fault', fault: { operation: 'syncDirectory', file: 'directory', fault: 'EIO', skip: 0 } },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'flush', detached: false },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a failed sync of a series file, and a kill before the journal can tell of it', () =>
    survives(
      of(
        1,
        {
          syncSeriesFiles: 'never',
          chunkEncoding: 'delta',
          checkpointIntervalMs: 86_400_000,
          checkpointDirtySeries: 500_000,
          mischief: 0,
          observed: false,
        },
        [
          {
            type: 'append',
            series: 1,
            count: 600,
            spacing: { everyMs: 1000 },
            values: 'gauge',
            via: 'handle',
            seed: 7,
          },
          { type: 'command', command: 'flush', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'advance', byMs: 2000 },
          { type: 'fault', fault: { operation: 'sync', file: 'seriesFile', fault: 'EIO', skip: 0 } },
          { type: 'crashAt', kind: 'kill', fault: { operation: 'write', file: 'journal', skip: 0 }, again: [] },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'advance', byMs: 2000 },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a failed sync of a series file, and a kill before what it was to sync is cut off', () =>
    survives(
      of(
        7,
        {
          syncSeriesFiles: 'always',
          chunkEncoding: 'delta',
          checkpointIntervalMs: 86_400_000,
          checkpointDirtySeries: 500_000,
          mischief: 0,
          observed: false,
        },
        [
          {
            type: 'append',
            series: 1,
            count: 600,
            spacing: { everyMs: 1000 },
            values: 'gauge',
            via: 'handle',
            seed: 7,
          },
          { type: 'command', command: 'flush', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'advance', byMs: 2000 },
          {
            type: 'append',
            series: 1,
            count: 600,
            spacing: { everyMs: 1000 },
            values: 'gauge',
            via: 'handle',
            seed: 8,
          },
          { type: 'command', command: 'flush', detached: false },
          { type: 'fault', fault: { operation: 'sync', file: 'seriesFile', fault: 'EIO', skip: 0 } },
          { type: 'crashAt', kind: 'kill', fault: { operation: 'truncate', file: 'seriesFile', skip: 0 }, again: [] },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a crash after a series went to quarantine of which the checkpoint before has all samples', () =>
    survives(
      of(
        5449760902594598,
        {
          durability: 'always',
          chunkEncoding: 'double-delta',
          syncSeriesFiles: 'never',
          retentionMs: 600000,
          checkpointIntervalMs: 60000,
          headChunkTimeoutMs: 60000,
          memoryTarget: 2097152,
          mischief: 0.2,
        },
        [
          { type: 'advance', byMs: 8000 },
          { type: 'settle' },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'handle',
            seed: 4194405466,
          },
          {
            type: 'append',
            series: 9,
            count: 368,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'handle',
            seed: 2379740665,
          },
          { type: 'advance', byMs: 90000 },
          { type: 'decay', series: 9, file: 'seriesFile', which: 39, at: 0.0004 },
          { type: 'fault', fault: { operation: 'write', file: 'orphaned', fault: 'short', skip: 0, times: 1 } },
          { type: 'settle' },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'crash', kind: 'power', again: [] },
          {
            type: 'appendBatch',
            series: [4, 9, 5],
            count: 2,
            spacing: { everyMs: 1000 },
            values: 'special',
            refusedEvery: 0,
            seed: 2681969943,
          },
        ],
      ),
    ));

  it('a crash after a series went to quarantine, and another of the same labels began at an earlier time', () =>
    survives(
      of(
        5449760902594598,
        {
          durability: 'always',
          chunkEncoding: 'double-delta',
          syncSeriesFiles: 'never',
          retentionMs: 600000,
          checkpointIntervalMs: 60000,
          headChunkTimeoutMs: 60000,
          memoryTarget: 2097152,
          mischief: 0.2,
        },
        [
          { type: 'advance', byMs: 8000 },
          { type: 'settle' },
          {
            type: 'append',
            series: 1,
            count: 1,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'handle',
            seed: 4194405466,
          },
          {
            type: 'append',
            series: 9,
            count: 368,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'handle',
            seed: 2379740665,
          },
          { type: 'advance', byMs: 90000 },
          { type: 'decay', series: 9, file: 'seriesFile', which: 39, at: 0.0004 },
          { type: 'fault', fault: { operation: 'write', file: 'orphaned', fault: 'short', skip: 0, times: 1 } },
          { type: 'settle' },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'settle' },
          { type: 'settle' },
          { type: 'settle' },
          { type: 'settle' },
          { type: 'settle' },
          { type: 'settle' },
          { type: 'settle' },
          { type: 'appendOdd', series: 9, odd: 'outOfOrder' },
          { type: 'command', command: 'flush', detached: false },
          { type: 'crash', kind: 'power', again: [] },
        ],
      ),
    ));

  it('a loss of power that took a new series file, after retention had removed the one before', () =>
    survives(
      of(
        6618238827473576,
        {
          durability: 'always',
          syncSeriesFiles: 'never',
          retentionMs: 600_000,
          retentionOnce: true,
          minShrinkRatio: 0.5,
          checkpointIntervalMs: 3_600_000,
          memoryTarget: 25_165_824,
          checkpointJournalBytes: 8192,
          mischief: 0.2,
        },
        [
          {
            type: 'append',
            series: 2,
            count: 50,
            spacing: { everyMs: 1000 },
            values: 'constant',
            via: 'handle',
            seed: 1344414637,
          },
          { type: 'advance', byMs: 330_000 },
          {
            type: 'together',
            steps: [
              { type: 'breathe', tasks: 18 },
              { type: 'breathe', tasks: 19 },
              {
                type: 'append',
                series: 9,
                count: 124,
                spacing: { everyMs: 1000 },
                values: 'random',
                via: 'handle',
                seed: 1489925212,
              },
            ],
          },
          { type: 'settle' },
          { type: 'readQuery', name: 2, count: 2 },
          {
            type: 'appendBatch',
            series: [7, 2],
            count: 53,
            spacing: { everyMs: 15_000, jitterMs: 1500 },
            values: 'constant',
            refusedEvery: 7,
            seed: 1935074096,
          },
          { type: 'advance', byMs: 1 },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'openQuery', name: 0, window: { from: null, through: 0.507879990618676 }, count: 1 },
          { type: 'advance', byMs: 330_000 },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'command', command: 'maintain', detached: false },
          { type: 'crash', kind: 'power', again: [], inspected: false },
        ],
      ),
    ));

  it('a series that was dropped and began again, when a full recovery finds its former sample in the checkpoint', () =>
    survives(
      of(
        3129724863343100,
        {
          durability: 'always',
          chunkEncoding: 'delta',
          retentionMs: 600_000,
          retentionOnce: false,
          checkpointIntervalMs: 3_600_000,
          memoryTarget: 2 ** 21,
          checkpointJournalBytes: 2 ** 28,
        },
        [
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 15_000 },
            values: 'constant',
            via: 'handle',
            seed: 138040348,
          },
          {
            type: 'otherProgram',
            after: 'kill',
            series: [],
            count: 5,
            rests: false,
            ending: 'kill',
            seed: 4033340727,
            inspected: false,
          },
          { type: 'drop', series: 0, detached: false },
          {
            type: 'append',
            series: 0,
            count: 1,
            spacing: { everyMs: 10 },
            values: 'constant',
            via: 'store',
            seed: 1236726107,
          },
          { type: 'fault', fault: { operation: 'openIndex', file: 'index', fault: 'corrupt', skip: 0, times: 1 } },
          { type: 'advance', byMs: 180_000 },
          { type: 'advance', byMs: 180_000 },
          {
            type: 'indexDecay',
            after: 'kill',
            decay: { index: 'names', what: 'table', at: 0.28243882092647254, share: 0.5 },
            inspected: false,
          },
        ],
      ),
    ));

  it('a rebuild of the label indexes that could not begin, since the disk refused to note it', () =>
    survives(
      of(
        1240105989159890,
        {
          durability: 'os',
          chunkEncoding: 'delta',
          retentionMs: 21_600_000,
          retentionOnce: true,
          minShrinkRatio: 0,
          checkpointDirtySeries: 3,
          memoryTarget: 2 ** 21,
          checkpointJournalBytes: 2 ** 28,
          mischief: 0.2,
        },
        [
          { type: 'consume', name: 1, batches: 4, afterwards: 'ack' },
          { type: 'fault', fault: { operation: 'rename', fault: 'EIO', skip: 0, times: 1 } },
          { type: 'command', command: 'rebuildIndexes', detached: false },
          {
            type: 'append',
            series: 3,
            count: 1,
            spacing: { everyMs: 10 },
            values: 'constant',
            via: 'handle',
            seed: 2965497481,
          },
          { type: 'consume', name: 1, batches: 4, afterwards: 'ack' },
          { type: 'command', command: 'checkpoint', detached: false },
          { type: 'peek' },
        ],
      ),
    ));
});
