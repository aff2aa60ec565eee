import { expect } from 'chai';
import { Slices } from '../../src/async/slices.ts';
import { Turn } from '../../src/async/turn.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('Turn', () => {
  it('begins with the first caller, and ends with the turn of the event loop', async () => {
    const clock = new ManualClock();
    const turn = new Turn(clock);
    const first = turn.begunAt;
    clock.advance(5);
    expect(turn.begunAt).to.equal(first);
    expect(new Slices(clock, turn.begunAt).isOver).to.equal(true);
    await clock.breathe();
    expect(turn.begunAt).to.equal(first + 5);
  });

  it('does not wait for others that wait for a turn', async () => {
    const turn = new Turn(systemClock);
    const others = Array.from({ length: 50 }, () => systemClock.breathe());
    const first = turn.begunAt;
    while (performance.now() <= first);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(turn.begunAt).to.be.above(first);
    await Promise.all(others);
  });
});
