import { expect } from 'chai';
import { drive } from '../../src/simulation/drive.ts';
import { WALL_START_MS } from '../../src/simulation/timeline.ts';
import { World } from '../../src/simulation/world.ts';

describe('The simulated clock', () => {
  it('runs timers by their moment, and in the order of setting when due at once', async () => {
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

  it('drains promises between two timers', async () => {
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

  it('moves wall time alone when the clock jumps', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    await world.advance(1000);
    expect(clock.now()).to.equal(WALL_START_MS + 1000);
    const before = clock.monotonic();
    world.timeline.jumpWall(-3_600_000);
    expect(clock.now()).to.equal(WALL_START_MS + 1000 - 3_600_000);
    expect(clock.monotonic()).to.be.within(before, before + 1);
  });

  it('passes a hair of time with each reading, so that work cut by time is cut', () => {
    const { clock } = new World({ seed: 1, directory: '/store' }).boot();
    const start = clock.monotonic();
    let readings = 0;
    while (clock.monotonic() - start < 1) readings++;
    expect(readings).to.be.within(100, 1000);
  });

  it('drives an operation through breaths and timers to its value', async () => {
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

  it('says that an operation is stuck when nothing can settle it, or when it takes for ever', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { clock } = world.boot();
    const tick = (): void => {
      clock.setTimeout(tick, 1_000);
    };
    tick();
    const outcome = await drive(world.timeline, world.process, () => new Promise(() => {}));
    expect(outcome.kind).to.equal('stuck');
  });

  it('runs nothing of a process that is dead', async () => {
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

  it('hands over what a timer threw', async () => {
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
