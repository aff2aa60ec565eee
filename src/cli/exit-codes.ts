/** The exit codes of the command; docs/cli.md has the same table. */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  /** The command ran and found problems in its input: damage, rejected samples, bad lines. */
  problems: 3,
  locked: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
