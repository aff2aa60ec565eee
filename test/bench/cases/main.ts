/** The measured process: runs the one case that its parent asks for, reports, and dies without a close if told so. */
import type { Case, CaseContext } from './case.ts';
import { crash } from './crash.ts';
import { ingest } from './ingest.ts';
import { paced } from './paced.ts';
import { persistAll } from './persist-all.ts';
import { program } from './program.ts';
import { reopenAfterLongTail, reopenAfterShortTail, reopenClean } from './reopen.ts';

const cases = {
  ingest,
  crash,
  paced,
  persistAll,
  program,
  reopenClean,
  reopenAfterShortTail,
  reopenAfterLongTail,
} satisfies Record<string, Case>;

export type CaseName = keyof typeof cases;

export interface CaseRequest {
  readonly name: CaseName;
  readonly context: CaseContext;
}

process.once('message', async ({ name, context }: CaseRequest) => {
  const result = await cases[name](context);
  process.send?.(result, () => {
    if (name === 'crash') process.kill(process.pid, 'SIGKILL');
    else process.disconnect();
  });
});
