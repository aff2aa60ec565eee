/** `tidemark retention` on real directories. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { withDirectory } from '../disk/support.ts';
import { runInProcess } from './run-in-process.ts';

const DAY_MS = 86_400_000;

const tidemark = (...args: string[]) => runInProcess(['retention', ...args], { library });

/** Two series, each with a sample a day over the last ten days. */
const fill = async (directory: string): Promise<void> => {
  await using store = await library.openStore(directory, { retention: '30d' });
  const now = Date.now();
  for (let days = 9; days >= 0; days--)
    for (const name of ['a', 'b']) store.append({ __name__: name }, now - days * DAY_MS - 1000, days);
};

describe('tidemark retention', () => {
  it('prints what is remembered, and sets it with rules', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      await fill(directory);
      expect((await tidemark(directory)).out).to.match(/^retention +30d$/m);
      const rules = ['--rule', 'a=20d', '--rule', '{x="y=z"}=off'];
      const { exitCode, out } = await tidemark(directory, '40d', ...rules, '--json');
      expect(exitCode).to.equal(0);
      const settings = {
        time: 40 * DAY_MS,
        rules: [
          { selector: 'a', time: 20 * DAY_MS },
          { selector: '{x="y=z"}', time: 'off' },
        ],
      };
      expect(JSON.parse(out)).to.deep.equal(settings);
      expect((await tidemark(directory)).out)
        .to.match(/^retention rule +20d for a$/m)
        .and.match(/^retention rule +off for \{x="y=z"\}$/m);
      expect((await runInProcess(['info', directory], { library })).out).to.match(/^retention rule +20d for a$/m);
      // What is not given stays.
      const bytes = 2 ** 30;
      expect(JSON.parse((await tidemark(directory, '--bytes', String(bytes), '--json')).out)).to.deep.equal({
        ...settings,
        bytes,
      });
      expect(JSON.parse((await tidemark(directory, '50d', '--no-rules', '--json')).out)).to.deep.equal({
        time: 50 * DAY_MS,
        bytes,
      });
    }));

  it('counts with --dry-run, and writes nothing', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      await fill(directory);
      const before = readFileSync(join(directory, 'RETENTION'), 'utf8');
      const { exitCode, out } = await tidemark(directory, '4d', '--rule', 'b=7d', '--dry-run');
      expect(exitCode).to.equal(0);
      expect(out)
        .to.match(/^samples that go +9$/m)
        .and.match(/^series that go as a whole +0$/m)
        .and.match(/^series that lose samples +2$/m);
      expect(JSON.parse((await tidemark(directory, '1s', '--dry-run', '--json')).out)).to.include({
        samples: 20,
        whole: 2,
        part: 0,
        series: 2,
      });
      expect(readFileSync(join(directory, 'RETENTION'), 'utf8')).to.equal(before);
      expect(await tidemark(directory, '4d', '--rule', 'b=7d')).to.include({ exitCode: 0 });
      await using store = await library.openStore(directory);
      let left = 0;
      for await (const { timestamps } of store.select([])) left += timestamps.length;
      expect(left).to.equal(20 - 9);
    }));

  it('refuses a directory in use, one that does not exist, and wrong arguments', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      await fill(directory);
      {
        await using _store = await library.openStore(directory);
        expect((await tidemark(directory, '10d')).exitCode).to.equal(4);
        expect((await tidemark(directory, '10d', '--dry-run')).exitCode).to.equal(0);
      }
      const missing = join(root, 'missing');
      expect((await tidemark(missing, '10d')).exitCode).to.equal(1);
      expect(existsSync(missing)).to.equal(false);
      const wrong = [
        ['--dry-run'],
        ['soon'],
        ['10d', '--rule', 'up'],
        ['10d', '--rule', '=5d'],
        ['10d', '--rule', 'up{=5d'],
        ['10d', '--rule', 'up=5d', '--no-rules'],
        ['10d', '--bytes', '1'],
      ];
      for (const args of wrong) expect((await tidemark(directory, ...args)).exitCode, args.join(' ')).to.equal(2);
      expect((await tidemark(directory)).out).to.match(/^retention +30d$/m);
    }));
});
