/**
 * Whether a segment should be given its size before it is written. Group commits of 64 KiB with a data sync each, into a
 * file that grows, one that was extended by ftruncate, and one that was filled with zeros.
 *
 *     npm run build && node dist/test/bench/micro/preallocation.js [DIRECTORY]
 */
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMITS = 128;
const COMMIT_BYTES = 64 * 1024;
const block = Buffer.alloc(COMMIT_BYTES, 0x5a);
const zeros = Buffer.alloc(COMMIT_BYTES);

const preparations: Readonly<Record<string, (descriptor: number) => void>> = {
  'grows by writing': () => {},
  'extended by ftruncate': (descriptor) => ftruncateSync(descriptor, COMMITS * COMMIT_BYTES),
  'filled with zeros': (descriptor) => {
    for (let commit = 0; commit < COMMITS; commit++)
      writeSync(descriptor, zeros, 0, COMMIT_BYTES, commit * COMMIT_BYTES);
    fsyncSync(descriptor);
  },
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'tidemark-preallocation-'));
try {
  for (let run = 0; run < 3; run++) {
    for (const [name, prepare] of Object.entries(preparations)) {
      const path = join(directory, `${run}-${name}`);
      const descriptor = openSync(path, 'w');
      const prepareStart = performance.now();
      prepare(descriptor);
      const prepareMs = performance.now() - prepareStart;
      const commits: number[] = [];
      for (let commit = 0; commit < COMMITS; commit++) {
        const start = performance.now();
        writeSync(descriptor, block, 0, COMMIT_BYTES, commit * COMMIT_BYTES);
        fdatasyncSync(descriptor);
        commits.push(performance.now() - start);
      }
      closeSync(descriptor);
      const total = commits.reduce((sum, ms) => sum + ms, prepareMs);
      console.log(
        `${name.padEnd(22)} median commit ${median(commits).toFixed(2)} ms, preparation ${prepareMs.toFixed(1)} ms, all ${total.toFixed(0)} ms`,
      );
    }
  }
} finally {
  rmSync(directory, { recursive: true });
}
