/** Samples from the future, which would keep their series from taking samples of the present. */
import { expect } from 'chai';
import type { TidemarkError } from '../../src/index.ts';
import { codeOf } from '../series/append-path.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, metricOf, openMachine, START_MS } from './support.ts';

const labels = { __name__: 'm' };

const messageOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return (error as TidemarkError).message;
  }
  throw new Error('nothing was refused');
};

describe('a sample ahead of the clock', () => {
  it('is refused by every way in beyond the tolerance, and no series is created for it', async () => {
    const { store } = await openMachine();
    const limit = START_MS + 10 * MINUTE_MS;
    const refused = 'TIDEMARK_TOO_FAR_AHEAD';
    expect(codeOf(() => store.append(labels, limit + 1, 1))).to.equal(refused);
    expect(codeOf(() => store.series(labels).append(limit + 1, 1))).to.equal(refused);
    expect(codeOf(() => store.series(labels).appendBits(limit + 1, 0, 0))).to.equal(refused);
    expect(codeOf(() => store.series(labels).appendStale(limit + 1))).to.equal(refused);
    expect(store.appendBatch([{ labels, timestamp: limit + 1, value: 1 }]).rejected).to.deep.equal([
      { index: 0, code: refused },
    ]);
    expect(store.stateCounts().inMemory).to.equal(0);
    const rejected = 'prometheus_local_storage_out_of_order_samples_total';
    expect(await metricOf(store, rejected, { reason: 'too_far_ahead' })).to.equal(5);
    store.append(labels, limit, 1);
    const handle = store.series(labels);
    expect(codeOf(() => handle.append(limit + 1, 1))).to.equal(refused);
    await store.close();
  });

  it('is taken when the clock has come near, without a measurement in between', async () => {
    const { store, clock } = await openMachine({ futureTolerance: '1m' });
    const handle = store.series(labels);
    handle.append(START_MS, 1);
    expect(codeOf(() => handle.append(START_MS + 2 * MINUTE_MS, 1))).to.equal('TIDEMARK_TOO_FAR_AHEAD');
    clock.wallOffsetMs += MINUTE_MS;
    handle.append(START_MS + 2 * MINUTE_MS, 1);
    await store.close();
  });

  it('is taken at any time with futureTolerance off', async () => {
    const machine = await openMachine({ futureTolerance: 'off', retention: 'off' });
    machine.store.append(labels, START_MS + 365 * DAY_MS, 1);
    machine.store.append({ __name__: 'last' }, 8_640_000_000_000_000, 1);
    const { store } = await machine.reopen({ futureTolerance: 0 });
    store.append({ __name__: 'now' }, START_MS, 1);
    expect(codeOf(() => store.append({ __name__: 'now' }, START_MS + 1, 1))).to.equal('TIDEMARK_TOO_FAR_AHEAD');
    await store.close();
  });

  it('is taken as a repetition of the newest', async () => {
    const { store, clock, pass } = await openMachine();
    store.append(labels, START_MS, 1);
    clock.wallOffsetMs -= HOUR_MS;
    await pass(1000);
    store.append(labels, START_MS, 1);
    expect(codeOf(() => store.append(labels, START_MS, 2))).to.equal('TIDEMARK_TOO_FAR_AHEAD');
    await store.close();
  });

  it('is never refused with the time of a clock that jumps', async () => {
    const { store, clock, pass } = await openMachine();
    for (const [index, jump] of [-DAY_MS, HOUR_MS, 3 * DAY_MS, -2 * DAY_MS].entries()) {
      clock.wallOffsetMs += jump;
      store.append({ __name__: 'at once', index: String(index) }, clock.now(), 1);
      await pass(1000);
      store.append({ __name__: 'later', index: String(index) }, clock.now(), 1);
    }
    await store.close();
  });

  it('with a time in a wrong unit is named', async () => {
    const { store } = await openMachine();
    expect(messageOf(() => store.append(labels, START_MS * 1000, 1))).to.match(/looks like microseconds/);
    expect(messageOf(() => store.append(labels, START_MS * 1e6, 1))).to.match(/looks like nanoseconds/);
    expect(messageOf(() => store.append(labels, Math.floor(START_MS / 1000), 1))).to.match(/looks like seconds/);
    expect(messageOf(() => store.append(labels, START_MS + DAY_MS, 1))).to.not.match(/looks like/);
    store.append(labels, START_MS, 1);
    expect(messageOf(() => store.append(labels, START_MS, 2))).to.not.match(/looks like/);
    await store.close();
    const { store: all } = await openMachine({ retention: 'off', outOfOrderWindow: '1h' });
    all.append(labels, START_MS, 1);
    expect(messageOf(() => all.append(labels, Math.floor(START_MS / 1000), 1))).to.match(/looks like seconds/);
    await all.close();
  });
});
