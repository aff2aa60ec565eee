import { expect } from 'chai';
import { Semaphore } from '../../src/async/semaphore.ts';

/** Lets everything happen that waits for nothing but promises that are resolved. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('Semaphore', () => {
  /** Takes a permit and writes its name down when it has it, or how it was refused. */
  const taker = (permits: Semaphore) => {
    const log: string[] = [];
    const take = (name: string, signal?: AbortSignal): void => {
      permits.acquire(signal).then(
        () => log.push(name),
        (reason: Error) => log.push(`${name}: ${reason.message}`),
      );
    };
    return { log, take };
  };

  it('gives as many permits as there are, and the others in the order of their coming', async () => {
    const permits = new Semaphore(2);
    const { log, take } = taker(permits);
    for (const name of ['a', 'b', 'c', 'd']) take(name);
    await settle();
    expect(log).to.deep.equal(['a', 'b']);
    permits.release();
    await settle();
    expect(log).to.deep.equal(['a', 'b', 'c']);
    permits.release();
    permits.release();
    permits.release();
    await settle();
    expect(log).to.deep.equal(['a', 'b', 'c', 'd']);
    for (const name of ['e', 'f', 'g']) take(name);
    await settle();
    expect(log.slice(4), 'all permits were given back').to.deep.equal(['e', 'f']);
  });

  it('passes over a caller that was aborted while it waited', async () => {
    const permits = new Semaphore(1);
    const { log, take } = taker(permits);
    const controller = new AbortController();
    take('a');
    take('b', controller.signal);
    take('c');
    await settle();
    controller.abort(new Error('too late'));
    await settle();
    expect(log).to.deep.equal(['a', 'b: too late']);
    permits.release();
    await settle();
    expect(log, 'the permit went to the one that still waited').to.deep.equal(['a', 'b: too late', 'c']);
    permits.release();
    take('d');
    await settle();
    expect(log[3]).to.equal('d');
  });

  it('does not give a permit to a caller that was aborted before', async () => {
    const permits = new Semaphore(1);
    const { log, take } = taker(permits);
    take('a', AbortSignal.abort(new Error('no')));
    take('b');
    await settle();
    expect(log.toSorted()).to.deep.equal(['a: no', 'b']);
  });

  it('does not take a permit back from a caller that is aborted after it got it', async () => {
    const permits = new Semaphore(1);
    const { log, take } = taker(permits);
    const controller = new AbortController();
    take('a');
    take('b', controller.signal);
    permits.release();
    controller.abort(new Error('after'));
    take('c');
    await settle();
    expect(log).to.deep.equal(['a', 'b']);
  });
});
