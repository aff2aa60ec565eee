/** A verb of the command line: the data for help and completion, and the function that runs it. */

import type { ExitCode } from './exit-codes.ts';
import type { Library } from './library.ts';
import type { Terminal } from './terminal.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** The name of the option's value in the help. */
  readonly placeholder?: string;
  readonly summary: string;
  /** The allowed values, for completion and for checking. */
  readonly choices?: readonly string[];
  /** The option may be given several times. */
  readonly repeatable?: true;
}

export interface PositionalSpec {
  readonly name: string;
  readonly required: boolean;
  readonly summary: string;
  /** What completion offers for the argument. */
  readonly completes?: 'directory' | 'file';
  readonly choices?: readonly string[];
  /** The argument may be given several times; only the last one of a verb. */
  readonly repeatable?: true;
}

/** The given options, by long name. */
export type GivenOptions = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

export interface Invocation {
  readonly positionals: readonly string[];
  readonly options: GivenOptions;
  readonly terminal: Terminal;
  /** Loads the library; help and completion answer without it. */
  readonly library: () => Promise<Library>;
  /** Aborts at the first Ctrl-C. A verb then keeps its finished work, prints a message, and returns. */
  readonly signal: AbortSignal;
}

export interface Verb {
  readonly name: string;
  /** The command before the arguments. Default: `tidemark` and the verb's name. */
  readonly command?: string;
  readonly summary: string;
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Paragraphs that the help prints below the options; wrapped to the width. */
  readonly notes: readonly string[];
  readonly examples: readonly string[];
  run(invocation: Invocation): Promise<ExitCode>;
}

/** Wrong arguments. The message is printed with the verb's usage; the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The value of a text option, or `undefined` if it was not given. */
export const textOption = (options: GivenOptions, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** The values of a text option that may be given several times, in their order. */
export const textOptions = (options: GivenOptions, name: string): readonly string[] => {
  const values = options[name];
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
};

/** A whole number from `minimum` to `maximum`. Otherwise throws a usage error that names the option. */
export const integerOption = (
  options: GivenOptions,
  name: string,
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
): number | undefined => {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= minimum && number <= maximum))
    throw new UsageError(`--${name} takes a whole number from ${minimum} to ${maximum}, not ${JSON.stringify(text)}.`);
  return number;
};
