import { expect } from 'chai';
import { TidemarkError } from '../../../src/model/errors.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import type { Answer } from '../../../src/promql/testing/compare.ts';
import { isAlmostEqual } from '../../../src/promql/testing/compare.ts';
import { memoryStorage } from '../../../src/promql/testing/memory-source.ts';
import { failureText, reportLine } from '../../../src/promql/testing/report.ts';
import { suiteEngine } from '../../../src/promql/testing/suite.ts';
import { type PromqlTestReport, type Question, runPromqlTest } from '../../../src/promql/testing/test-run.ts';

const engine = suiteEngine({
  isVersion2: false,
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
  now: () => performance.now(),
});

const run = (lines: readonly string[], evaluate = engine.evaluate): Promise<PromqlTestReport> =>
  runPromqlTest(lines.join('\n'), { name: 'own.test', storage: memoryStorage(), ...engine, evaluate });

const load = ['load 1m', '  a{x="1"} 0+1x10', '  a{x="2"} 0+2x10', ''];

/** The failure of a file with one eval. */
const failureOf = async (lines: readonly string[]): Promise<string> => {
  const { failures } = await run([...load, ...lines]);
  expect(failures.length).to.equal(1);
  return failureText('own.test', failures[0]);
};

describe('a run of a test file', () => {
  it('counts evals that give what they must', async () => {
    const report = await run([
      ...load,
      'eval instant at 5m a',
      '  a{x="2"} 10',
      '  a{x="1"} 5',
      '',
      'eval range from 0 to 2m step 1m sum(a)',
      '  {} 0 3 6',
      '',
      'eval instant at 5m 1 + 1',
      '  2',
      '',
      'eval instant at 5m "text"',
      '  expect string "text"',
      '',
      'eval instant at 5m a[2m]',
      '  expect range vector from 4m to 5m step 1m',
      '  a{x="1"} 4 5',
      '  a{x="2"} 8 10',
      '',
      'eval instant at 5m sort_desc(a)',
      '  expect ordered',
      '  a{x="2"} 10',
      '  a{x="1"} 5',
      '',
      'eval instant at 5m a + on () a',
      '  expect fail regex: many-to-many',
      '',
      'clear',
      '',
      'eval instant at 5m a',
    ]);
    expect(report.failures).to.deep.equal([]);
    expect(reportLine(report)).to.equal('own.test: 8 passed, 0 failed, 0 skipped');
  });

  it('tells what was expected, what came, and where', async () => {
    expect(await failureOf(['eval instant at 5m a{x="1"}', '  a{x="1"} 6'])).to.equal(
      ['own.test:5: a{x="1"}', '  asked:    instant', '  expected: a{x="1"} 6', '  got:      a{x="1"} 5'].join('\n'),
    );
  });

  it('finds missing and unexpected series, other types, and a wrong order', async () => {
    expect(await failureOf(['eval instant at 5m a', '  a{x="1"} 5'])).to.include('got:      a{x="2"} 10');
    expect(await failureOf(['eval instant at 5m a{x="1"}', '  a{x="1"} 5', '  b 1'])).to.include('expected: b 1');
    expect(await failureOf(['eval instant at 5m 5', '  {} 5'])).to.include('got:      a scalar');
    expect(await failureOf(['eval instant at 5m vector(5)', '  5'])).to.include('expected: a scalar');
    expect(await failureOf(['eval instant at 5m a[1m]', '  a 5'])).to.include('got:      a matrix');
    const ordered = ['eval_ordered instant at 5m sort(a)', '  a{x="2"} 10', '  a{x="1"} 5'];
    expect(await failureOf(ordered)).to.include('expected: a{x="2"} at place 1');
  });

  it('finds values at other times of a range', async () => {
    const gap = ['eval range from 10m to 16m step 2m a{x="1"}', '  a{x="1"} 10 10 10 10'];
    expect(await failureOf(gap)).to.include('got:      a{x="1"} 10@600s 10@720s 10@840s');
    expect((await run([...load, gap[0], '  a{x="1"} 10 10 10 _'])).passed).to.equal(1);
  });

  it('finds errors that must not be, and misses those that must', async () => {
    expect(await failureOf(['eval instant at 5m a +', '  {} 1'])).to.include('parse error');
    expect(await failureOf(['eval_fail instant at 5m a'])).to.include('expected: an error');
    const other = await failureOf(['eval instant at 5m a + on () a', '  expect fail msg: something else']);
    expect(other)
      .to.include('expected: the error: something else')
      .and.to.include('got:      the error: found duplicate');
  });

  it('does not take a defect of the engine for an expected failure', async () => {
    const { failures } = await run([...load, 'eval_fail instant at 5m a'], () =>
      Promise.reject(new TypeError('defect')),
    );
    expect(failures[0].got).to.include('the engine has failed: defect');
  });

  it('compares annotations that are declared, and no others', async () => {
    const quantile = 'eval instant at 5m quantile(2, a)';
    const row = '  {} +Inf';
    const text = 'PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)';
    expect((await run([...load, quantile, row])).passed).to.equal(1);
    expect((await run([...load, quantile, `  expect warn msg: ${text}`, row])).passed).to.equal(1);
    expect((await run([...load, quantile, '  expect warn regex: got 2', '  expect no_info', row])).passed).to.equal(1);
    expect(await failureOf([quantile, '  expect no_warn', row])).to.include('expected: no warn');
    expect(await failureOf([quantile, '  expect warn msg: other', row])).to.include(`got:      ${text}`);
    expect(await failureOf(['eval_info instant at 5m a{x="1"}', '  a{x="1"} 5'])).to.include('got:      no info');
  });

  it('skips evals that read native histograms, and only these', async () => {
    const report = await run([
      'load 1m',
      '  a 1 1 {{count:1}} {{count:1}}',
      '  b 1 1 1 1',
      '',
      'eval instant at 3m a',
      '  a {{count:1}}',
      '',
      'eval instant at 3m count(a)',
      '  {} 1',
      '',
      'eval instant at 1m a',
      '  a 1',
      '',
      'eval instant at 3m b',
      '  b 1',
      '',
      'eval instant at 3m rate(b[1m] smoothed)',
      '  {} 0',
    ]);
    expect(reportLine(report)).to.equal('own.test: 2 passed, 0 failed, 3 skipped (2 native histograms, 1 smoothed)');
  });

  describe('asks each instant query in more ways', () => {
    const questionsFor = async (text: string): Promise<readonly Question[]> => {
      const asked: Question[] = [];
      await run([...load, text, '  {} 5'], (source, question) => {
        asked.push(question);
        return engine.evaluate(source, question);
      });
      return asked;
    };
    const timesOf = (questions: readonly Question[]): readonly string[] =>
      questions.map(({ start, end, isInstant }) => (isInstant ? `${start / 1000}` : `${start / 1000}..${end / 1000}`));

    it('pinned to its time at other times, and each as a range', async () => {
      expect(timesOf(await questionsFor('eval instant at 5m sum(a{x="1"})'))).to.deep.equal([
        ...['300', '240..360', '-3000', '-3060..-2940', '0', '-60..60'],
        ...['60', '0..120', '300', '240..360', '3000', '2940..3060'],
      ]);
    });

    it('but not at other times if its value depends on the time', async () => {
      expect(timesOf(await questionsFor('eval instant at 5m vector(time() - 295)'))).to.deep.equal(['300', '240..360']);
    });

    it('but not as a range if its value depends on that', async () => {
      expect(timesOf(await questionsFor('eval instant at 5m sum(a{x="1"} @ end())'))).to.deep.equal([
        ...['300', '-3000', '0', '60', '300', '3000'],
      ]);
    });

    it('and says in which of them the result was wrong', async () => {
      const wrongInRange = async (
        source: Parameters<typeof engine.evaluate>[0],
        question: Question,
      ): Promise<Answer> => {
        const answer = await engine.evaluate(source, question);
        return question.isInstant ? answer : { ...answer, series: [] };
      };
      const { failures } = await run([...load, 'eval instant at 5m sum(a{x="1"})', '  {} 5'], wrongInRange);
      expect(failures[0].asked).to.equal('instant, as the middle step of a range query');
      const wrongWhenPinned = (source: Parameters<typeof engine.evaluate>[0], question: Question): Promise<Answer> =>
        question.start === 60_000 && question.isInstant
          ? Promise.reject(new TidemarkError('TIDEMARK_QUERY_FAILED', 'wrong'))
          : engine.evaluate(source, question);
      const pinned = await run([...load, 'eval instant at 5m sum(a{x="1"})', '  {} 5'], wrongWhenPinned);
      expect(pinned.failures[0].asked).to.equal('with @ 300 at 60s');
    });
  });

  it('loads later values of the same series over earlier ones', async () => {
    const report = await run(['load 1m', '  a 1 2 3', '', 'load 2m', '  a 7 8', '', 'eval instant at 2m a', '  a 8']);
    expect(report.failures).to.deep.equal([]);
  });
});

describe('equal but for rounding', () => {
  const isEqual = (a: number, b: number): boolean => isAlmostEqual(Float64Array.of(a), 0, Float64Array.of(b), 0);
  const stale = new Float64Array(BigUint64Array.of(0x7ff0000000000002n).buffer);

  it('is relative, and exact for zero', () => {
    expect(isEqual(1, 1 + 1e-6)).to.equal(true);
    expect(isEqual(1, 1 + 3e-6)).to.equal(false);
    expect(isEqual(1e300, -1e300)).to.equal(false);
    expect(isEqual(0, 1e-300)).to.equal(false);
    expect(isEqual(0, -0)).to.equal(true);
    expect(isEqual(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).to.equal(true);
    expect(isEqual(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)).to.equal(false);
    expect(isEqual(Number.MAX_VALUE, Number.MAX_VALUE * (1 - 1e-9))).to.equal(true);
  });

  it('takes a stale marker only for a stale marker', () => {
    expect(isEqual(Number.NaN, Number.NaN)).to.equal(true);
    expect(isAlmostEqual(stale, 0, Float64Array.of(Number.NaN), 0)).to.equal(false);
    expect(isAlmostEqual(stale, 0, stale.slice(), 0)).to.equal(true);
  });
});

describe('the parser of the suite', () => {
  it('allows experimental functions, which the parser otherwise refuses', () => {
    expect(() => parse('mad_over_time(a[5m])')).to.throw('experimental');
    expect(engine.parse('mad_over_time(a[5m])').kind).to.equal('call');
  });
});
