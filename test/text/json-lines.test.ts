import { expect } from 'chai';
import fc from 'fast-check';
import { jsonLinePieces, LineError, parseJsonLine, samplesPerLine } from '../../src/text/json-lines.ts';
import { parseLongJsonLine } from '../../src/text/long-json-line.ts';

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
    const line = write({ labels: { job: 'x', __name__: 'up' }, timestamps: [1000, 2000], values: [1, -0] });
    expect(line).to.equal('{"metric":{"__name__":"up","job":"x"},"values":[1,-0],"timestamps":[1000,2000]}\n');
  });

  it('writes NaN and the infinities in lines of their own, in order of time, and bit patterns in one line', () => {
    const values = [1, Number.NaN, Infinity, -Infinity, -0];
    const series = { labels: { __name__: 'm' }, timestamps: [1, 2, 3, 4, 5], values };
    expect(write(series)).to.equal(
      '{"metric":{"__name__":"m"},"values":[1],"timestamps":[1]}\n' +
        '{"metric":{"__name__":"m"},"values":[null,"Infinity","-Infinity"],"timestamps":[2,3,4]}\n' +
        '{"metric":{"__name__":"m"},"values":[-0],"timestamps":[5]}\n',
    );
    expect(write(series, { bits: true })).to.equal(
      '{"metric":{"__name__":"m"},"values":["3ff0000000000000","7ff8000000000000","7ff0000000000000",' +
        '"fff0000000000000","8000000000000000"],"timestamps":[1,2,3,4,5]}\n',
    );
  });

  it('reads back what it wrote, samples and labels', () => {
    const samples = fc.array(fc.tuple(fc.maxSafeInteger(), fc.double()), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ minLength: 1 })), samples, (labels, pairs) => {
        const given = { labels, timestamps: pairs.map(([t]) => t), values: pairs.map(([, v]) => v) };
        const lines = write(given).trimEnd().split('\n');
        const read = lines.map((line) => parseJsonLine(line));
        for (const one of read) expect({ ...one.labels }).to.deep.equal({ ...labels });
        const timestamps = read.flatMap((one) => Array.from(one.timestamps, (t) => t + 0));
        expect(timestamps).to.deep.equal(given.timestamps.map((t) => t + 0));
        expect(read.flatMap((one) => Array.from(one.values))).to.deep.equal(given.values);
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
    expect(pieces.join('').indexOf('\n')).to.equal(pieces.join('').length - 1);
    expect(parseJsonLine(pieces.join('')).timestamps).to.deep.equal(timestamps);
  });

  it('writes a long series as several lines, each with its labels and a bounded number of samples', () => {
    const timestamps = Array.from({ length: 2 * samplesPerLine + 1 }, (_, i) => i);
    const lines = write({ labels: { __name__: 'm' }, timestamps, values: timestamps })
      .trimEnd()
      .split('\n');
    const read = lines.map((line) => parseJsonLine(line));
    expect(read.map((one) => one.timestamps.length)).to.deep.equal([samplesPerLine, samplesPerLine, 1]);
    expect(read.flatMap((one) => Array.from(one.values))).to.deep.equal(timestamps);
    expect(new Set(read.map(({ labels }) => labels['__name__']))).to.deep.equal(new Set(['m']));
  });

  it('writes nothing for a series without samples', () => {
    expect(write({ labels: { __name__: 'm' }, timestamps: [], values: [] })).to.equal('');
  });

  it('takes the other spellings of NaN and the infinities', () => {
    const line = '{"metric":{},"values":["NaN","+Inf","-Inf","Infinity","-Infinity"],"timestamps":[1,2,3,4,5]}';
    const infinity = Number.POSITIVE_INFINITY;
    expect(parseJsonLine(line).values).to.deep.equal([Number.NaN, infinity, -infinity, infinity, -infinity]);
  });

  it('keeps labels that are named as properties of every object', () => {
    const text = '{"metric":{"__proto__":"a","constructor":"b","toString":"c"},"values":[1],"timestamps":[1]}';
    const { labels } = parseJsonLine(text);
    expect(Object.entries(labels)).to.deep.equal([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ]);
    const written = [...jsonLinePieces({ labels, timestamps: Float64Array.of(1), values: Float64Array.of(1) })].join(
      '',
    );
    expect(written).to.equal(`${text}\n`);
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
    ['a value that no double can hold', '{"metric":{},"values":[1e999],"timestamps":[1]}', /value 1 is out of range/],
    ['such a value as a string', '{"metric":{},"values":["1e999"],"timestamps":[1]}', /value 1, "1e999"/],
    ['a timestamp that is not exact', '{"metric":{},"values":[1],"timestamps":[9007199254740993]}', /timestamp 1/],
    [
      '"metric" twice',
      '{"metric":{"a":"1"},"values":[1],"timestamps":[1],"metric":{"a":"1"}}',
      /"metric" occurs twice/,
    ],
    ['a key spelt with a space', '{"metric":{},"values":[1],"timestamps":[1],"values" :[1]}', /"values" occurs twice/],
    [
      'a key spelt with an escape',
      '{"metric":{},"v\\u0061lues":[1],"values":[1],"timestamps":[1]}',
      /"values" occurs twice/,
    ],
    ['a label that occurs twice', '{"metric":{"a":"1","a":"2"},"values":[1],"timestamps":[1]}', /"a" occurs twice/],
    [
      'values that stand twice',
      '{"metric":{"a":"1"},"values":[1],"values":[2],"timestamps":[1]}',
      /"values" occurs twice/,
    ],
    [
      'times that stand twice',
      '{"metric":{"a":"1"},"values":[1],"timestamps":[1],"timestamps":[2]}',
      /"timestamps" occurs twice/,
    ],
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

  describe('that are long', () => {
    const labels = { __name__: 'm', path: '},"values":[ é' };
    const count = samplesPerLine;
    const timestamps = Array.from({ length: count }, (_, i) => 1_700_000_000_000 + i);
    const values = timestamps.map(Math.sin);
    const parseLong = (line: string, options: { bits?: boolean } = {}) =>
      parseLongJsonLine(Buffer.from(line), { ...options, breathe: async () => {} });
    const both = async (line: string, options: { bits?: boolean } = {}) => ({
      short: parseJsonLine(line, options),
      long: await parseLong(line, options),
    });
    const plain = ({ labels: names, ...columns }: ReturnType<typeof parseJsonLine>) => ({
      labels: { ...names },
      timestamps: Array.from(columns.timestamps),
      values: Array.from(columns.values),
      bits: columns.bits === undefined ? undefined : Array.from(columns.bits),
    });

    for (const bits of [false, true])
      it(`are read in slices as they are as a whole${bits ? ', bit patterns too' : ''}`, async () => {
        const { short, long } = await both(write({ labels, timestamps, values }, { bits }).trimEnd(), { bits });
        expect(plain(long)).to.deep.equal(plain(short));
      });

    it('are read with a pause after each slice', async () => {
      let pauses = 0;
      const breathe = async (): Promise<void> => {
        pauses++;
      };
      const bytes = Buffer.from(write({ labels, timestamps, values }).trimEnd());
      await parseLongJsonLine(bytes, { breathe });
      expect(pauses).to.be.at.least(Math.floor(bytes.length / (256 * 1024)));
    });

    it('are read in another order of keys too', async () => {
      const { short, long } = await both('{"values":[1],"timestamps":[2],"metric":{"a":"b"}}');
      expect(plain(long)).to.deep.equal(plain(short));
    });

    const broken: readonly (readonly [string, (line: string) => string])[] = [
      ['a comma is missing its element', (line) => line.replace(/,/g, (comma, at) => (at > 600_000 ? ',,' : comma))],
      ['the line is cut', (line) => line.slice(0, -20)],
      ['a value is out of range', (line) => line.replace(/\],"timestamps/, ',1e999],"timestamps')],
      ['there is a timestamp too many', (line) => line.replace(/\]\}$/, ',5]}')],
      ['the array ends with a comma', (line) => line.replace(/\]\}$/, ',]}')],
      ['a label occurs twice', (line) => line.replace('{"metric":{', '{"metric":{"path":"x",')],
    ];
    for (const [title, damage] of broken)
      it(`are refused where ${title}`, async () => {
        const line = damage(write({ labels, timestamps, values }).trimEnd());
        expect(() => parseJsonLine(line)).to.throw(LineError);
        const error = await parseLong(line).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(LineError);
      });
  });
});
