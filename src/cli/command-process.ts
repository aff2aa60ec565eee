/**
 * Connects this process to a command. The first Ctrl-C (or SIGTERM) asks the verb to end cleanly. The second exits at
 * once; no acknowledged sample is lost, because the store survives being killed.
 */
import { exitCodes } from './exit-codes.ts';
import type { Surroundings } from './run.ts';
import { Output } from './terminal.ts';

/** Runs the command with the process's arguments, and sets the process's exit code. */
export const runInThisProcess = async (
  command: (args: readonly string[], surroundings: Surroundings) => Promise<number>,
): Promise<void> => {
  const abort = new AbortController();
  /** The exit code of an interrupted verb. It lets a supervisor tell its own SIGTERM from a Ctrl-C. */
  let interruptedCode: number = exitCodes.interrupted;
  const onSignal = (exitCode: number) => (): void => {
    if (abort.signal.aborted) process.exit(exitCode);
    interruptedCode = exitCode;
    abort.abort();
  };
  process.on('SIGINT', onSignal(exitCodes.interrupted));
  process.on('SIGTERM', onSignal(143));

  // The library's timers do not keep the process alive, so this one does until the command is done.
  const alive = setInterval(() => {}, 2 ** 30);
  const exitCode = await command(process.argv.slice(2), {
    terminal: {
      input: process.stdin,
      out: new Output(process.stdout),
      err: new Output(process.stderr),
      env: process.env,
    },
    library: () => import('../index.ts'),
    signal: abort.signal,
  });
  clearInterval(alive);
  // An input that is still open would keep the process alive.
  process.stdin.destroy();
  process.exitCode = exitCode === exitCodes.interrupted ? interruptedCode : exitCode;
};
