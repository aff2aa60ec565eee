/** The series that a sender has named before, by the bytes of their labels. */
import { expect } from 'chai';
import { KnownSeries } from '../../../src/http/write/known-series.ts';
import type { SeriesHandle } from '../../../src/index.ts';

const seriesOf = (id: number): SeriesHandle => ({ id }) as unknown as SeriesHandle;

describe('KnownSeries', () => {
  it('tells bytes apart wherever they are in a message', () => {
    const known = new KnownSeries();
    const content = Buffer.from('..first..second..');
    known.add(content, 2, 7, seriesOf(1));
    known.add(content, 9, 15, seriesOf(2));
    const other = Buffer.from('second,first');
    expect(known.find(other, 7, 12)).to.deep.equal(seriesOf(1));
    expect(known.find(other, 0, 6)).to.deep.equal(seriesOf(2));
    expect(known.find(other, 0, 5)).to.equal(undefined);
  });

  it('does not keep the message that it was told of', () => {
    const known = new KnownSeries();
    const content = Buffer.from('abc');
    known.add(content, 0, 3, seriesOf(1));
    content.fill(0);
    expect(known.find(Buffer.from('abc'), 0, 3)).to.deep.equal(seriesOf(1));
  });

  it('forgets series that were not named for long, and no others', () => {
    const known = new KnownSeries();
    const bytesOf = (id: number): Buffer => Buffer.from(`series ${id}`);
    const find = (id: number): SeriesHandle | undefined => known.find(bytesOf(id), 0, bytesOf(id).length);
    for (let id = 0; id < 200_000; id++) {
      known.add(bytesOf(id), 0, bytesOf(id).length, seriesOf(id));
      if (id % 1000 === 0) expect(find(0), `after ${id}`).to.deep.equal(seriesOf(0));
    }
    expect(find(1)).to.equal(undefined);
    expect(find(199_999)).to.deep.equal(seriesOf(199_999));
  });
});
