/**
 * Kills the writing process at random moments, and finds after each restart every sample that `flush()` had
 * acknowledged, and none that was not appended. `TIDEMARK_KILLS` sets how often; CI kills 200 times.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const writer = fileURLToPath(new URL('./writer.js', import.meta.url));
const kills = Number(process.env['TIDEMARK_KILLS'] ?? 8);
const seed = Number(process.env['TIDEMARK_SEED'] ?? 20261122);

interface Run {
  readonly acknowledged: number;
  readonly verified: number;
  readonly complaint: string | undefined;
}

/** Starts a writer and kills it `delayMs` after it has verified what it found. */
const runAndKill = (directory: string, acknowledged: number, runSeed: number, delayMs: number): Promise<Run> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, [writer, directory, String(acknowledged), String(runSeed)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    let killing = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (killing || !output.includes('verified')) return;
      killing = true;
      setTimeout(() => child.kill('SIGKILL'), delayMs);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (_, signal) => {
      const numbers = (word: string): number[] =>
        [...output.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, number]) => Number(number));
      resolve({
        acknowledged: numbers('acknowledged').at(-1) ?? acknowledged,
        verified: numbers('verified').at(-1) ?? -1,
        complaint: signal === 'SIGKILL' ? undefined : `${output}${errors}`,
      });
    });
  });

describe(`a process that is killed ${kills} times while it writes`, () => {
  after(removeTemporaryDirectories);

  it('finds every acknowledged sample after each restart, and no other', async () => {
    const directory = temporaryDirectory();
    const random = seeded(seed);
    let acknowledged = -1;
    for (let kill = 0; kill < kills; kill++) {
      const run = await runAndKill(directory, acknowledged, seed + kill, random.int(400));
      expect(run.complaint, `kill ${kill}, TIDEMARK_SEED=${seed} TIDEMARK_KILLS=${kills}`).to.equal(undefined);
      expect(run.verified, `kill ${kill}`).to.be.at.least(acknowledged + 1);
      acknowledged = run.acknowledged;
    }
    expect(acknowledged, 'samples acknowledged').to.be.greaterThan(0);
  }).timeout(900_000);
});
