/** What `dump` says of a directory that is damaged: on stderr, and with its exit code. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { runInProcess } from './run-in-process.ts';

const START = 1_767_225_600_000;
const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

const changeByte = (path: string, offset: number): void => {
  const bytes = readFileSync(path);
  bytes[offset] ^= 4;
  writeFileSync(path, bytes);
};

describe('dump of a damaged directory', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-dump-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const fill = async (samples: number, maintenances: number): Promise<void> => {
    const store = await library.openStore(directory, {
      retention: 'off',
      ...(maintenances > 0 && { headChunkTimeout: '1m' }),
    });
    for (let k = 0; k < samples; k++)
      for (const id of ['a', 'b']) store.append({ __name__: 'm', id }, START + k, noise(k));
    for (let pass = 0; pass < maintenances; pass++) await store.maintain();
    await store.close();
  };

  const dump = async () => runInProcess(['dump', directory], { library });

  it('names the series with a damaged chunk in its file, prints the rest and exits with 3', async () => {
    await fill(900, 2);
    const sound = await dump();
    expect(sound.exitCode).to.equal(0);
    expect(sound.err).to.equal('');
    const folder = readdirSync(directory).find((name) => /^[0-9a-f]{2}$/.test(name)) ?? '';
    const file = readdirSync(join(directory, folder))[0];
    changeByte(join(directory, folder, file), 500);
    const { exitCode, err, out } = await dump();
    expect(exitCode).to.equal(3);
    expect(err).to.match(/^not readable: .*m\{id="[ab]"\}.*byte 0: .*checksum/m);
    expect(out.trim().split('\n').length).to.equal(2);
    expect(out.length).to.be.below(sound.out.length);
  });

  it('names the series with a damaged record in heads.db, prints the others and exits with 3', async () => {
    await fill(30, 0);
    const path = join(directory, 'heads.db');
    const at = readFileSync(path).lastIndexOf('id\x02b');
    expect(at).to.be.above(0);
    changeByte(path, at + 200);
    const { exitCode, err, out } = await dump();
    expect(exitCode).to.equal(3);
    expect(err).to.match(/^not readable: .*m\{id="b"\}: record \d of heads\.db.* not as it was written/m);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).metric.id),
    ).to.deep.equal(['a']);
  });
});
