import { expect } from 'chai';
import { SingleRun } from '../../src/async/single-run.ts';

/** Work whose runs end only when the test lets them. */
const controlled = () => {
  const runs: { readonly resolve: (result: number) => void; readonly reject: (error: Error) => void }[] = [];
  const work = (): Promise<number> =>
    new Promise((resolve, reject) => {
      runs.push({ resolve, reject });
    });
  return { runs, work };
};

/** Lets everything happen that waits for nothing but promises that are resolved. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('SingleRun', () => {
  it('joins the running one, and starts another when it has ended', async () => {
    const { runs, work } = controlled();
    const single = new SingleRun<number>();
    const first = single.join(work);
    const second = single.join(work);
    expect(runs).to.have.length(1);
    expect(single.isRunning).to.equal(true);
    runs[0].resolve(1);
    expect(await Promise.all([first, second])).to.deep.equal([1, 1]);
    expect(single.isRunning).to.equal(false);
    const third = single.join(work);
    runs[1].resolve(2);
    expect(await third).to.equal(2);
  });

  it('starts joined work at once', () => {
    const { runs, work } = controlled();
    void new SingleRun<number>().join(work);
    expect(runs).to.have.length(1);
  });

  it('lets all calls during a run follow it with one run', async () => {
    const { runs, work } = controlled();
    const single = new SingleRun<number>();
    const first = single.follow(work);
    await settle();
    const second = single.follow(work);
    const third = single.follow(work);
    await settle();
    expect(runs, 'the first has not ended').to.have.length(1);
    runs[0].resolve(1);
    await settle();
    expect(runs).to.have.length(2);
    runs[1].resolve(2);
    expect(await Promise.all([first, second, third])).to.deep.equal([1, 2, 2]);
  });

  it('starts work at once if nothing runs, and lets the calls during it follow with one run', async () => {
    const { runs, work } = controlled();
    const single = new SingleRun<number>();
    const first = single.startOrFollow(work);
    expect(runs).to.have.length(1);
    const second = single.startOrFollow(work);
    const third = single.startOrFollow(work);
    runs[0].resolve(1);
    // Between the end of the first run and the start of the second one, a call shares the second.
    const between = first.then(() => single.startOrFollow(work));
    await settle();
    expect(runs).to.have.length(2);
    runs[1].resolve(2);
    expect(await Promise.all([first, second, third, between])).to.deep.equal([1, 2, 2, 2]);
  });

  it('lets the calls of one turn share a run', async () => {
    const { runs, work } = controlled();
    const single = new SingleRun<number>();
    const both = [single.follow(work), single.follow(work)];
    await settle();
    expect(runs).to.have.length(1);
    runs[0].resolve(1);
    expect(await Promise.all(both)).to.deep.equal([1, 1]);
  });

  it('follows a failed run, whose failure only its own callers get', async () => {
    const { runs, work } = controlled();
    const single = new SingleRun<number>();
    const first = single.follow(work).catch((error: Error) => error.message);
    await settle();
    const second = single.follow(work);
    runs[0].reject(new Error('no'));
    await settle();
    runs[1].resolve(2);
    expect(await first).to.equal('no');
    expect(await second).to.equal(2);
  });

  it('is idle when nothing runs and nothing follows', async () => {
    const { runs, work } = controlled();
    const single = new SingleRun<number>();
    void single.follow(work);
    await settle();
    void single.follow(work);
    let isIdle = false;
    const idle = single.idle().then(() => {
      isIdle = true;
    });
    runs[0].resolve(1);
    await settle();
    expect(isIdle, 'the following one runs').to.equal(false);
    runs[1].resolve(2);
    await idle;
    expect(single.isRunning).to.equal(false);
  });
});
