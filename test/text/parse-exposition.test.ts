import { expect } from 'chai';
import { TidemarkError } from '../../src/model/errors.ts';
import { parseExposition } from '../../src/text/index.ts';

const errorOf = (read: () => unknown): TidemarkError => {
  try {
    read();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('no error');
};

describe('parseExposition', () => {
  it('reads 0.0.4 and OpenMetrics, each with its unit of time', () => {
    const classic = '# HELP up x\r\nup{job="a"} 1 1700000000000\r\n\r\n{"my.metric"} NaN 1700000000001';
    expect(parseExposition(classic)).to.deep.equal([
      { labels: { __name__: 'up', job: 'a' }, timestamp: 1700000000000, value: 1 },
      { labels: { __name__: 'my.metric' }, timestamp: 1700000000001, value: Number.NaN },
    ]);
    expect(parseExposition('up 1 1700000000.5 # {trace_id="x"} 1\n# EOF\n')).to.deep.equal([
      { labels: { __name__: 'up' }, timestamp: 1700000000500, value: 1 },
    ]);
    expect(parseExposition('up 1 5\n', { format: 'prometheus' })[0].timestamp).to.equal(5);
    expect(parseExposition('up 1 5\n# EOF\n', { format: 'openmetrics' })[0].timestamp).to.equal(5000);
  });

  it('gives samples without a timestamp the given one, or the time now', () => {
    expect(parseExposition('up 1\n', { timestamp: 7 })[0].timestamp).to.equal(7);
    const before = Date.now();
    expect(parseExposition('up 1\n')[0].timestamp).to.be.within(before, Date.now());
    expect(parseExposition('')).to.deep.equal([]);
  });

  it('names the line that is not valid', () => {
    const error = errorOf(() => parseExposition('up 1\n# comment\nup x\n'));
    expect(error.code).to.equal('TIDEMARK_INVALID_TEXT');
    expect(error.message).to.equal('line 3: column 4: "x" is not a number');
    expect(error.details).to.deep.equal({ line: 3, reason: 'column 4: "x" is not a number' });
    expect(errorOf(() => parseExposition('up 1\nup 1 5\n')).message).to.match(/^line 2: .* format: openmetrics/);
    expect(errorOf(() => parseExposition('up 1 5\n', { format: 'openmetrics' })).message).to.contain('without # EOF');
    // JSON lines are another format.
    expect(errorOf(() => parseExposition('{"metric":{"__name__":"m"},"values":[1],"timestamps":[1]}')).code).to.equal(
      'TIDEMARK_INVALID_TEXT',
    );
  });

  it('refuses options that are none', () => {
    for (const options of [{ format: 'json' }, { timestamp: 1.5 }])
      expect(errorOf(() => parseExposition('', options as never)).code).to.equal('TIDEMARK_INVALID_OPTION');
    expect(errorOf(() => parseExposition(undefined as never)).code).to.equal('TIDEMARK_INVALID_OPTION');
  });
});
