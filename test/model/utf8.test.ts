/** Bytes that are no UTF-8 as text, and back. */
import { expect } from 'chai';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { toLabelPairs } from '../../src/model/labels.ts';
import { metricText } from '../../src/model/metric-text.ts';
import { unquote } from '../../src/model/unquote.ts';
import { compareUtf8, decodeText, encodeText, INVALID_UTF16, utf8ByteCount } from '../../src/model/utf8.ts';

const cases = ['', 'a', '\u00fc', '\u20ac', '\u{1f600}', 'B\udcfcro', '\udcff', '\u00fc\udcc3(\u{1f600}\udcf0'];

describe('text of any bytes', () => {
  it('is written as the bytes it was read from', () => {
    for (let first = 0; first < 256; first++) {
      for (const rest of [[], [0x80], [0x41], [0xbf, 0x80], [0xa0, 0x80, 0x80], [0x9f, 0xbf, 0xbf, 0x41]]) {
        const bytes = Buffer.from([0x61, first, ...rest]);
        const text = decodeText(bytes);
        expect(encodeText(text).equals(bytes), bytes.toString('hex')).to.equal(true);
        expect(utf8ByteCount(text)).to.equal(bytes.length);
      }
    }
    for (const text of cases) expect(decodeText(encodeText(text))).to.equal(text);
  });

  it('is refused where its bytes would be another text', () => {
    expect(utf8ByteCount('\udcc3\udcbc')).to.equal(INVALID_UTF16);
    expect(utf8ByteCount('\udc00')).to.equal(INVALID_UTF16);
    expect(utf8ByteCount('\ud800')).to.equal(INVALID_UTF16);
    expect(() => toLabelPairs({ job: '\udcc3\udcbc' })).to.throw(/surrogate/);
  });

  it('is ordered as its bytes are', () => {
    const sorted = [...cases].sort(compareUtf8);
    expect(sorted).to.deep.equal([...cases].sort((a, b) => Buffer.compare(encodeText(a), encodeText(b))));
  });

  it('has the fingerprint of its bytes', () => {
    const out = new Int32Array(2);
    fastFingerprint(['a', 'B\udcfcro'], out);
    let hash = 0xcbf29ce484222325n;
    for (const byte of Buffer.from('a\xffB\xfcro', 'latin1'))
      hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) % 2n ** 64n;
    expect(fingerprintText(out[0], out[1])).to.equal(hash.toString(16).padStart(16, '0'));
  });

  it('is quoted as Go quotes it, and read back', () => {
    expect(metricText(['__name__', 'up', 'a', 'B\udcfcro'])).to.equal('up{a="B\\xfcro"}');
    expect(unquote('"B\\xfcro"')).to.equal('B\udcfcro');
    expect(unquote('"\\xc3\\xbc"')).to.equal('\u00fc');
  });
});
