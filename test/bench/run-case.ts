/** Runs one piece of measuring in a process of its own, so that no figure depends on what was measured before it. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { CaseContext, CaseResult } from './cases/case.ts';
import type { CaseName, CaseRequest } from './cases/main.ts';
import { CHECKOUT_VARIABLE } from './store-driver.ts';

interface ChildPlan {
  /** The compiled file to run, relative to this folder. */
  readonly entry: string;
  readonly title: string;
  /** Sent to the child, which answers with one message. */
  readonly request: object;
  /** The child kills itself after its answer. */
  readonly dies?: boolean;
  /** The checkout whose library is measured; `undefined` for this one. */
  readonly checkout?: string | undefined;
}

/** Resolves to the child's answer when it ended as planned; rejects with what it complained about otherwise. */
export const askChild = <Answer>({ entry, title, request, dies = false, checkout }: ChildPlan): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, entry), {
      execArgv: ['--expose-gc', '--enable-source-maps'],
      stdio: ['ignore', 2, 'pipe', 'ipc'],
      env: checkout === undefined ? process.env : { ...process.env, [CHECKOUT_VARIABLE]: checkout },
    });
    let answer: Answer | undefined;
    let complaints = '';
    child.stderr?.on('data', (text: Buffer) => {
      complaints = (complaints + text.toString()).slice(-4_000);
    });
    child.once('message', (message) => {
      answer = message as Answer;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const asPlanned = dies ? signal === 'SIGKILL' : code === 0;
      if (asPlanned && answer !== undefined) resolve(answer);
      else reject(new Error(`${title} ended with ${signal ?? `exit code ${code}`}\n${complaints.trim()}`));
    });
    child.send(request);
  });

export const runCase = (name: CaseName, context: CaseContext, checkout?: string): Promise<CaseResult> =>
  askChild<CaseResult>({
    entry: join('cases', 'main.js'),
    title: name,
    request: { name, context } satisfies CaseRequest,
    dies: name === 'crash',
    checkout,
  });
