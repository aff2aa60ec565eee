/** The simulator on a toy store: it finds nothing in the correct store, and finds each defect that is put in. */
import { expect } from 'chai';
import { Coverage } from './coverage.ts';
import { generate } from './generator.ts';
import { type Regression, regressionText, sequenceOf } from './regression.ts';
import { shrink } from './shrink.ts';
import { playSequence, type SimulationResult } from './simulate.ts';
import type { Sequence, Step, StepType } from './steps.ts';
import { type ToyDefect, toyStore } from './support/toy-store.ts';

/** Steps that the toy store does not support. */
const beyondToys: ReadonlySet<StepType> = new Set([
  'appendLate',
  'backfill',
  'dropRange',
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

/** Faults in every sequence. The generator aims at a whole store, and so seldom at the few kinds of call of the toy. */
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
  return {
    ...sequence,
    setting: { ...setting, retentionMs: null, otherRetentionMs: null, outOfOrderWindowMs: 0 },
    steps: withAimed,
  };
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
  it('finds nothing in a correct toy store', async () => {
    const coverage = new Coverage();
    for (let seed = 1; seed <= 120; seed++) {
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

  it('gives the same trace for the same sequence, and another trace for another sequence', async () => {
    const one = await play(toySequence(7));
    const again = await play(toySequence(7));
    const other = await play(toySequence(8));
    expect(again.traceHash).to.equal(one.traceHash);
    expect(other.traceHash).not.to.equal(one.traceHash);
  });

  it('shrinks a failing sequence to a few steps that still fail, and prints them as a regression', async () => {
    const failing = (await firstFailure('noSync'))!;
    const fails = async (sequence: Sequence): Promise<boolean> =>
      (await play(sequence, 'noSync')).failure !== undefined;
    const { sequence } = await shrink(failing.sequence, fails);
    expect(sequence.steps.length).to.be.at.most(4);
    expect(await fails(sequence)).to.equal(true);
    const regression = { title: failing.failure!.message, why: '', ...sequence };
    const read = JSON.parse(regressionText(regression)) as Regression;
    expect(read).to.deep.equal(regression);
    expect(sequenceOf(read)).to.deep.equal(sequence);
  });
});
