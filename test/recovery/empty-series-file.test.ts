/** A process was killed between creating a series file and writing its first chunk, and the next opening looks at all files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { crashImage, valuesOf } from '../events/crash-image.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const labels = { __name__: 'm', id: 'a' };

describe('a full recovery that finds an empty series file', () => {
  afterEach(removeTemporaryDirectories);

  for (const [where, hasCheckpoint] of [
    ['the checkpoint', true],
    ['the journal', false],
  ] as const) {
    it(`removes it, and keeps what ${where} has of the series`, async () => {
      const source = join(temporaryDirectory(), 'data');
      const store = await openStore(source, { retention: 'off', checkpointInterval: '1h' });
      store.append(labels, 1_700_000_000_000, 1);
      const { fingerprint } = store.series(labels);
      if (hasCheckpoint) await store.checkpoint();
      await store.flush();
      const directory = crashImage(source);
      await store.close();
      const folder = join(directory, fingerprint.slice(0, 2));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${fingerprint.slice(2)}.db`), '');

      const recovered = await openStore(directory, { retention: 'off', forceRecovery: true });
      expect(await recovered.quarantined()).to.deep.equal([]);
      expect(await valuesOf(recovered, 'm')).to.deep.equal({ a: [1] });
      await recovered.close();
    });
  }
});
