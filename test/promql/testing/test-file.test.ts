import { expect } from 'chai';
import { isStaleAt } from '../../../src/model/staleness.ts';
import { FLOAT, GAP, NATIVE_HISTOGRAM, parseSeriesLine, parseValues } from '../../../src/promql/testing/series-line.ts';
import { type EvalCommand, parseTestFile, TestFileError } from '../../../src/promql/testing/test-file.ts';

const evalOf = (text: string): EvalCommand => {
  const command = parseTestFile(text)[0];
  if (command.kind !== 'eval') throw new Error('no eval');
  return command;
};

describe('the values of a line', () => {
  it('are numbers, repeated and growing numbers', () => {
    expect([...parseValues('7 -1.5 .5 1e3 +Inf -Inf NaN').values]).to.deep.equal([
      7,
      -1.5,
      0.5,
      1000,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ]);
    expect([...parseValues('7x3').values]).to.deep.equal([7, 7, 7, 7]);
    expect([...parseValues('7+2x3 7-2x3').values]).to.deep.equal([7, 9, 11, 13, 7, 5, 3, 1]);
    expect([...parseValues('0x2').values]).to.deep.equal([0, 0, 0]);
  });

  it('may be missing, stale, or native histograms with spaces inside', () => {
    const { kinds, values } = parseValues('_ 1 _x2 stale {{count:1 sum:2}} {{}}+{{ sum:1 }}x1');
    expect([...kinds]).to.deep.equal([
      ...[GAP, FLOAT, GAP, GAP, FLOAT],
      ...[NATIVE_HISTOGRAM, NATIVE_HISTOGRAM, NATIVE_HISTOGRAM],
    ]);
    expect(isStaleAt(values, 4)).to.equal(true);
    expect(isStaleAt(values, 1)).to.equal(false);
  });

  it('are refused beyond a million, and if they are no values', () => {
    expect(() => parseValues('1x999999999')).to.throw('1000000 values');
    expect(() => parseValues('1 two')).to.throw('two');
  });
});

describe('the labels of a line', () => {
  it('are a name, labels in braces, quoted names, and end where the values begin', () => {
    const line = parseSeriesLine(`up{job="a b", 'x.y'='}', "empty"="",} 1 2`);
    expect(line.labels).to.deep.equal(['__name__', 'up', 'job', 'a b', 'x.y', '}']);
    expect([...line.values]).to.deep.equal([1, 2]);
    expect(parseSeriesLine('{"a.b", c="\\n"} 1').labels).to.deep.equal(['__name__', 'a.b', 'c', '\n']);
    expect(parseSeriesLine('{} 1').labels).to.deep.equal([]);
    expect(parseSeriesLine('up').labels).to.deep.equal(['__name__', 'up']);
  });

  it('may be followed by the times at which counters started', () => {
    expect(parseSeriesLine('up{a="b"}@st 1s 2s').isStartTimestamps).to.equal(true);
  });

  it('are refused if they are incomplete', () => {
    for (const line of ['', '{', 'up{job}', 'up{job="a"', 'up{"a", "b"} 1', '1 2']) {
      expect(() => parseSeriesLine(line), line).to.throw('expected a series');
    }
  });
});

describe('a test file', () => {
  it('is a list of commands; comments and empty lines end a block', () => {
    const text = [
      'load 5m',
      '  a 1 2',
      '  # a comment',
      'load_with_nhcb 30s',
      '  b 1',
      '',
      'clear',
      'eval instant at 50m a',
      '  {} 1',
    ];
    expect(parseTestFile(text.join('\n')).map(({ kind }) => kind)).to.deep.equal(['load', 'load', 'clear', 'eval']);
  });

  it('says at which times an expression is evaluated', () => {
    expect(evalOf('eval instant at 1h30m a + b')).to.include({
      text: 'a + b',
      start: 5_400_000,
      end: 5_400_000,
      isInstant: true,
      line: 1,
    });
    expect(evalOf('\neval instant at -1.5 a')).to.include({ start: -1500, line: 2 });
    const range = evalOf('EVAL range from 0 to 10m step 30s sum(a)\n  {} 1 2');
    expect(range).to.include({ start: 0, end: 600_000, stepMs: 30_000, isInstant: false, text: 'sum(a)' });
    expect(range.expected.times).to.deep.equal({ start: 0, stepMs: 30_000 });
  });

  it('has the expectations of 2.x and of 3.x', () => {
    expect(evalOf('eval_ordered instant at 0 a').expected.isOrdered).to.equal(true);
    expect(evalOf('eval instant at 0 a\n expect ordered').expected.isOrdered).to.equal(true);
    expect(evalOf('eval_fail instant at 0 a').expected.failure?.length).to.equal(1);
    const { failure } = evalOf('eval instant at 0 a\n expect fail msg: two words').expected;
    expect(failure?.[0].accepts('two words')).to.equal(true);
    expect(failure?.[0].accepts('two words more')).to.equal(false);
    const older = evalOf('eval_fail instant at 0 a\n expected_fail_regexp w.rds').expected.failure;
    expect(older?.map(({ accepts }) => accepts('two words more'))).to.deep.equal([true, true]);
    expect(older?.map(({ accepts }) => accepts('two wds'))).to.deep.equal([true, false]);
    const { annotations, forbidden } = evalOf('eval_warn instant at 0 a\n expect no_info').expected;
    expect([annotations.warn?.length, annotations.info, [...forbidden]]).to.deep.equal([1, undefined, ['info']]);
  });

  it('has scalars, strings and rows as results', () => {
    expect([...(evalOf('eval instant at 0 1\n -0x10').expected.scalar ?? [])]).to.deep.equal([-16]);
    expect(evalOf('eval instant at 0 "a"\n expect string `a\\b`').expected.text).to.equal('a\\b');
    const range = evalOf('eval instant at 0 a[1m]\n expect range vector from 1s to 3s step 1s\n a 1 2 3');
    expect(range.expected.times).to.deep.equal({ start: 1000, stepMs: 1000 });
    expect(range.expected.rows.length).to.equal(1);
  });

  it('names the line of a mistake', () => {
    const mistakes: readonly (readonly [string, number])[] = [
      ['\nnonsense', 2],
      ['load 5x', 1],
      ['load 5m\n  a 1\n  b two', 3],
      ['eval instant at noon a', 1],
      ['eval instant a', 1],
      ['eval instant at 0 a\n  expect nothing', 2],
      ['eval instant at 0 a\n  expect fail regex: (', 2],
    ];
    for (const [text, line] of mistakes) {
      expect(() => parseTestFile(text), text)
        .to.throw(TestFileError)
        .with.property('line', line);
    }
  });
});
