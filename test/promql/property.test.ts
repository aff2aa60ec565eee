/** Random expressions over random series: the engine gives what an evaluator gives that is too simple to be wrong. */
import { expect } from 'chai';
import { parse } from '../../src/promql/syntax/parse.ts';
import { seeded } from '../support/seeded.ts';
import {
  columnsOf,
  differenceOf,
  engineAnswer,
  obviousAnswer,
  type Query,
  randomQuery,
  smallest,
  testEngineOptions,
} from './answers.ts';
import { commonRangeFunctions, type Piece, randomExpression, textOf } from './random-expressions.ts';
import { randomSeries } from './random-series.ts';

const EXPRESSIONS = 400;
const HOUR_MS = 3_600_000;
const flavour = { rangeFunctions: [...commonRangeFunctions, 'first_over_time'] };

const compareAll = async (seed: number, closedRanges: boolean, start: number): Promise<void> => {
  const random = seeded(seed);
  const span = { start, end: start + HOUR_MS };
  const series = randomSeries(random, { ...span, withStaleMarkers: true });
  const world = { series, closedRanges, lookbackMs: 300_000, defaultStepMs: 60_000, differences: new Set<never>() };
  const source = columnsOf(series);
  const options = { ...testEngineOptions, closedRanges };
  const difference = async (piece: Piece, query: Query): Promise<string | undefined> => {
    const text = textOf(piece);
    const expr = parse(text, { experimental: true });
    return differenceOf(obviousAnswer(expr, query, world), await engineAnswer(expr, text, query, source, options));
  };
  for (let i = 0; i < EXPRESSIONS; i++) {
    const piece = randomExpression(random, { ...flavour, around: start / 1000 + 1800 });
    const query = randomQuery(random, span);
    const found = await difference(piece, query);
    if (found === undefined) continue;
    const least = await smallest(piece, found, (one) => difference(one, query));
    expect.fail(`seed ${seed}: ${textOf(least.piece)} ${JSON.stringify(query)}: ${least.difference}`);
  }
};

describe('the engine and the obvious evaluator', () => {
  for (const seed of [11, 23, 37]) {
    it(`agree on random expressions, with ranges open to the left (seed ${seed})`, () =>
      compareAll(seed, false, 1_600_000_000_000));
  }

  it('agree with closed ranges', () => compareAll(41, true, 1_600_000_000_000));

  it('agree around the year 1970, where times are negative and divisions truncate', () =>
    compareAll(53, false, -HOUR_MS / 2));
});
