import { expect } from 'chai';
import { LOOP_DELAY_WINDOW_MS, LoopDelay } from '../../../src/store/metrics/loop-delay.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Monitors that are told of delays, all that are enabled alike. */
class Monitors {
  private readonly enabled = new Set<{ max: number }>();

  get count(): number {
    return this.enabled.size;
  }

  readonly make = () => {
    const { enabled } = this;
    const monitor = {
      max: 0,
      percentile: () => monitor.max,
      enable: () => enabled.size < enabled.add(monitor).size,
      disable: () => enabled.delete(monitor),
    };
    return monitor;
  };

  hold(seconds: number): void {
    for (const monitor of this.enabled) monitor.max = Math.max(monitor.max, seconds * 1e9);
  }
}

describe('LoopDelay', () => {
  const begin = () => {
    const clock = new ManualClock(0);
    const monitors = new Monitors();
    return { clock, monitors, delay: new LoopDelay(clock, monitors.make) };
  };

  it('tells everybody who asks of the same delay', () => {
    const { monitors, delay } = begin();
    monitors.hold(2);
    for (let scraper = 0; scraper < 3; scraper++) {
      expect(delay.percentileSeconds(99)).to.equal(2);
      expect(delay.maxSeconds()).to.equal(2);
    }
  });

  it('tells of every delay of the last minute, however often somebody asks, and forgets it after two', () => {
    for (const everyMs of [1000, 7000, 15_000, 59_000]) {
      const { clock, monitors, delay } = begin();
      for (let n = 0; n < 200; n++) {
        clock.step(everyMs);
        delay.maxSeconds();
      }
      monitors.hold(3);
      for (let sinceMs = 0; sinceMs < 4 * LOOP_DELAY_WINDOW_MS; sinceMs += everyMs) {
        const isTold = delay.maxSeconds() === 3;
        if (sinceMs < LOOP_DELAY_WINDOW_MS) expect(isTold, `after ${sinceMs} ms`).to.equal(true);
        if (sinceMs > 2 * LOOP_DELAY_WINDOW_MS + everyMs) expect(isTold, `after ${sinceMs} ms`).to.equal(false);
        clock.step(everyMs);
      }
    }
  });

  it('tells of the time since it was last asked when that is longer', () => {
    const { clock, monitors, delay } = begin();
    clock.step(10 * LOOP_DELAY_WINDOW_MS);
    monitors.hold(3);
    clock.step(10 * LOOP_DELAY_WINDOW_MS);
    expect(delay.maxSeconds()).to.equal(3);
  });

  it('watches no longer when it was stopped', () => {
    const { clock, monitors, delay } = begin();
    clock.step(LOOP_DELAY_WINDOW_MS);
    delay.maxSeconds();
    expect(monitors.count).to.equal(2);
    delay.stop();
    expect(monitors.count).to.equal(0);
  });
});
