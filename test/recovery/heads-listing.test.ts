import { expect } from 'chai';
import { type HeadsSeries, listHeads } from '../../src/index.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { extractFixture } from '../support/tar.ts';

interface Expected {
  readonly afterStart: {
    readonly memorySeries: readonly {
      readonly fp: string;
      readonly metric: Record<string, string>;
      readonly chunkDescsOffset: number;
      readonly persistWatermark: number;
      readonly chunkDescs: readonly { readonly first: number; readonly last: number; readonly encoding: number }[];
    }[];
  };
}

const encodings = ['delta', 'double-delta', 'varbit'];

describe('listing the checkpoint', () => {
  for (const name of ['clean-small-delta', 'clean-small-doubledelta', 'clean-small-varbit', 'clean-archived'])
    it(`says of ${name} what the original made of it`, async () => {
      const { directory, remove } = extractFixture(name);
      try {
        const found = new Map<string, HeadsSeries>();
        const listing = await listHeads(directory, { onSeries: (series) => found.set(series.fingerprint, series) });
        expect(listing).to.include({ version: 2, position: undefined }).and.to.deep.include({ problems: [] });
        const { memorySeries } = fixtureJson<Expected>(`dirs/${name}/expected.json`).afterStart;
        expect(listing.series).to.equal(memorySeries.length);
        for (const { fp, metric, chunkDescsOffset, persistWatermark, chunkDescs } of memorySeries)
          expect(found.get(fp), fp).to.deep.equal({
            fingerprint: fp,
            labels: metric,
            chunksBefore: chunkDescsOffset,
            chunksInFile: persistWatermark,
            chunks: chunkDescs.slice(persistWatermark).map(({ first, last, encoding }) => ({
              encoding: encodings[encoding],
              firstTime: first,
              lastTime: last,
            })),
          });
      } finally {
        remove();
      }
    });

  it('names damage and lists what can be read', async () => {
    const { directory, remove } = extractFixture('heads-truncated');
    try {
      let count = 0;
      const listing = await listHeads(directory, { onSeries: () => count++ });
      expect(listing.problems).to.have.length.above(0);
      expect(listing.series).to.equal(count).and.to.be.above(0);
    } finally {
      remove();
    }
  });

  it('can be aborted', async () => {
    const { directory, remove } = extractFixture('clean-archived');
    try {
      const error = await listHeads(directory, { onSeries: () => {}, signal: AbortSignal.abort() }).catch(
        (e: unknown) => e,
      );
      expect(error).to.have.property('code', 'TIDEMARK_ABORTED');
    } finally {
      remove();
    }
  });
});
