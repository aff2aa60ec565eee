/**
 * Matchers: conditions on the value of a label. A label that a series does not have counts as the empty string, so a
 * matcher that matches the empty string also matches series without the label.
 */
import { TidemarkError } from './errors.ts';
import { type LabelPairs, labelValue } from './labels.ts';
import { compileRegex } from './regex.ts';
import { RegexSyntaxError } from './regex-syntax.ts';
import { detailOf, quoted, shownText, shownValue } from './shown-value.ts';
import { INVALID_UTF16, utf8ByteCount } from './utf8.ts';

/**
 * A condition on the value of a label. The regular expressions of `=~` and `!~` always match against the whole value.
 */
export interface Matcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface CompiledMatcher extends Matcher {
  /** Whether the label's value meets the condition. The value of a missing label is the empty string. */
  readonly matches: (value: string) => boolean;
  /** Whether the matcher matches series without the label. */
  readonly matchesEmpty: boolean;
  /** For `=` and `=~`: all matching values, if they are few. For `!=` and `!~`: all values that do not match. */
  readonly literals?: readonly string[];
}

const operators: ReadonlySet<unknown> = new Set(['=', '!=', '=~', '!~']);

/** Checks and compiles a matcher. Throws `TIDEMARK_INVALID_SELECTOR`. */
export const compileMatcher = (matcher: Matcher): CompiledMatcher => {
  const { name, op, value } = checked(matcher);
  const isPositive = op === '=' || op === '=~';
  if (op === '=' || op === '!=') {
    const matches = isPositive ? (text: string) => text === value : (text: string) => text !== value;
    return { name, op, value, matches, matchesEmpty: matches(''), literals: [value] };
  }
  const regex = compiled(name, op, value);
  const matches = isPositive ? regex.matches : (text: string) => !regex.matches(text);
  const literals = regex.literals === undefined ? {} : { literals: regex.literals };
  return { name, op, value, matches, matchesEmpty: regex.matchesEmpty === isPositive, ...literals };
};

/** Whether all matchers match a series with these labels. */
export const matchesPairs = (matchers: readonly CompiledMatcher[], pairs: LabelPairs): boolean => {
  for (const matcher of matchers) {
    if (!matcher.matches(labelValue(pairs, matcher.name))) return false;
  }
  return true;
};

const compiled = (name: string, op: string, value: string): ReturnType<typeof compileRegex> => {
  try {
    return compileRegex(value);
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    throw invalid(
      `the regular expression of ${shownText(name)}${op}${quoted(value)} is not valid at character ${error.offset + 1}: ${error.message}`,
      { name, op, value, offset: error.offset },
      error,
    );
  }
};

const checked = (matcher: Matcher): Matcher => {
  if (typeof matcher !== 'object' || matcher === null) {
    throw invalid(`a matcher must be an object { name, op, value }, but it is ${shownValue(matcher)}`, {});
  }
  const { name, op, value } = matcher;
  if (typeof name !== 'string' || name === '') throw invalid('a matcher needs the name of a label', { name });
  if (!operators.has(op))
    throw invalid(
      `the op of a matcher is one of =, !=, =~, !~, not ${typeof op === 'string' ? shownText(op) : shownValue(op)}`,
      {
        name,
        op,
      },
    );
  if (typeof value !== 'string') {
    throw invalid(`the value of the matcher for ${shownText(name)} must be a string, but it is ${shownValue(value)}`, {
      name,
      value,
    });
  }
  if (utf8ByteCount(name) === INVALID_UTF16 || utf8ByteCount(value) === INVALID_UTF16) {
    throw invalid(`the matcher for ${quoted(name)} holds half a surrogate pair`, { name, value });
  }
  // The properties are read only once, because a getter may return a different value each time.
  return { name, op, value };
};

const invalid = (message: string, details: Readonly<Record<string, unknown>>, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_SELECTOR', message, {
    details: Object.fromEntries(Object.entries(details).map(([key, value]) => [key, detailOf(value)])),
    cause,
  });
