/** Asks a person on a terminal. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { untilAborted } from '../async/abortable.ts';
import type { Terminal } from './terminal.ts';

/** Whether the answer is `y` or `yes`. No answer, or Ctrl-C, is a no. */
export const isConfirmed = async (terminal: Terminal, question: string, signal: AbortSignal): Promise<boolean> => {
  terminal.err.say(`${question} [y/N] `);
  const lines = createInterface({ input: terminal.input });
  try {
    const answer = Promise.race([once(lines, 'line'), once(lines, 'close')]);
    const [text] = (await untilAborted(answer, signal)) ?? [];
    return typeof text === 'string' && /^y(es)?$/i.test(text.trim());
  } finally {
    lines.close();
  }
};
