/** A month simulated: rollups equal a query over the raw samples. */
import { expect } from 'chai';
import { queryRollup, rollupRules, startRules } from '../../src/rules/index.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, openMachine, START_MS } from '../store/support.ts';

const temperature = (minute: number): number => Math.round(1000 * Math.sin(minute / 97) + (minute % 7)) / 10;

describe('rollups', () => {
  it('of a simulated month equal a query over the raw samples', async () => {
    const { store, clock } = await openMachine({ retention: 'off', futureTolerance: 'off' });
    const group = rollupRules({ metrics: ['temperature'], resolution: '1h' });
    // The test has a pace of its own: one evaluation for each hour.
    const rules = await startRules(store, { ...group, interval: '1000d' }, { clock });
    const days = 30;
    for (let hour = 1; hour <= days * 24; hour++) {
      for (let minute = 0; minute < 60; minute += 10) {
        const at = START_MS + (hour - 1) * HOUR_MS + minute * MINUTE_MS + 1;
        store.append({ __name__: 'temperature', room: 'a' }, at, temperature(hour * 60 + minute));
      }
      clock.step(HOUR_MS);
      await rules.evaluate(START_MS + hour * HOUR_MS);
    }
    await rules.stop();
    const range = { from: START_MS + HOUR_MS, through: START_MS + days * DAY_MS, step: '1h' } as const;
    for (const fn of ['min', 'max', 'sum', 'count', 'last']) {
      const [rolled] = (await store.queryRange(`last_over_time(rollup:1h:${fn}:temperature[1ms])`, range)).series;
      const [raw] = (await store.queryRange(`${fn}_over_time(temperature[1h])`, range)).series;
      expect([...rolled.timestamps], fn).to.deep.equal([...raw.timestamps]);
      expect([...rolled.values], fn).to.deep.equal([...raw.values]);
    }
    const query = {
      metric: 'temperature',
      resolutions: ['1h'],
      step: '1d',
      from: START_MS + DAY_MS,
      through: range.through,
    };
    for (const fn of ['min', 'max', 'count', 'last', 'avg'] as const) {
      const fromRollups = await queryRollup(store, { ...query, function: fn });
      const fromSamples = await queryRollup(store, { ...query, function: fn, resolutions: [] });
      expect(fromRollups.series[0].values.length).to.equal(days);
      for (const [i, value] of fromSamples.series[0].values.entries()) {
        expect(fromRollups.series[0].values[i], fn).to.be.closeTo(value, 1e-9);
      }
    }
    await store.close();
  });
});
