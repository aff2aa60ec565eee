/** `tidemark drop` on a real directory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import * as tidemark from '../../src/index.ts';
import { runInProcess } from './run-in-process.ts';

describe('tidemark drop', () => {
  let directory = '';
  const library = tidemark;

  beforeEach(async () => {
    directory = join(mkdtempSync(join(tmpdir(), 'drop-')), 'data');
    await using store = await tidemark.openStore(directory, { retention: 'off' });
    for (let time = 1; time <= 5; time++) {
      store.append({ __name__: 'up', job: 'a' }, time * 1000, time);
      store.append({ __name__: 'up', job: 'b' }, time * 1000, time);
    }
  });
  afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

  const left = async (): Promise<Record<string, number[]>> => {
    await using store = await tidemark.openStore(directory, { readOnly: true });
    const samples: Record<string, number[]> = {};
    for await (const { labels, values } of store.select('up')) samples[labels['job'] ?? ''] = [...values];
    return samples;
  };
  const all = [1, 2, 3, 4, 5];

  it('deletes series, and says how many', async () => {
    const { exitCode, out } = await runInProcess(['drop', directory, 'up{job="a"}', '--yes'], { library });
    expect({ exitCode, out }).to.deep.equal({ exitCode: 0, out: 'Deleted 1 series.\n' });
    expect(await left()).to.deep.equal({ b: all });
  });

  it('deletes the samples of a time range, both ends included', async () => {
    const args = ['drop', directory, 'up', '--from', '2000', '--through', '4000', '--yes'];
    const { out } = await runInProcess(args, { library });
    expect(out).to.equal('Deleted samples of 2 series.\n');
    expect(await left()).to.deep.equal({ a: [1, 5], b: [1, 5] });
  });

  it('needs --yes where nobody can be asked', async () => {
    const { exitCode, err } = await runInProcess(['drop', directory, 'up'], { library, input: 'y\n' });
    expect(exitCode).to.equal(2);
    expect(err).to.contain('--yes');
    expect(await left()).to.deep.equal({ a: all, b: all });
  });

  for (const [answer, expected] of [
    ['y\n', {}],
    ['no\n', { a: all, b: all }],
    ['', { a: all, b: all }],
  ] as const) {
    it(`asks on a terminal, and takes ${JSON.stringify(answer)} for an answer`, async () => {
      const input = Object.assign(Readable.from([answer]), { isTTY: true });
      const { exitCode, err } = await runInProcess(['drop', directory, 'up'], { library, input });
      expect(exitCode).to.equal(0);
      expect(err).to.contain('Delete 2 series?');
      expect(await left()).to.deep.equal(expected);
    });
  }

  it('does not create a directory', async () => {
    const missing = join(directory, 'missing');
    const { exitCode } = await runInProcess(['drop', missing, 'up', '--yes'], { library });
    expect(exitCode).to.equal(1);
  });
});
