/** Runs one case in a process of its own, so that no figure depends on what was measured before it. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { CaseContext, CaseResult } from './cases/case.ts';
import type { CaseName, CaseRequest } from './cases/main.ts';

const entry = join(import.meta.dirname, 'cases', 'main.js');

export const runCase = (name: CaseName, context: CaseContext): Promise<CaseResult> =>
  new Promise((resolve, reject) => {
    const child = fork(entry, {
      execArgv: ['--expose-gc', '--enable-source-maps'],
      stdio: ['ignore', 2, 'pipe', 'ipc'],
    });
    let result: CaseResult | undefined;
    let complaints = '';
    child.stderr?.on('data', (text: Buffer) => {
      complaints = (complaints + text.toString()).slice(-4_000);
    });
    child.once('message', (message) => {
      result = message as CaseResult;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const asPlanned = name === 'crash' ? signal === 'SIGKILL' : code === 0;
      if (asPlanned && result !== undefined) resolve(result);
      else reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}\n${complaints.trim()}`));
    });
    child.send({ name, context } satisfies CaseRequest);
  });
