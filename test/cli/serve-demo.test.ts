/** `tidemark serve --demo`: which directories it takes. What happens in it is in serve-demo.long.test.ts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { demoDirectory } from '../../src/cli/demo/demo-directory.ts';
import { DemoMetrics } from '../../src/cli/demo/demo-metrics.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

describe('tidemark serve --demo', () => {
  afterEach(removeTemporaryDirectories);

  it('refuses a directory with content, and leaves it as it is', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'precious.txt'), 'mine');
    const { status, stderr } = spawnSync(process.execPath, [main, 'serve', directory, '--demo', '--port', '0'], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    expect(status).to.equal(2);
    expect(stderr).to.contain(
      `--demo takes a directory that is new or empty, because it damages files; ${directory} has content.`,
    );
    expect(readdirSync(directory)).to.deep.equal(['precious.txt']);
  });

  it('refuses a file in the place of the directory', () => {
    const path = join(temporaryDirectory(), 'file');
    writeFileSync(path, '');
    expect(() => demoDirectory(path)).to.throw(/--demo: .*can't be read/);
  });

  it('keeps a named directory, and removes one of its own', () => {
    const named = join(temporaryDirectory(), 'demo');
    expect(demoDirectory(named)).to.include({ path: named, isTemporary: false });
    mkdirSync(named);
    demoDirectory(named).remove();
    expect(readdirSync(named)).to.deep.equal([]);
    const own = demoDirectory(undefined);
    expect(readdirSync(own.path)).to.deep.equal([]);
    own.remove();
    expect(() => readdirSync(own.path)).to.throw(/ENOENT/);
  });

  it('has counters and buckets that only grow, and buckets that hold those below', () => {
    const metrics = new DemoMetrics();
    const totals = new Map<string, number>();
    for (let time = 1_800_000_000_000, n = 0; n < 200; n++, time += n < 100 ? 15_000 : 1000) {
      let below = 0;
      for (const { labels, value } of metrics.at(time)) {
        const name = labels['__name__'];
        if (!/_(total|bucket|count|sum)$/.test(name)) continue;
        const key = JSON.stringify(labels);
        expect(value, key).to.be.at.least(totals.get(key) ?? 0);
        totals.set(key, value);
        if (!name.endsWith('_bucket')) continue;
        expect(value, key).to.be.at.least(labels['le'] === '0.005' ? 0 : below);
        below = value;
      }
    }
  });
});
