/** Every way in which what was found in a directory decides its recovery. No disk is involved. */
import { expect } from 'chai';
import { type Findings, howOpened, planRecovery } from '../../src/recovery/recovery-plan.ts';

const closed: Findings = {
  predecessor: 'tidemark',
  tier: { kind: 'clean' },
  contradiction: undefined,
  labelsAreLost: false,
  labelsHavePosition: true,
};
const crashed: Findings = { ...closed, tier: { kind: 'journal', from: 4096 } };
const scanned = (tier: { readonly from: number | undefined; readonly overtaken?: boolean }): Findings => ({
  ...closed,
  tier: { kind: 'crash', reason: 'heads.db is damaged', ...tier },
});

describe('recovery/recovery-plan', () => {
  it('recovers nothing in a new directory', () => {
    const created: Findings = { ...closed, predecessor: 'created', labelsHavePosition: false };
    expect(planRecovery(created)).to.deep.equal({ kind: 'created', rebuildLabels: false });
  });

  it('takes the checkpoint as it is after a clean close', () => {
    expect(planRecovery(closed)).to.deep.equal({ kind: 'clean', rebuildLabels: false, settleOrder: false });
  });

  it('does not ask for the position of label indexes after a clean close, which removes it', () => {
    expect(planRecovery({ ...closed, labelsHavePosition: false }).rebuildLabels).to.equal(false);
  });

  it('puts chunks in order after a clean close of the original', () => {
    const plan = planRecovery({ ...closed, predecessor: 'other' });
    expect(plan).to.deep.equal({ kind: 'clean', rebuildLabels: false, settleOrder: true });
  });

  it('replays the journal after a crash', () => {
    expect(planRecovery(crashed)).to.deep.equal({ kind: 'replay', rebuildLabels: false, from: 4096 });
  });

  it('rebuilds label indexes that are lost, and after a crash those without a position', () => {
    expect(planRecovery({ ...closed, labelsAreLost: true }).rebuildLabels).to.equal(true);
    expect(planRecovery({ ...crashed, labelsAreLost: true }).rebuildLabels).to.equal(true);
    expect(planRecovery({ ...crashed, labelsHavePosition: false }).rebuildLabels).to.equal(true);
  });

  it('scans all files when the journal does not fit, and isolates damaged records', () => {
    expect(planRecovery(scanned({ from: undefined }))).to.deep.equal({
      kind: 'scan',
      rebuildLabels: true,
      reason: 'heads.db is damaged',
      isolateRecords: true,
      after: { kind: 'nothing' },
    });
  });

  it('replays the journal after the scan when its samples were acknowledged', () => {
    expect(planRecovery(scanned({ from: 4096 }))).to.deep.include({
      after: { kind: 'replay', from: 4096, isGapless: false },
    });
  });

  it('only adds missing samples after the scan when another program has written since', () => {
    const overtaken: Findings = { ...scanned({ from: 4096, overtaken: true }), predecessor: 'other' };
    expect(planRecovery(overtaken)).to.deep.include({ after: { kind: 'addFromJournal', from: 4096 } });
    const without: Findings = { ...scanned({ from: undefined, overtaken: true }), predecessor: 'other' };
    expect(planRecovery(without)).to.deep.include({ after: { kind: 'nothing' } });
  });

  it('isolates no records of a checkpoint that another program wrote', () => {
    expect(planRecovery({ ...scanned({ from: undefined }), predecessor: 'other' })).to.deep.include({
      isolateRecords: false,
    });
  });

  it('scans all files because of a contradiction, and replays the tail that the tier would have replayed', () => {
    const contradiction = 'an archive index is damaged or missing';
    expect(planRecovery({ ...closed, contradiction })).to.deep.equal({
      kind: 'scan',
      rebuildLabels: true,
      reason: contradiction,
      isolateRecords: false,
      after: { kind: 'nothing' },
    });
    expect(planRecovery({ ...crashed, contradiction })).to.deep.include({
      after: { kind: 'replay', from: 4096, isGapless: true },
    });
  });

  it('says how the directory was opened', () => {
    expect(howOpened(planRecovery(closed), 'tidemark')).to.equal('clean');
    expect(howOpened(planRecovery({ ...closed, predecessor: 'other' }), 'other')).to.equal('clean');
    expect(howOpened(planRecovery(crashed), 'tidemark')).to.equal('journal');
    expect(howOpened(planRecovery(scanned({ from: 4096 })), 'tidemark')).to.equal('crashRecovery');
    const forced: Findings = { ...scanned({ from: undefined }), predecessor: 'created' };
    expect(howOpened(planRecovery(forced), 'created')).to.equal('created');
    expect(howOpened(planRecovery({ ...closed, predecessor: 'created' }), 'created')).to.equal('created');
  });
});
