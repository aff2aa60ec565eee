import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SeedOutcome } from './command/simulate-seed.ts';
import { playOnThreads } from './command/simulate-threads.ts';

describe('seeds on several threads', () => {
  const told = async (until: number): Promise<number[]> => {
    const seeds: number[] = [];
    let isTelling = false;
    const onOutcome = async ({ seed }: SeedOutcome): Promise<boolean> => {
      expect(isTelling, 'one at a time').to.equal(false);
      isTelling = true;
      await new Promise((resolve) => setImmediate(resolve));
      isTelling = false;
      seeds.push(seed);
      return seed < until;
    };
    await playOnThreads({ seed: 40, runs: 12, steps: 10, threads: 4, onOutcome });
    return seeds;
  };

  it('report their outcomes in the order of the seeds, one at a time', async () => {
    expect(await told(51)).to.deep.equal([40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51]);
  });

  it('report nothing after the run is ended', async () => {
    expect(await told(43)).to.deep.equal([40, 41, 42, 43]);
  });
});

describe('npm run simulate', () => {
  it('prints the same on several threads as on one', () => {
    const main = join(import.meta.dirname, 'command', 'main.js');
    const run = (threads: string) => {
      const args = [main, '--seed', '7', '--runs', '6', '--steps', '30', '--json', '--threads', threads];
      return spawnSync(process.execPath, args, { encoding: 'utf8' });
    };
    const [one, several] = [run('1'), run('3')];
    expect(several.status, several.stderr).to.equal(0);
    expect(several.stdout).to.equal(one.stdout);
    expect(several.stderr).to.match(/^6 runs from seed 7: 180 steps, .* everything held\.$/m);
  });
});
