/** A restart after a crash accesses only the series files that the journal's tail names. */
import { basename, dirname } from 'node:path';
import { expect } from 'chai';
import type { FileSystem } from '../../src/files/file-system.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { openStore } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { crashImage } from './crash-image.ts';

const SERIES = 2000;
const TOUCHED = 10;

/** The real file system, which records every series file that is accessed in any way. */
const counting = (seen: Set<string>): FileSystem =>
  new Proxy(nodeFileSystem, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...inputs: unknown[]): unknown => {
        const [path] = inputs;
        if (typeof path === 'string') {
          const folder = basename(dirname(path));
          if (/^[0-9a-f]{2}$/.test(folder)) seen.add(`${folder}/${basename(path)}`);
          else if (/^[0-9a-f]{2}$/.test(basename(path))) seen.add(`${basename(path)}/`);
        }
        return Reflect.apply(member, target, inputs);
      };
    },
  });

describe('a restart after a crash', () => {
  afterEach(removeTemporaryDirectories);

  it(`accesses ${TOUCHED} series files if the tail touched ${TOUCHED} of ${SERIES}`, async () => {
    const directory = temporaryDirectory();
    const options = { retention: 'off', checkpointInterval: '1h' } as const;
    const now = Date.now();
    const labelsOf = (i: number) => ({ __name__: 'cost', id: String(i) });
    const first = await openStore(directory, { ...options, headChunkTimeout: 1, syncSeriesFiles: 'never' });
    for (let i = 0; i < SERIES; i++) first.append(labelsOf(i), now - 3_600_000, i);
    await first.maintain();
    await first.close();
    const store = await openStore(directory, { ...options, headChunkTimeout: '1d' });
    for (let i = 0; i < SERIES; i += 2) store.append(labelsOf(i), now, i);
    await store.checkpoint();
    // Enough samples to fill chunks, which then go to the files.
    for (let n = 0; n < TOUCHED; n++) {
      for (let k = 1; k < 1000; k++) store.append(labelsOf(n * 2), now + k, Math.sin(k));
    }
    await store.maintain();
    await store.flush();
    const image = crashImage(directory);
    await store.close();
    const seen = new Set<string>();
    const next = await openStore(image, { ...options, fileSystem: counting(seen) });
    const seenWhileOpening = [...seen].sort();
    expect((await next.info()).opened).to.equal('journal');
    const touched = Array.from({ length: TOUCHED }, (_, n) => {
      const { fingerprint } = next.series(labelsOf(n * 2));
      return `${fingerprint.slice(0, 2)}/${fingerprint.slice(2)}.db`;
    });
    // Each file, and the temporary file that the crash may have left of rewriting it.
    expect(seenWhileOpening).to.deep.equal(touched.flatMap((path) => [path, `${path}.tmp`]).sort());
    for await (const { values } of next.select(labelsOf(0))) expect(values).to.have.lengthOf(1001);
    await next.close();
  });
});
