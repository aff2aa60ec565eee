import { expect } from 'chai';
import fc from 'fast-check';
import { jsonLinePieces, LineError, parseJsonLine } from '../../src/text/json-lines.ts';

const write = (
  series: { labels: Record<string, string>; timestamps: number[]; values: number[] },
  options: { bits?: boolean } = {},
): string =>
  [
    ...jsonLinePieces(
      {
        labels: series.labels,
        timestamps: Float64Array.from(series.timestamps),
        values: Float64Array.from(series.values),
      },
      options,
    ),
  ].join('');

describe('JSON lines', () => {
  it('has the shape that VictoriaMetrics exports', () => {
    const line = write({ labels: { job: 'x', __name__: 'up' }, timestamps: [1000, 2000], values: [1, Number.NaN] });
    expect(line).to.equal('{"metric":{"__name__":"up","job":"x"},"values":[1,"NaN"],"timestamps":[1000,2000]}\n');
  });

  it('writes infinities as strings, negative zero as a number, and bit patterns on demand', () => {
    const series = { labels: { __name__: 'm' }, timestamps: [1, 2, 3], values: [Infinity, -Infinity, -0] };
    expect(write(series)).to.contain('"values":["+Inf","-Inf",-0]');
    expect(write(series, { bits: true })).to.contain(
      '"values":["7ff0000000000000","fff0000000000000","8000000000000000"]',
    );
  });

  it('reads back what it wrote, samples and labels', () => {
    const samples = fc.array(fc.tuple(fc.maxSafeInteger(), fc.double()), { maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ minLength: 1 })), samples, (labels, pairs) => {
        const given = { labels, timestamps: pairs.map(([t]) => t), values: pairs.map(([, v]) => v) };
        const read = parseJsonLine(write(given));
        expect({ ...read.labels }).to.deep.equal({ ...labels });
        expect(read.timestamps.map((t) => t + 0)).to.deep.equal(given.timestamps.map((t) => t + 0));
        expect(read.values).to.deep.equal(given.values);
      }),
    );
  });

  it('reads bit patterns as high and low halves', () => {
    const line = '{"metric":{"__name__":"m"},"values":["7ff0000000000002"],"timestamps":[5]}';
    expect(parseJsonLine(line, { bits: true }).bits).to.deep.equal([0x7ff00000, 2]);
  });

  it('writes a long series in pieces that join to one line', () => {
    const count = 20_000;
    const timestamps = Array.from({ length: count }, (_, i) => i);
    const pieces = [
      ...jsonLinePieces({
        labels: { __name__: 'm' },
        timestamps: Float64Array.from(timestamps),
        values: Float64Array.from(timestamps),
      }),
    ];
    expect(pieces.length).to.be.greaterThan(4);
    expect(parseJsonLine(pieces.join('')).timestamps).to.deep.equal(timestamps);
  });

  it('takes null as NaN, as VictoriaMetrics may write it', () => {
    expect(parseJsonLine('{"metric":{},"values":[null],"timestamps":[1]}').values).to.deep.equal([Number.NaN]);
  });

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['text that is not JSON', '{"metric"', /not JSON/],
    ['something else than an object', '[1]', /must be an object/],
    ['a label whose value is no string', '{"metric":{"a":1},"values":[],"timestamps":[]}', /label "a"/],
    ['more values than timestamps', '{"metric":{},"values":[1,2],"timestamps":[1]}', /2 values but 1 timestamps/],
    ['a fraction of a millisecond', '{"metric":{},"values":[1],"timestamps":[1.5]}', /timestamp 1, 1.5/],
    ['a value of another type', '{"metric":{},"values":[true],"timestamps":[1]}', /value 1, true/],
    ['a value that is no number', '{"metric":{},"values":["x"],"timestamps":[1]}', /value 1, "x"/],
    ['missing values', '{"metric":{},"timestamps":[1]}', /"values" must be an array/],
  ];
  for (const [title, line, message] of bad)
    it(`says what is wrong with ${title}`, () => {
      expect(() => parseJsonLine(line)).to.throw(LineError, message);
    });

  it('answers any text with a line or a LineError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        try {
          parseJsonLine(line);
        } catch (error) {
          expect(error).to.be.instanceOf(LineError);
        }
      }),
    );
  });
});
