import { expect } from 'chai';
import { Admission } from '../../src/series/admission.ts';

const outcomeOf = (promise: Promise<void>): { current: string } => {
  const outcome = { current: 'waiting' };
  promise.then(
    () => {
      outcome.current = 'ready';
    },
    (error: { code: string }) => {
      outcome.current = error.code;
    },
  );
  return outcome;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Admission', () => {
  it('takes samples at first, and is ready at once', async () => {
    const admission = new Admission();
    expect(admission.refusal).to.equal(undefined);
    await admission.ready();
  });

  it('counts the errors of refused calls by code', () => {
    const admission = new Admission();
    const cause = new Error('EIO');
    admission.refuse('TIDEMARK_THROTTLED', 'too much waits');
    admission.error();
    admission.error();
    admission.refuse('TIDEMARK_READ_ONLY', 'the disk fails', cause);
    const error = admission.error();
    expect(error).to.include({ code: 'TIDEMARK_READ_ONLY', message: 'the disk fails', cause });
    expect([...admission.refused]).to.deep.equal([
      ['TIDEMARK_THROTTLED', 2],
      ['TIDEMARK_READ_ONLY', 1],
    ]);
  });

  it('lets callers wait until samples are taken again, also if the reason changes meanwhile', async () => {
    const admission = new Admission();
    admission.refuse('TIDEMARK_THROTTLED', 'too much waits');
    const outcomes = [outcomeOf(admission.ready()), outcomeOf(admission.ready())];
    admission.refuse('TIDEMARK_DISK_FULL', 'no space', new Error('ENOSPC'));
    outcomes.push(outcomeOf(admission.ready()));
    await turn();
    expect(outcomes.map(({ current }) => current)).to.deep.equal(['waiting', 'waiting', 'waiting']);
    admission.open();
    await turn();
    expect(outcomes.map(({ current }) => current)).to.deep.equal(['ready', 'ready', 'ready']);
    expect(admission.refused.size, 'waiting is no refusal').to.equal(0);
  });

  it('rejects all waiting callers, and those that come later, when it ends', async () => {
    const admission = new Admission();
    admission.refuse('TIDEMARK_THROTTLED', 'too much waits');
    const waiting = outcomeOf(admission.ready());
    admission.end('TIDEMARK_CLOSED', 'the store is closed');
    const later = outcomeOf(admission.ready());
    await turn();
    expect([waiting.current, later.current]).to.deep.equal(['TIDEMARK_CLOSED', 'TIDEMARK_CLOSED']);
  });

  it('waits for the disk if it is read-only because of it, and for nothing if it was opened so', async () => {
    const troubled = new Admission();
    troubled.refuse('TIDEMARK_READ_ONLY', 'the disk fails', new Error('EIO'));
    const readOnly = new Admission();
    readOnly.refuse('TIDEMARK_READ_ONLY', 'opened read-only');
    const outcomes = [outcomeOf(troubled.ready()), outcomeOf(readOnly.ready())];
    await turn();
    expect(outcomes.map(({ current }) => current)).to.deep.equal(['waiting', 'TIDEMARK_READ_ONLY']);
  });
});
