/** The simulator on a toy store: it finds nothing in one that is right, and each defect in one that is not. */
import { expect } from 'chai';
import { Coverage } from '../../src/simulation/coverage.ts';
import { generate } from '../../src/simulation/generator.ts';
import { asTest, shrink } from '../../src/simulation/shrink.ts';
import { playSequence, type SimulationResult } from '../../src/simulation/simulate.ts';
import type { Sequence, Step, StepType } from '../../src/simulation/steps.ts';
import { type ToyDefect, toyStore } from './support/toy-store.ts';

/** What the toy has no idea of. */
const beyondToys: ReadonlySet<StepType> = new Set([
  'consume',
  'backup',
  'inspect',
  'decay',
  'observe',
  'peek',
  'abortOpening',
  'openBackup',
  'intrude',
  'otherProgram',
  'indexDecay',
]);

/** Among the faults of the toy's few kinds of call, these come in every sequence: a generator aims at a whole store. */
const aimed: readonly Step[] = [
  { type: 'fault', fault: { fault: 'EIO', operation: 'dataSync', skip: 0 } },
  { type: 'crashAt', kind: 'power', fault: { operation: 'write', file: 'journal', skip: 1 }, again: [] },
];

const within = (steps: readonly Step[]): Step[] =>
  steps
    .filter((step) => !beyondToys.has(step.type))
    .map((step) => (step.type === 'together' ? { ...step, steps: within(step.steps) } : step));

const toySequence = (seed: number): Sequence => {
  const { steps, setting, ...sequence } = generate(seed, 50);
  const withAimed = within(steps).map((step, i) => (i % 15 === 7 ? aimed[(i >> 4) & 1] : step));
  return { ...sequence, setting: { ...setting, retentionMs: null }, steps: withAimed };
};

const play = (sequence: Sequence, defect?: ToyDefect, coverage = new Coverage()): Promise<SimulationResult> =>
  playSequence(sequence, { openStore: toyStore(defect), coverage });

const firstFailure = async (defect: ToyDefect): Promise<SimulationResult | undefined> => {
  for (let seed = 1; seed <= 500; seed++) {
    const result = await play(toySequence(seed), defect);
    if (result.failure !== undefined) return result;
  }
  return undefined;
};

describe('The simulator', () => {
  it('finds nothing in a toy store that is right', async () => {
    const coverage = new Coverage();
    for (let seed = 1; seed <= 60; seed++) {
      const { failure } = await play(toySequence(seed), undefined, coverage);
      expect(failure?.message, `seed ${seed}`).to.equal(undefined);
    }
    const { faults } = coverage.report();
    for (const fault of [
      'dataSync journal: EIO',
      'write headsTmp: ENOSPC',
      'rename heads: crash',
      'write journal: short',
    ]) {
      expect(faults[fault], fault).to.be.greaterThan(0);
    }
  });

  const defects: readonly ToyDefect[] = [
    'noSync',
    'noDirectorySync',
    'snapshotNotSynced',
    'logRemovedBeforeSnapshot',
    'acknowledgesBeforeSync',
    'replaysTwice',
    'dropsLastOfBatch',
    'replaysFromSecondLine',
    'retriesFailedSync',
    'leaksFiles',
  ];
  for (const defect of defects) {
    it(`finds the defect ${defect}`, async () => {
      expect(await firstFailure(defect)).not.to.equal(undefined);
    });
  }

  it('gives the same trace for the same sequence, and another for another', async () => {
    const one = await play(toySequence(7));
    const again = await play(toySequence(7));
    const other = await play(toySequence(8));
    expect(again.traceHash).to.equal(one.traceHash);
    expect(other.traceHash).not.to.equal(one.traceHash);
  });

  it('shrinks a failing sequence to a few steps that still fail, and prints them as a test', async () => {
    const failing = (await firstFailure('noSync'))!;
    const fails = async (sequence: Sequence): Promise<boolean> =>
      (await play(sequence, 'noSync')).failure !== undefined;
    const { sequence } = await shrink(failing.sequence, fails);
    expect(sequence.steps.length).to.be.at.most(4);
    expect(await fails(sequence)).to.equal(true);
    const text = asTest(sequence, failing.failure!.message);
    expect(text).to.include('survives({').and.to.include(JSON.stringify(sequence.steps[0]));
    expect(JSON.parse(JSON.stringify(sequence))).to.deep.equal(sequence);
  });
});
