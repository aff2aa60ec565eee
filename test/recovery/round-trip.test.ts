/**
 * A directory of the original that Tidemark opens, reads and closes is as it was: the same records in heads.db, the same
 * series files, the same index entries, and nothing more than the journal's folder and LAST_CLOSE.
 */
import { expect } from 'chai';
import { extractFixture } from '../support/tar.ts';
import { contentOf } from './support/directory-content.ts';
import { encodingOf, runDirectory } from './support/fixture-runs.ts';

/** Closed in order by the original, and whole. */
const clean = ['base', 'clean-archived', 'clean-small-delta', 'clean-small-doubledelta', 'clean-small-varbit'];

describe('a directory that the original closed', () => {
  for (const name of [...clean, 'collisions', 'written-by-1.5.2', 'heads-trailing-garbage']) {
    it(`is left as it was, but for the journal: ${name}`, async () => {
      const { directory, remove } = extractFixture(name);
      try {
        const before = await contentOf(directory);
        await runDirectory(directory, 'as-is', encodingOf(name));
        const after = await contentOf(directory);
        expect(after).to.deep.equal({
          ...before,
          extra: [...before.extra, 'LAST_CLOSE', 'RETENTION', 'checksums', 'journal'].sort(),
        });
      } finally {
        remove();
      }
    });
  }

  it('of version 1 becomes version 2 with the same chunks', async () => {
    const { directory, remove } = extractFixture('heads-v1');
    try {
      const before = await contentOf(directory);
      const first = await runDirectory(directory, 'as-is', 'delta');
      const after = await contentOf(directory);
      expect(after.files).to.deep.equal(before.files);
      expect(after.archivedTimes).to.deep.equal(before.archivedTimes);
      expect(after.labelPairs).to.deep.equal(before.labelPairs);
      expect(Object.keys(after.heads)).to.deep.equal(Object.keys(before.heads));
      const second = await runDirectory(directory, 'as-is', 'delta');
      expect(second.series).to.deep.equal(first.series);
    } finally {
      remove();
    }
  });
});
