import { expect } from 'chai';
import { compareLabels, formatLabels, sortByLabels, sortedLabels } from '../../src/text/labels.ts';

describe('label sets as text', () => {
  it('writes a metric name in front and labels sorted by name', () => {
    expect(formatLabels({ job: 'node', __name__: 'up', cluster: 'a' })).to.equal('up{cluster="a",job="node"}');
    expect(formatLabels({ __name__: 'up' })).to.equal('up');
    expect(formatLabels({ job: 'node' })).to.equal('{job="node"}');
    expect(formatLabels({})).to.equal('{}');
  });

  it('leaves out empty values, which count as absent', () => {
    expect(formatLabels({ __name__: 'up', job: '' })).to.equal('up');
    expect(sortedLabels({ b: '1', a: '' })).to.deep.equal({ b: '1' });
  });

  it('quotes names that are not of the classic form', () => {
    expect(formatLabels({ __name__: 'my.metric', 'a-b': 'x' })).to.equal('{"my.metric","a-b"="x"}');
  });

  it('escapes backslash, double quote and line feed', () => {
    expect(formatLabels({ __name__: 'up', path: 'C:\\x "y"\nz' })).to.equal('up{path="C:\\\\x \\"y\\"\\nz"}');
  });

  it('orders label sets label by label, the shorter one first', () => {
    const sets = [
      { __name__: 'b' },
      { __name__: 'a', job: 'y' },
      { __name__: 'a' },
      { __name__: 'a', job: 'x' },
      { Z: '1' },
    ];
    expect(sortByLabels(sets, (labels) => labels)).to.deep.equal(sets.toSorted(compareLabels));
    expect(sets.sort(compareLabels).map(formatLabels)).to.deep.equal(['{Z="1"}', 'a', 'a{job="x"}', 'a{job="y"}', 'b']);
  });
});
