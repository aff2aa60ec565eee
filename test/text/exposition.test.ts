import { expect } from 'chai';
import fc from 'fast-check';
import { parseExpositionLine, toMilliseconds, unitShownBy } from '../../src/text/exposition.ts';
import { LineError } from '../../src/text/json-lines.ts';
import { formatLabels } from '../../src/text/label-text.ts';
import { formatValue } from '../../src/text/values.ts';

const sample = (line: string) => {
  const parsed = parseExpositionLine(line);
  if (parsed.kind !== 'sample') throw new Error(`${line} is ${parsed.kind}`);
  return parsed.sample;
};

describe('the Prometheus text formats', () => {
  it('reads names, labels, values and timestamps', () => {
    expect(sample('http_requests_total{method="post",code="200",} 1027 1395066363000')).to.deep.equal({
      labels: { __name__: 'http_requests_total', method: 'post', code: '200' },
      value: 1027,
      timestampText: '1395066363000',
      hasExemplar: false,
    });
    expect(sample('up 1')).to.deep.equal({
      labels: { __name__: 'up' },
      value: 1,
      timestampText: undefined,
      hasExemplar: false,
    });
  });

  it('takes blanks and tabs between all parts', () => {
    expect(sample(' up \t{ a = "b" ,  c="d" }\t 3  5 ').labels).to.deep.equal({ __name__: 'up', a: 'b', c: 'd' });
  });

  it('unescapes label values', () => {
    expect(sample('m{a="x\\"y\\\\z\\nw\\q"} 1').labels['a']).to.equal('x"y\\z\nw\\q');
  });

  it('reads quoted UTF-8 names', () => {
    expect(sample('{"my.metric", "a.b"="c", d="e"} 4').labels).to.deep.equal({
      __name__: 'my.metric',
      'a.b': 'c',
      d: 'e',
    });
  });

  it('reads over exemplars', () => {
    const line = 'latency_bucket{le="0.1"} 17 1395066363.123 # {trace_id="x y"} 0.05 1395066363.1';
    expect(sample(line)).to.include({ value: 17, timestampText: '1395066363.123' });
    expect(sample('latency_bucket{le="0.1"} 17 # {trace_id="x"} 0.05')).to.include({ timestampText: undefined });
  });

  it('tells metadata, the end mark, comments and blank lines apart', () => {
    expect(parseExpositionLine('# TYPE up gauge')).to.include({ kind: 'metadata', keyword: 'TYPE' });
    expect(parseExpositionLine('# UNIT x seconds')).to.include({ kind: 'metadata', keyword: 'UNIT' });
    expect(parseExpositionLine('# EOF').kind).to.equal('end');
    expect(parseExpositionLine('# what a day').kind).to.equal('empty');
    expect(parseExpositionLine('  ').kind).to.equal('empty');
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ['up', /column 3: expected a value/],
    ['up x', /"x" is not a number/],
    ['up 1 later', /"later" is not a timestamp/],
    ['up 1 2 3', /unexpected text/],
    ['up{a} 1', /expected "=" after the label name/],
    ['up{a="1" b="2"} 1', /expected ","/],
    ['up{a="1",a="2"} 1', /"a" occurs twice/],
    ['up{"other"} 1', /"__name__" occurs twice/],
    ['up{a="1} 1', /ends inside a quoted text/],
    ['up{a="1\\', /ends inside a quoted text/],
    ['{a="1"} 1', /expected a metric name/],
    ['1up 1', /expected a metric name/],
    ['up 1e999', /"1e999" is not a number/],
    ['up 0x10', /"0x10" is not a number/],
    ['up 1_000', /"1_000" is not a number/],
    ['up -NaN', /"-NaN" is not a number/],
    ['up 1 # {a="b"}', /expected a value/],
    ['up 1 # comment', /expected "\{"/],
    ['{""} 1', /expected a label name/],
    ['{"m",""="x"} 1', /expected a label name/],
    ['{} 1', /expected a metric name/],
    ['up\u0000 1', /is not a number|expected a value/],
  ];
  for (const [line, message] of bad)
    it(`says what is wrong with ${line}`, () => {
      expect(() => parseExpositionLine(line)).to.throw(LineError, message);
    });

  it('turns timestamps into milliseconds by their unit', () => {
    expect(toMilliseconds('1395066363.123', 'seconds')).to.equal(1395066363123);
    expect(toMilliseconds('1395066363000', 'milliseconds')).to.equal(1395066363000);
    expect(() => toMilliseconds('1e300', 'seconds')).to.throw(LineError);
  });

  it('takes only whole milliseconds in 0.0.4', () => {
    for (const text of ['1395066363.5', '1.7e12', '1700000000000.0'])
      expect(() => toMilliseconds(text, 'milliseconds')).to.throw(LineError, /whole number/);
  });

  it('knows the unit of a timestamp only where it cannot be the other', () => {
    const units = ['1395066363.5', '1e9', '1395066363', '0', '-5', '1395066363000', '-1395066363000'].map(unitShownBy);
    expect(units).to.deep.equal([
      'seconds',
      'seconds',
      undefined,
      undefined,
      undefined,
      'milliseconds',
      'milliseconds',
    ]);
  });

  it('tells metadata that only OpenMetrics has from what 0.0.4 takes as a comment', () => {
    const only = (line: string) => {
      const parsed = parseExpositionLine(line);
      return parsed.kind === 'metadata' && parsed.onlyOpenMetrics;
    };
    const own = ['# TYPE build info', '# TYPE x stateset', '# UNIT latency_seconds seconds'];
    const shared = ['# TYPE x counter', '# TYPE x', '# UNIT tests follow', '# UNIT x', '# HELP x info'];
    expect(own.map(only)).to.deep.equal([true, true, true]);
    expect(shared.map(only)).to.deep.equal([false, false, false, false, false]);
  });

  it('reads back any label set and value that the writer writes', () => {
    const names = fc.oneof(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]*$/), fc.string({ minLength: 1 }));
    const labels = fc.dictionary(names, fc.string({ minLength: 1 }), { noNullPrototype: true });
    fc.assert(
      fc.property(names, labels, fc.double(), fc.maxSafeInteger(), (name, others, value, time) => {
        const given = { ...others, __name__: name };
        const read = sample(`${formatLabels(given)} ${formatValue(value)} ${time}`);
        expect({ ...read.labels }).to.deep.equal({ ...given });
        expect(Object.is(read.value, value)).to.equal(true);
        expect(Number(read.timestampText)).to.equal(time);
      }),
    );
  });

  it('answers any text with a line or a LineError', () => {
    const fragments = fc.constantFrom(
      'up',
      '{',
      '}',
      '"',
      '=',
      ',',
      '\\',
      ' ',
      '1',
      '#',
      'a',
      'EOF',
      '\t',
      'é',
      '-',
      '.',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragments).map((parts) => parts.join('')),
        ),
        (line) => {
          try {
            parseExpositionLine(line);
          } catch (error) {
            expect(error).to.be.instanceOf(LineError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
