/** Rollups: back-filled rules, and the choice of a rollup for a long range. */
import { expect } from 'chai';
import { backfillRules, rollupExpression, rollupRetention, rollupRules } from '../../src/rules/index.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, openMachine, START_MS } from '../store/support.ts';

const temperature = (minute: number): number => Math.round(1000 * Math.sin(minute / 97) + (minute % 7)) / 10;

describe('rollups', () => {
  it('that are back-filled equal those that were evaluated in time, and a second run changes nothing', async () => {
    const { store, clock } = await openMachine({ retention: 'off', futureTolerance: 'off' });
    for (let minute = 0; minute < 3 * 24 * 60; minute += 5) {
      store.append(
        { __name__: 'temperature', room: 'a' },
        START_MS - 3 * DAY_MS + minute * MINUTE_MS,
        temperature(minute),
      );
    }
    const groups = [
      rollupRules({ metrics: ['temperature'], resolution: '1h' }),
      {
        name: 'chain',
        interval: '1h',
        rules: [
          { record: 'first', expr: 'temperature * 2' },
          { record: 'second', expr: 'first + 1', labels: { of: 'first' } },
        ],
      },
    ];
    const options = { from: START_MS - 3 * DAY_MS, through: clock.now() };
    const result = await backfillRules(store, groups, options);
    expect(result.rules).to.equal(7);
    expect(result.rejected).to.equal(0);
    const range = { from: START_MS - 2 * DAY_MS, through: START_MS - HOUR_MS, step: '1h' } as const;
    const [rolled] = (await store.queryRange('rollup:1h:sum:temperature', range)).series;
    const [raw] = (await store.queryRange('sum_over_time(temperature[1h])', range)).series;
    expect([...rolled.values]).to.deep.equal([...raw.values]);
    const [chained] = (await store.queryRange('second{of="first"} - 1 - temperature * 2', range)).series.map(
      ({ values }) => [...values],
    );
    expect(chained ?? []).to.satisfy((values: number[]) => values.every((value) => value === 0));
    expect(await backfillRules(store, groups, options)).to.deep.equal(result);
    await store.close();
  });

  it('choose the coarsest resolution that the step is a multiple of', () => {
    const base = { metric: 'm', function: 'avg', resolutions: ['1h', '1d'], where: 'a="b"' } as const;
    expect(rollupExpression({ ...base, step: '2d' })).to.equal(
      'sum_over_time(rollup:1d:sum:m{a="b"}[2d]) / sum_over_time(rollup:1d:count:m{a="b"}[2d])',
    );
    expect(rollupExpression({ ...base, function: 'max', step: '3h' })).to.equal(
      'max_over_time(rollup:1h:max:m{a="b"}[3h])',
    );
    expect(rollupExpression({ ...base, function: 'last', step: '5m' })).to.equal('last_over_time(m{a="b"}[5m])');
    expect(() => rollupExpression({ ...base, where: '} or up{', step: '1h' })).to.throw();
    expect(rollupRetention('5y', '1h')).to.deep.equal({ selector: '{__name__=~"rollup:1h:.+"}', time: '5y' });
  });
});
