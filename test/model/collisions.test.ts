import { expect } from 'chai';
import { type FingerprintLookups, FingerprintMapper, MAPPED_MAX } from '../../src/model/collisions.ts';
import { fastFingerprint, fingerprintText, parseFingerprint } from '../../src/model/fingerprint.ts';
import { type LabelPairs, toLabelPairs } from '../../src/model/labels.ts';
import { uniqueMetricBytes } from '../../src/model/unique-metric.ts';
import { fixtureJson } from '../support/fixtures.ts';

/** Two label sets whose fast fingerprints really collide. */
const first = toLabelPairs({ instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24483', status: '503' });
const second = toLabelPairs({ instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', status: '500' });

/** A store: what is in memory and what is archived, by fingerprint text. */
class Series implements FingerprintLookups {
  readonly memory = new Map<string, LabelPairs>();
  readonly archive = new Map<string, LabelPairs>();
  inMemory = (high: number, low: number): LabelPairs | undefined => this.memory.get(fingerprintText(high, low));
  archived = (high: number, low: number): LabelPairs | undefined => this.archive.get(fingerprintText(high, low));
}

const out = new Int32Array(2);

const add = (mapper: FingerprintMapper, series: Series, pairs: LabelPairs, place = series.memory): string => {
  fastFingerprint(pairs, out);
  const { high, low } = mapper.map(out[0], out[1], pairs, series);
  const text = fingerprintText(high, low);
  place.set(text, pairs);
  return text;
};

describe('FingerprintMapper', () => {
  it('leaves series that collide with nothing under their own fingerprint', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    expect(add(mapper, series, first)).to.equal('0e16f3b3b6bbfedd');
    expect(add(mapper, series, first)).to.equal('0e16f3b3b6bbfedd');
    expect(mapper.size).to.equal(0);
  });

  it('gives the later of two colliding series a number of the range, and the same one each time', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    add(mapper, series, first);
    expect(add(mapper, series, second)).to.equal('0000000000000001');
    expect(add(mapper, series, second)).to.equal('0000000000000001');
    expect(add(mapper, series, first)).to.equal('0e16f3b3b6bbfedd');
    expect(mapper.highest).to.equal(1);
  });

  it('sees collisions with archived series too', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    add(mapper, series, first, series.archive);
    expect(add(mapper, series, second)).to.equal('0000000000000001');
    expect(add(mapper, series, first)).to.equal('0e16f3b3b6bbfedd');
  });

  it('keeps the mapping when the series that had the fingerprint is gone', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    add(mapper, series, first);
    add(mapper, series, second);
    series.memory.delete('0e16f3b3b6bbfedd');
    expect(add(mapper, series, second)).to.equal('0000000000000001');
  });

  it('maps fingerprints that lie in the range, 2^20 included', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    const { metrics } = fixtureJson<{ metrics: { note: string; labels: string[][]; fastFingerprint: string }[] }>(
      'fingerprints.json',
    );
    const reserved = metrics.filter(({ note }) => /fast fingerprint [012]|last reserved|first not reserved/.test(note));
    const stored = reserved.map(({ labels }) => add(mapper, series, labels.flat()));
    expect(reserved.map(({ fastFingerprint: raw }) => raw)).to.deep.equal([
      '0000000000000000',
      '0000000000000001',
      '0000000000100000',
      '0000000000100001',
    ]);
    expect(stored).to.deep.equal(['0000000000000001', '0000000000000002', '0000000000000003', '0000000000100001']);
  });

  it('peeks without taking a number', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    add(mapper, series, first);
    fastFingerprint(second, out);
    expect(mapper.peek(out[0], out[1], second, series)).to.deep.equal({ high: 0, low: 1 });
    expect(mapper.size).to.equal(0);
    expect(mapper.peek(out[0], out[1], first, series)).to.deep.equal({ high: out[0], low: out[1] });
  });

  it('never gives out a number that another series has, when the table was lost', () => {
    const series = new Series();
    const before = new FingerprintMapper();
    add(before, series, first);
    add(before, series, second);
    const third = toLabelPairs({ __name__: 'http_errors', dc: 'eu', instance: first[1], status: '503' });
    const fourth = toLabelPairs({ __name__: 'http_errors', dc: 'eu', instance: second[1], status: '500' });
    const afterwards = new FingerprintMapper();
    add(afterwards, series, third);
    expect(add(afterwards, series, fourth)).to.equal('0000000000000002');
    expect(series.memory.get('0000000000000001')).to.equal(second);
  });

  it('gives a series that the table assigns another one’s fingerprint a new number', () => {
    const mapper = new FingerprintMapper();
    const series = new Series();
    add(mapper, series, first);
    const raw = parseFingerprint('0e16f3b3b6bbfedd')!;
    mapper.load([{ rawHigh: raw.high, rawLow: raw.low, metric: uniqueMetricBytes(second), high: 0, low: 7 }]);
    series.archive.set('0000000000000007', ['other', 'metric']);
    expect(add(mapper, series, second)).to.equal('0000000000000008');
  });

  it('is rebuilt from the series that there are', () => {
    const series = new Series();
    const before = new FingerprintMapper();
    add(before, series, first);
    add(before, series, second);
    const rebuilt = new FingerprintMapper();
    for (const [text, pairs] of series.memory) {
      const { high, low } = parseFingerprint(text)!;
      rebuilt.note(high, low, pairs);
    }
    expect([...rebuilt.entries()]).to.deep.equal([...before.entries()]);
    expect(rebuilt.highest).to.equal(1);
  });

  it('keeps mappings to any fingerprint, as very old directories have them', () => {
    const mapper = new FingerprintMapper();
    const odd = parseFingerprint('0123456789abcdef')!;
    mapper.note(odd.high, odd.low, first);
    const series = new Series();
    expect(add(mapper, series, first)).to.equal('0123456789abcdef');
    expect(mapper.highest).to.equal(0);
  });

  it('gives back what it loaded', () => {
    const { afterStart } = fixtureJson<{
      afterStart: { mappings: { rawFP: string; mappedFP: string; uniqueStringHex: string }[]; highestMappedFP: string };
    }>('dirs/collisions/expected.json');
    const mapper = new FingerprintMapper();
    const lines = afterStart.mappings.map(({ rawFP, mappedFP, uniqueStringHex }) => {
      const raw = parseFingerprint(rawFP)!;
      const metric = Buffer.from(uniqueStringHex, 'hex');
      return { rawHigh: raw.high, rawLow: raw.low, metric, ...parseFingerprint(mappedFP)! };
    });
    mapper.load(lines);
    expect([...mapper.entries()]).to.have.deep.members(lines);
    expect(fingerprintText(0, mapper.highest)).to.equal(afterStart.highestMappedFP);
  });

  it('says when the range is used up', () => {
    const mapper = new FingerprintMapper();
    mapper.load([{ rawHigh: 1, rawLow: 1, metric: uniqueMetricBytes(['a', 'b']), high: 0, low: MAPPED_MAX }]);
    const series = new Series();
    add(mapper, series, first);
    expect(() => add(mapper, series, second))
      .to.throw('in use')
      .with.property('code', 'TIDEMARK_TOO_MANY_COLLISIONS');
  });
});
