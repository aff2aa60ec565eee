/**
 * Runs one command line: finds the verb, reads its arguments, and turns an error into one readable sentence and an exit
 * code. A stack is printed only if TIDEMARK_DEBUG is set.
 */

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { version } from '../ports/version.ts';
import { codeOf, cutMessage, messageOf } from '../text/error-text.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { overallHelp, usageOf, verbHelp } from './help.ts';
import type { Library } from './library.ts';
import { nearest } from './suggest.ts';
import { paint, ReaderGoneError, type Terminal, wantsColor } from './terminal.ts';
import { type GivenOptions, UsageError, type Verb } from './verb.ts';
import { verbs } from './verbs.ts';

interface Parsed {
  readonly options: GivenOptions;
  readonly positionals: readonly string[];
}

const parse = (verb: Verb, args: readonly string[]): Parsed => {
  const config: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean' } };
  for (const [name, { type, repeatable }] of Object.entries(verb.options))
    config[name] = { type, multiple: repeatable === true };
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: config, allowPositionals: true });
    return { options: values as GivenOptions, positionals };
  } catch (error) {
    const ambiguous = /^Option '([^']+)' argument is ambiguous/.exec((error as Error).message)?.[1];
    if (ambiguous !== undefined)
      throw new UsageError(`${ambiguous} needs a value; one that begins with a dash is written ${ambiguous}=-1.`);
    const message = (error as Error).message.replace(/\. To specify a positional argument.*$/s, '.');
    throw new UsageError(`${message.endsWith('.') ? message : `${message}.`}${optionHint(message, verb)}`);
  }
};

/** For an unknown option, suggests the one that was probably meant. */
const optionHint = (message: string, { options }: Verb): string => {
  const given = /^Unknown option '--(.+?)'/.exec(message)?.[1];
  const meant = given === undefined ? undefined : nearest(given, [...Object.keys(options), 'help']);
  return meant === undefined ? '' : ` Did you mean --${meant}?`;
};

const checkArguments = (verb: Verb, { options, positionals }: Parsed): void => {
  if (positionals.length > verb.positionals.length && verb.positionals.at(-1)?.repeatable !== true)
    throw new UsageError(`${JSON.stringify(positionals[verb.positionals.length])} is one argument too many.`);
  verb.positionals.forEach(({ name, choices }, i) => {
    if (choices !== undefined && positionals[i] !== undefined && !choices.includes(positionals[i]))
      throw new UsageError(`${name} is one of ${choices.join(', ')}, not ${JSON.stringify(positionals[i])}.`);
  });
  const missing = verb.positionals.find(({ required }, i) => required && positionals[i] === undefined);
  if (missing !== undefined)
    throw new UsageError(
      missing.choices === undefined
        ? `${missing.name} is missing.`
        : `${missing.name} is missing; it is one of ${missing.choices.join(', ')}.`,
    );
  for (const [name, { choices }] of Object.entries(verb.options)) {
    const value = options[name];
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value))
      throw new UsageError(`--${name} takes one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`);
  }
};

const findVerb = (name: string): Verb => {
  const verb = verbs.find((candidate) => candidate.name === name);
  if (verb !== undefined) return verb;
  const suggestion = nearest(
    name,
    verbs.map((candidate) => candidate.name),
  );
  const hint = suggestion === undefined ? 'tidemark --help lists the verbs.' : `Did you mean ${suggestion}?`;
  throw new UsageError(`There is no verb ${JSON.stringify(name)}. ${hint}`);
};

/** The sentence about an error: its code, if it has one, and its message. */
const sentenceOf = (error: unknown): string => {
  const message = messageOf(error);
  const code = codeOf(error);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
};

/** Errors of the library that say that an argument of the command is wrong. */
const usageErrors: ReadonlySet<string | undefined> = new Set([
  'TIDEMARK_INVALID_SELECTOR',
  'TIDEMARK_INVALID_OPTION',
  'TIDEMARK_QUERY_SYNTAX',
]);

const report = (error: unknown, verb: Verb | undefined, { err, env }: Terminal): ExitCode => {
  const say = (text: string): void => {
    err.say(`${paint('tidemark:', 'red', wantsColor(err, env))} ${cutMessage(text)}\n`);
  };
  if (error instanceof ReaderGoneError) return exitCodes.ok;
  if (error instanceof UsageError) {
    say(error.message);
    if (verb !== undefined) err.say(`usage: ${usageOf(verb)}\n`);
    return exitCodes.usage;
  }
  say(sentenceOf(error));
  if (env['TIDEMARK_DEBUG'] && error instanceof Error) err.say(`${error.stack}\n`);
  if (usageErrors.has(codeOf(error))) return exitCodes.usage;
  return codeOf(error) === 'TIDEMARK_LOCKED' ? exitCodes.locked : exitCodes.error;
};

export interface Surroundings {
  readonly terminal: Terminal;
  readonly library: () => Promise<Library>;
  readonly signal: AbortSignal;
}

const runVerb = async (verb: Verb, args: readonly string[], surroundings: Surroundings): Promise<ExitCode> => {
  const parsed = parse(verb, args);
  const { out } = surroundings.terminal;
  if (parsed.options['help'] === true) {
    await out.write(verbHelp(verb));
    return exitCodes.ok;
  }
  checkArguments(verb, parsed);
  return verb.run({ ...parsed, ...surroundings });
};

const answerOverall = async ([first]: readonly string[], { out, err }: Terminal): Promise<ExitCode | undefined> => {
  if (first === '--version' || first === '-V') {
    await out.write(`tidemark ${version}\n`);
    return exitCodes.ok;
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    await out.write(overallHelp(verbs));
    return exitCodes.ok;
  }
  if (first !== undefined) return undefined;
  err.say(overallHelp(verbs));
  return exitCodes.usage;
};

/** Runs `args`, the command line after `tidemark`. Never rejects. */
export const run = async (args: readonly string[], surroundings: Surroundings): Promise<ExitCode> => {
  const { terminal } = surroundings;
  let verb: Verb | undefined;
  const answer = async (): Promise<ExitCode> => {
    const answered = await answerOverall(args, terminal);
    if (answered !== undefined) return answered;
    verb = findVerb(args[0]);
    return runVerb(verb, args.slice(1), surroundings);
  };
  return concluded(answer, () => verb, surroundings);
};

/** Runs one verb with the arguments after its name. Never rejects. */
export const runOneVerb = (verb: Verb, args: readonly string[], surroundings: Surroundings): Promise<ExitCode> =>
  concluded(
    () => runVerb(verb, args, surroundings),
    () => verb,
    surroundings,
  );

/** The exit code of a command, after all its output was printed. An error is printed as one sentence. */
const concluded = async (
  answer: () => Promise<ExitCode>,
  verb: () => Verb | undefined,
  { terminal, signal }: Surroundings,
): Promise<ExitCode> => {
  try {
    const exitCode = await answer();
    await terminal.out.flush();
    return exitCode;
  } catch (error) {
    if (signal.aborted && codeOf(error) === 'TIDEMARK_ABORTED') {
      terminal.err.say('Interrupted.\n');
      return exitCodes.interrupted;
    }
    await terminal.out.flush().catch(() => {});
    return report(error, verb(), terminal);
  }
};
