/** What the verbs say about a directory that is damaged: those that read, those that write, and `check`. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { runInProcess } from './run-in-process.ts';

const START = 1_767_225_600_000;

describe('verbs on a damaged directory', () => {
  let directory: string;

  beforeEach(() => {
    directory = join(temporaryDirectory(), 'data');
  });

  afterEach(removeTemporaryDirectories);

  const fill = async (samples: number, options: library.StoreOptions = {}): Promise<void> => {
    const store = await library.openStore(directory, { retention: 'off', ...options });
    for (let k = 0; k < samples; k++)
      for (const id of ['a', 'b', 'c']) store.append({ __name__: 'm', id }, START + k * 1000, Math.sin(k * 7.7));
    if (options.headChunkTimeout !== undefined) for (let pass = 0; pass < 2; pass++) await store.maintain();
    await store.close();
  };

  const cli = (...args: string[]) => runInProcess(args, { library });
  const dropHeads = (): void => rmSync(join(directory, 'heads.db'));
  const dropJournal = (): void => {
    const journal = join(directory, 'journal');
    for (const name of readdirSync(journal)) rmSync(join(journal, name), { recursive: true });
  };

  describe('without heads.db', () => {
    const verbs: readonly (readonly [string, ...string[]])[] = [
      ['dump'],
      ['query', 'm'],
      ['info'],
      ['retention'],
      ['quarantine'],
    ];

    for (const [verb, ...more] of verbs) {
      it(`${verb} says that it is missing, names the lost series and exits with 3`, async () => {
        await fill(20);
        dropHeads();
        dropJournal();
        const { exitCode, err } = await cli(verb, directory, ...more);
        expect(err).to.match(/^not readable: heads\.db is missing; it had \d+ bytes/m);
        expect(err.match(/^not readable: m\{id="[abc]"\}: The label indexes name the series/gm)).to.have.length(3);
        expect(exitCode).to.equal(3);
      });
    }

    it('check says that it is missing and exits with 3', async () => {
      await fill(20);
      dropHeads();
      const { exitCode, out } = await cli('check', directory);
      expect(out).to.match(/^heads\.db is missing; it had \d+ bytes when the directory was closed$/m);
      expect(exitCode).to.equal(3);
    });

    it('check tells it also when only the series files show that there was one', async () => {
      await fill(900, { headChunkTimeout: '1m' });
      dropHeads();
      rmSync(join(directory, 'LAST_CLOSE'));
      expect((await cli('check', directory)).out).to.contain('heads.db is missing, but there are series files\n');
    });

    it('the samples that the journal still has are read, and an opening for writing keeps them', async () => {
      await fill(20);
      const { out: sound } = await cli('dump', directory, '--bits');
      dropHeads();
      const dumped = await cli('dump', directory, '--bits');
      expect(dumped.out).to.equal(sound);
      expect(dumped.exitCode).to.equal(3);
      const { err } = await cli('retention', directory, 'off');
      expect(err).to.match(/^recovery: heads\.db is missing/m);
      expect(await cli('dump', directory, '--bits')).to.deep.equal({ exitCode: 0, out: sound, err: '' });
    });

    it('an import prints what was found once for each kind, with the number', async () => {
      await fill(20);
      dropHeads();
      dropJournal();
      const { exitCode, err } = await runInProcess(['import', directory], { library, input: 'up 1\n' });
      expect(err.match(/^recovery: .*$/gm)).to.have.length(2);
      expect(err).to.match(/^recovery: heads\.db is missing; it had \d+ bytes/m);
      expect(err).to.match(/^recovery: m\{id="[abc]"\}: .*nothing is left of it\. … and 2 more of this kind$/m);
      expect(err).to.contain('Imported 1 sample of 1 series.');
      expect(exitCode).to.equal(0);
    });

    it('a directory that never had one is not called damaged', async () => {
      const store = await library.openStore(directory, { retention: 'off' });
      store.append({ __name__: 'm' }, START, 1);
      await store.flush();
      const copy = join(temporaryDirectory(), 'copy');
      // The state after kill -9: a journal and DIRTY, but no checkpoint yet.
      cpSync(directory, copy, { recursive: true });
      await store.close();
      const { exitCode, err, out } = await cli('dump', copy);
      expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: '' });
      expect(out).to.contain('"m"');
    });
  });

  it('a verb that writes says that an index was rebuilt', async () => {
    await fill(20);
    rmSync(join(directory, 'labelpair_to_fingerprints'), { recursive: true });
    const { err, exitCode } = await cli('drop', directory, 'nothing', '--yes');
    expect(err).to.match(
      /^recovery: labelpair_to_fingerprints: An index has lost entries.*\(it has 0 of \d+ operations\)$/m,
    );
    expect(exitCode).to.equal(0);
  });

  it('a verb that writes says which record of the checkpoint went into quarantine', async () => {
    await fill(20);
    const path = join(directory, 'heads.db');
    const bytes = readFileSync(path);
    bytes[bytes.lastIndexOf('id\x02b') + 200] ^= 4;
    writeFileSync(path, bytes);
    const { err } = await cli('retention', directory, 'off');
    expect(err).to.match(/^recovery: m\{id="b"\}: record \d of heads\.db.*; its samples are in orphaned\//m);
  });

  for (const [file, verbs] of [
    ['RETENTION', ['info', 'retention', 'dump']],
    ['LAST_CLOSE', ['info', 'retention', 'dump']],
  ] as const) {
    it(`a damaged ${file} is told by check and by every verb that reads`, async () => {
      await fill(20);
      writeFileSync(join(directory, file), '{"timeMs":');
      const { exitCode, out } = await cli('check', directory);
      expect(out).to.match(new RegExp(`^${file} is damaged`, 'm'));
      expect(exitCode).to.equal(3);
      for (const verb of verbs) {
        const read = await cli(verb, directory);
        expect(read.err, verb).to.match(new RegExp(`^not readable: ${file} is damaged`, 'm'));
        expect(read.exitCode, verb).to.equal(3);
      }
    });
  }

  it('a LAST_CLOSE of a later version is no damage', async () => {
    await fill(20);
    const content = JSON.parse(readFileSync(join(directory, 'LAST_CLOSE'), 'utf8')) as object;
    writeFileSync(join(directory, 'LAST_CLOSE'), JSON.stringify({ ...content, version: 9 }));
    expect((await cli('info', directory)).exitCode).to.equal(0);
  });
});
