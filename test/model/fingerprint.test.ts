import { expect } from 'chai';
import { fastFingerprint, fingerprintText, parseFingerprint } from '../../src/model/fingerprint.ts';
import { metricText } from '../../src/model/metric-text.ts';
import { parseUniqueMetric, uniqueMetricBytes, uniqueMetricString } from '../../src/model/unique-metric.ts';
import { fixtureJson } from '../support/fixtures.ts';

interface FingerprintFixture {
  readonly metrics: readonly {
    readonly id: number;
    readonly note: string;
    readonly labels: readonly (readonly [string, string])[];
    readonly fastFingerprint: string;
    readonly metricString: string;
    readonly uniqueStringHex: string;
  }[];
}

const { metrics } = fixtureJson<FingerprintFixture>('fingerprints.json');
const out = new Int32Array(2);

describe('fingerprints', () => {
  for (const { id, note, labels, ...expected } of metrics) {
    it(`are the original's: ${id}, ${note}`, () => {
      const pairs = labels.flat();
      fastFingerprint(pairs, out);
      expect(fingerprintText(out[0], out[1])).to.equal(expected.fastFingerprint);
      expect(metricText(pairs)).to.equal(expected.metricString);
      expect(uniqueMetricBytes(pairs).toString('hex')).to.equal(expected.uniqueStringHex);
      expect(Buffer.from(uniqueMetricString(pairs), 'latin1').toString('hex')).to.equal(expected.uniqueStringHex);
    });
  }

  it('do not depend on where in a long text the first character beyond ASCII stands', () => {
    const texts = [`${'x'.repeat(5000)}ü`, `ü${'x'.repeat(5000)}`, '🚀'.repeat(3000)];
    for (const text of texts) {
      let hash = 0xcbf29ce484222325n;
      for (const byte of Buffer.from(`a\xffb`, 'latin1').subarray(0, 2)) hash = step(hash, byte);
      for (const byte of Buffer.from(text)) hash = step(hash, byte);
      fastFingerprint(['a', text], out);
      expect(fingerprintText(out[0], out[1])).to.equal(hash.toString(16).padStart(16, '0'));
    }
  });
});

const step = (hash: bigint, byte: number): bigint => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);

describe('parseFingerprint', () => {
  it('reads what fingerprintText writes', () => {
    for (const text of ['0000000000000000', '2594aa1de82dbd87', 'ffffffffffffffff', '8000000080000000']) {
      const halves = parseFingerprint(text);
      expect(fingerprintText(halves!.high, halves!.low)).to.equal(text);
    }
  });

  it('takes exactly 16 lower-case hex digits', () => {
    for (const text of [
      '',
      '0',
      '2594aa1de82dbd8',
      '2594aa1de82dbd877',
      '2594AA1DE82DBD87',
      '2594aa1de82dbd8g',
      ' 594aa1de82dbd87',
    ]) {
      expect(parseFingerprint(text), text).to.equal(undefined);
    }
  });
});

describe('parseUniqueMetric', () => {
  it('reads back the labels, sorted by name', () => {
    for (const { labels } of metrics) {
      const pairs = labels.filter(([, value]) => value !== '').flat();
      expect(parseUniqueMetric(uniqueMetricBytes(pairs))).to.deep.equal(pairs);
    }
  });

  it('refuses what is no label set', () => {
    for (const hex of ['61', '61ff', '61ff62ff', '61ff62ff63', '61ff62ff61ff64']) {
      const read = (): unknown => parseUniqueMetric(Buffer.from(hex, 'hex'));
      if (hex === '61ff') expect(read()).to.deep.equal([]);
      else expect(read, hex).to.throw();
    }
  });
});
