/** What the exit code of the command says; docs/cli.md has the same table. */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  /** The command ran, and found something wrong with what it was given: damage, rejected samples, bad lines. */
  problems: 3,
  locked: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
