/**
 * A whole small program in a process of its own: import, open an empty directory, append, flush, select, close. And a
 * program that only imports. Both are timed from outside, from the start of the process to its end.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { libraryFile } from '../store-driver.ts';
import type { Case } from './case.ts';

const importing = (library: string): string =>
  `const { openStore } = await import(${JSON.stringify(library)}); globalThis.openStore = openStore;`;

const whole = (library: string, directory: string): string => `${importing(library)}
const store = await openStore(${JSON.stringify(directory)}, { retention: 'off' });
store.append({ __name__: 'up', job: 'x' }, Date.now(), 1);
await store.flush();
for await (const { values } of store.select('up')) if (values.length !== 1) process.exit(1);
await store.close();`;

const report = 'process.on("exit", () => console.log(process.resourceUsage().maxRSS));';

/** Runs a program; resolves to its time and the most memory that it took. */
const run = (source: string): Promise<{ readonly ms: number; readonly MB: number }> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['--input-type=module', '-e', report + source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve({ ms: performance.now() - started, MB: (Number(output) * 1024) / 1e6 });
      else reject(new Error(`the small program ended with exit code ${code}`));
    });
  });

const TIMES = 5;

export const program: Case = async ({ directory }) => {
  const library = pathToFileURL(libraryFile()).href;
  // The first process of each kind reads the files from the disk.
  await run('');
  await run(whole(library, join(directory, 'first')));
  const bare: number[] = [];
  const imports: number[] = [];
  const programs: { readonly ms: number; readonly MB: number }[] = [];
  for (let n = 0; n < TIMES; n++) {
    bare.push((await run('')).ms);
    imports.push((await run(importing(library))).ms);
    programs.push(await run(whole(library, join(directory, `store-${n}`))));
  }
  const bareMs = Math.min(...bare);
  return {
    figures: {
      importMs: Math.min(...imports) - bareMs,
      programMs: Math.min(...programs.map(({ ms }) => ms)),
      programMB: Math.min(...programs.map(({ MB }) => MB)),
    },
    facts: { bareMs },
  };
};
