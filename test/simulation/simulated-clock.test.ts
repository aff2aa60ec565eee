import { expect } from 'chai';
import { drive } from './drive.ts';
import { WALL_START_MS } from './timeline.ts';
import { World } from './world.ts';

describe('The simulated clock', () => {
  it('runs timers in the order of their due times, and in the order of setting if due together', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const ran: string[] = [];
    clock.setTimeout(() => ran.push('late'), 50);
    clock.setTimeout(() => ran.push('first'), 10);
    clock.setTimeout(() => ran.push('second'), 10);
    clock.clearTimeout(clock.setTimeout(() => ran.push('cleared'), 20));
    await world.advance(30);
    expect(ran).to.deep.equal(['first', 'second']);
    await world.advance(30);
    expect(ran).to.deep.equal(['first', 'second', 'late']);
  });

  it('runs all callbacks of promises between two timers', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const ran: string[] = [];
    clock.setTimeout(async () => {
      for (let i = 0; i < 20; i++) await undefined;
      ran.push('what the first timer began');
    }, 1);
    clock.setTimeout(() => ran.push('second timer'), 2);
    await world.advance(5);
    expect(ran).to.deep.equal(['what the first timer began', 'second timer']);
  });

  it('moves only wall time when the clock jumps', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    await world.advance(1000);
    expect(clock.now()).to.equal(WALL_START_MS + 1000);
    const before = clock.monotonic();
    world.timeline.jumpWall(-3_600_000);
    expect(clock.now()).to.equal(WALL_START_MS + 1000 - 3_600_000);
    expect(clock.monotonic()).to.be.within(before, before + 1);
  });

  it('advances a little with each reading, so that work in slices of time ends its slice', () => {
    const { clock } = new World({ seed: 1, directory: '/store' }).boot();
    const start = clock.monotonic();
    let readings = 0;
    while (clock.monotonic() - start < 1) readings++;
    expect(readings).to.be.within(100, 1000);
  });

  it('runs an operation with breaths and timers to its value', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const outcome = await world.run(async () => {
      for (let i = 0; i < 10; i++) await clock.breathe();
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 60_000));
      return 42;
    });
    expect(outcome).to.deep.equal({ kind: 'value', value: 42 });
    expect(world.timeline.monotonicMs).to.be.within(60_000, 60_001);
  });

  it('reports an operation as stuck if it never settles while timers go on', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const tick = (): void => {
      clock.setTimeout(tick, 1_000);
    };
    tick();
    const outcome = await drive(world.timeline, world.process, () => new Promise(() => {}));
    expect(outcome.kind).to.equal('stuck');
  });

  it('runs no task of a dead process', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const ran: string[] = [];
    clock.setTimeout(() => ran.push('timer'), 10);
    void clock.breathe().then(() => ran.push('breath'));
    world.crash('kill');
    const next = world.boot();
    next.clock.setTimeout(() => ran.push('next'), 10);
    await world.advance(100);
    expect(ran).to.deep.equal(['next']);
  });

  it('passes an error that a timer throws to onUncaught', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const uncaught: unknown[] = [];
    world.timeline.onUncaught = (error) => uncaught.push(error);
    clock.setTimeout(() => {
      throw new Error('of a timer');
    }, 1);
    await world.advance(5);
    expect(uncaught).to.have.length(1);
  });
});
