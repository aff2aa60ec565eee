/**
 * Properties of checkpoint and replay in the whole store: wherever checkpoints, crashes and restarts come between
 * appends, the store afterwards has what was appended, and another recovery changes nothing.
 */
import fc from 'fast-check';
import { checkDirectory, openStore } from '../../src/index.ts';
import { playSequence } from './simulate.ts';
import type { Setting, Step } from './steps.ts';
import { valuePatterns } from './value-source.ts';

const settings: fc.Arbitrary<Setting> = fc.record({
  durability: fc.constantFrom('always', 'interval', 'os'),
  chunkEncoding: fc.constantFrom('delta', 'double-delta', 'varbit'),
  syncSeriesFiles: fc.constantFrom('adaptive', 'always', 'never'),
  retentionMs: fc.constant(null),
  minShrinkRatio: fc.constant(0.1),
  checkpointIntervalMs: fc.constant(3_600_000),
  checkpointDirtySeries: fc.constant(5_000),
  headChunkTimeoutMs: fc.constantFrom(10_000, 3_600_000),
  memoryTarget: fc.constant(64 * 2 ** 20),
  subscriptionBacklogBytes: fc.constant(2 ** 30),
  mischief: fc.constantFrom(0, 0.2),
  observed: fc.constant(false),
});

const series = fc.nat(3);
const seed = fc.nat();

const appends: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('append'),
  series,
  count: fc.integer({ min: 1, max: 150 }),
  spacing: fc.constantFrom({ everyMs: 15_000 }, { everyMs: 1_000, jitterMs: 100 }, { everyMs: 2 ** 24 }),
  values: fc.constantFrom(...valuePatterns),
  via: fc.constant('handle'),
  seed,
});

const commands: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('command'),
  command: fc.constantFrom('flush', 'checkpoint', 'maintain'),
  detached: fc.boolean(),
});

const others: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('breathe' as const), tasks: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ type: fc.constant('advance' as const), byMs: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ type: fc.constant('drop' as const), series, detached: fc.boolean() }),
);

const ends: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('restart' as const) }),
  fc.record({
    type: fc.constant('crash' as const),
    kind: fc.constantFrom('kill' as const, 'power' as const),
    again: fc.array(fc.nat(80), { maxLength: 2 }),
  }),
);

const histories = fc.array(
  fc.oneof(
    { arbitrary: appends, weight: 4 },
    { arbitrary: commands, weight: 3 },
    { arbitrary: others, weight: 1 },
    { arbitrary: ends, weight: 2 },
  ),
  { maxLength: 16 },
);

describe('Checkpoint and replay', () => {
  it('restore what was appended, wherever checkpoints, crashes and restarts come', async () => {
    const holds = fc.asyncProperty(seed, settings, histories, async (world, setting, steps) => {
      const { failure } = await playSequence({ seed: world, setting, steps }, { openStore, checkDirectory });
      if (failure !== undefined) throw new Error(failure.message);
    });
    await fc.assert(holds, { numRuns: 40, seed: 1 });
  });

  it('change nothing when recovery is interrupted and repeated several times', async () => {
    const kill: Step = { type: 'crash', kind: 'kill', again: [3, 17, 40, 66, 90] };
    const holds = fc.asyncProperty(seed, settings, histories, async (world, setting, steps) => {
      const history = [...steps, { type: 'command', command: 'flush', detached: false } as const, kill, kill];
      const { failure } = await playSequence({ seed: world, setting, steps: history }, { openStore, checkDirectory });
      if (failure !== undefined) throw new Error(failure.message);
    });
    await fc.assert(holds, { numRuns: 20, seed: 2 });
  });
});
