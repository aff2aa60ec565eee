import { expect } from 'chai';
import { compareLabels, firstByLabels, formatLabels, sortByLabels, sortedLabels } from '../../src/text/label-text.ts';
import { seeded } from '../support/seeded.ts';

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

  it('finds the first ones of many as sorting all of them would, and gives the event loop away meanwhile', async () => {
    const random = seeded(20_261);
    for (const size of [0, 1, 999, 5000]) {
      const sets = Array.from({ length: size }, (_, i) => ({
        __name__: `m${random.int(50)}`,
        id: String(random.int(1e6)),
        i: String(i),
      }));
      const sorted = sortByLabels(sets, (labels) => labels);
      for (const count of [1, 50, 1000, 5000]) {
        let breaths = 0;
        const first = await firstByLabels(sets, count, async () => {
          breaths++;
        });
        expect(first, `${count} of ${size}`).to.deep.equal(sorted.slice(0, count));
        expect(breaths).to.be.at.least(Math.floor(size / 1000));
      }
    }
  });
});
