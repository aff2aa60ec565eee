/**
 * Random expressions asked of Debian's Prometheus 2.42 and of the engine with closed ranges. A difference must be one of
 * known-differences.ts: then the obvious evaluator gives the engine's answer, and Prometheus' as soon as it imitates
 * these differences. Skipped where `prometheus` and `promtool` are not installed.
 */
import { expect } from 'chai';
import { parse } from '../../src/promql/syntax/parse.ts';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import {
  type Answer,
  columnsOf,
  differenceOf,
  engineAnswer,
  obviousAnswer,
  type Query,
  randomQuery,
  smallest,
  testEngineOptions,
} from './answers.ts';
import { type Version2Difference, version2Differences } from './known-differences.ts';
import type { ObviousSeries, World } from './obvious.ts';
import { hasPrometheus, type PrometheusServer, startPrometheus } from './prometheus-server.ts';
import { commonRangeFunctions, type Piece, randomExpression, textOf } from './random-expressions.ts';
import { randomSeries } from './random-series.ts';

const DATA_SETS = 10;
const EXPRESSIONS = 2000;
const start = 1_600_000_000_000;
const span = { start, end: start + 3_600_000 };
const flavour = { around: start / 1000 + 1800, rangeFunctions: commonRangeFunctions, unpinned: ['predict_linear'] };
const options = { ...testEngineOptions, closedRanges: true };

const worldOf = (series: readonly ObviousSeries[], differences: readonly Version2Difference[]): World => ({
  series,
  closedRanges: true,
  lookbackMs: 300_000,
  defaultStepMs: 60_000,
  differences: new Set(differences),
});

/** Everything on the server, as it understood it. */
const seriesOn = async (server: PrometheusServer): Promise<readonly ObviousSeries[]> => {
  const answer = await server.query('{__name__=~".+"}[2h]', span.end);
  if ('error' in answer) throw new Error(answer.error);
  return answer.series;
};

describe('the engine and Prometheus 2.42', () => {
  before(function () {
    if (!hasPrometheus()) this.skip();
  });

  afterEach(removeTemporaryDirectories);

  for (let seed = 1; seed <= DATA_SETS; seed++) {
    it(`give the same answers but for the known differences (seed ${seed})`, async function () {
      this.timeout(300_000);
      const random = seeded(1000 + 2 * seed);
      const server = await startPrometheus(
        randomSeries(random, { ...span, withStaleMarkers: false }),
        temporaryDirectory(),
      );
      try {
        const series = await seriesOn(server);
        const source = columnsOf(series);
        const version3 = worldOf(series, []);
        const version2 = worldOf(series, Object.keys(version2Differences) as Version2Difference[]);
        const unexplained = async (piece: Piece, query: Query): Promise<string | undefined> => {
          const text = textOf(piece);
          const expr = parse(text);
          const prometheus: Answer = await (query.isInstant
            ? server.query(text, query.start)
            : server.queryRange(text, query));
          const got = await engineAnswer(expr, text, query, source, options);
          const difference = differenceOf(prometheus, got);
          if (difference === undefined) return undefined;
          const isKnown =
            differenceOf(prometheus, obviousAnswer(expr, query, version2)) === undefined &&
            differenceOf(got, obviousAnswer(expr, query, version3)) === undefined;
          return isKnown ? undefined : difference;
        };
        const failures: string[] = [];
        for (let i = 0; i < EXPRESSIONS; i++) {
          const piece = randomExpression(random, flavour);
          const query = randomQuery(random, span);
          const found = await unexplained(piece, query);
          if (found === undefined) continue;
          const least = await smallest(piece, found, (one) => unexplained(one, query));
          failures.push(`${textOf(least.piece)} ${JSON.stringify(query)}: ${least.difference}`);
        }
        expect(failures.join('\n')).to.equal('');
      } finally {
        await server.stop();
      }
    });
  }
});
