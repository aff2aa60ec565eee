import { expect } from 'chai';
import { systemClock } from '../../src/ports/clock.ts';

describe('the system clock', () => {
  it('lets one of several callers go on in each turn of the event loop, in the order of their calls', async () => {
    let turn = 0;
    let isDone = false;
    const count = (): void => {
      turn++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const gone: { readonly caller: number; readonly turn: number }[] = [];
    const callers = Array.from({ length: 3000 }, (_, caller) => caller);
    await Promise.all(callers.map((caller) => systemClock.breathe().then(() => gone.push({ caller, turn }))));
    isDone = true;
    expect(gone.map(({ caller }) => caller)).to.deep.equal(callers);
    expect(new Set(gone.map((one) => one.turn)).size).to.equal(callers.length);
  });

  it('lets callers go on who come while others wait, and after all have gone', async () => {
    const gone: string[] = [];
    const first = systemClock.breathe().then(async () => {
      gone.push('first');
      await systemClock.breathe();
      gone.push('first again');
    });
    const second = systemClock.breathe().then(() => gone.push('second'));
    await Promise.all([first, second]);
    await systemClock.breathe();
    expect(gone).to.deep.equal(['first', 'second', 'first again']);
  });
});
