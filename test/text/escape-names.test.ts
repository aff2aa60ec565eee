import { expect } from 'chai';
import fc from 'fast-check';
import { escapeName, unescapeName } from '../../src/text/escape-names.ts';

describe('names for readers that know only classic ones', () => {
  it('are escaped as Prometheus escapes them', () => {
    const name = 'my.metric_é/1';
    expect(escapeName(name, 'allow-utf-8')).to.equal(name);
    expect(escapeName(name, 'underscores')).to.equal('my_metric___1');
    expect(escapeName(name, 'dots')).to.equal('my_dot_metric______1');
    expect(escapeName(name, 'values')).to.equal('U__my_2e_metric___e9__2f_1');
    expect(escapeName('1a', 'underscores')).to.equal('_a');
  });

  it('stay as they are when they are classic', () => {
    for (const escaping of ['underscores', 'values'] as const)
      expect(escapeName('http_requests:rate5m', escaping)).to.equal('http_requests:rate5m');
  });

  it('are found again from their values', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        const escaped = escapeName(name, 'values');
        expect(escaped).to.match(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
        expect(unescapeName(escaped) ?? escaped).to.equal(name);
      }),
    );
  });

  it('are left alone when they only look escaped', () => {
    for (const text of ['a', 'U_a', 'U__a_b', 'U___zz_', 'U___d800_', 'U___110000_'])
      expect(unescapeName(text), text).to.equal(undefined);
  });
});
