#!/usr/bin/env node
/**
 * The `tidemark` command: wires the process to `run`. The first Ctrl-C (or SIGTERM) asks the verb to end cleanly; the
 * second exits at once, which loses nothing acknowledged: the store is built to be killed.
 */
import { exitCodes } from './exit-codes.ts';
import { run } from './run.ts';
import { Output } from './terminal.ts';

const abort = new AbortController();
/** What an interrupted verb exits with: by it, supervisors tell their own SIGTERM from a Ctrl-C. */
let interruptedCode: number = exitCodes.interrupted;

const onSignal = (exitCode: number) => (): void => {
  if (abort.signal.aborted) process.exit(exitCode);
  interruptedCode = exitCode;
  abort.abort();
};

process.on('SIGINT', onSignal(exitCodes.interrupted));
process.on('SIGTERM', onSignal(143));

// The library's own timers keep no process alive; a command lives until it is done.
const alive = setInterval(() => {}, 2 ** 30);

const exitCode = await run(process.argv.slice(2), {
  terminal: {
    input: process.stdin,
    out: new Output(process.stdout),
    err: new Output(process.stderr),
    env: process.env,
  },
  engine: () => import('../index.ts'),
  signal: abort.signal,
});

clearInterval(alive);
// Nothing of a verb outlives it; an input that is still open would keep the process waiting.
process.stdin.destroy();
process.exitCode = exitCode === exitCodes.interrupted ? interruptedCode : exitCode;
