/**
 * Selectors say which series to select: as text in PromQL's notation, `up{job=~"n.*"}` or
 * `{"metric.name", "label.x"="y"}`, as matcher objects, or as labels that must be equal. Of PromQL only the
 * vector selector is allowed: no functions, operators, ranges or offsets.
 *
 * As in Prometheus, at least one matcher must not match the empty string, so that a user does not select every series
 * by accident.
 */
import { TidemarkError } from './errors.ts';
import type { Labels } from './labels.ts';
import { type CompiledMatcher, compileMatcher, type Matcher } from './matcher.ts';
import { cutSelector, invalidSelector, matchersOfText } from './selector-text.ts';
import { shownValue } from './shown-value.ts';

/** Selector text such as `up{job=~"n.*"}`, matcher objects, or labels that must be equal. */
export type Selector = string | readonly Matcher[] | Labels;

export interface SelectorOptions {
  /** Whether a selector that matches every series, such as `{}`, is allowed. Default false. */
  readonly allowEmpty?: boolean;
}

/** The maximum length of a selector's text, in characters. */
const SELECTOR_LENGTH_MAX = 256 * 1024;

/** Compiles a selector. Throws `TIDEMARK_INVALID_SELECTOR`; the message says what is wrong and where. */
export const parseSelector = (selector: Selector, options: SelectorOptions = {}): readonly CompiledMatcher[] => {
  const matchers = compiled(selector);
  if (options.allowEmpty !== true && matchers.every((matcher) => matcher.matchesEmpty)) {
    throw invalidSelector(
      `the selector ${shownSelector(selector)} would match every series: it needs at least one matcher that does not match the empty string, such as {job=~".+"}`,
    );
  }
  return matchers;
};

const compiled = (selector: Selector): readonly CompiledMatcher[] => {
  try {
    return matchersOf(selector).map(compileMatcher);
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    // The caller's getter or proxy trap has thrown.
    throw new TidemarkError('TIDEMARK_INVALID_SELECTOR', 'the selector could not be read', { cause: error });
  }
};

const shownSelector = (selector: Selector): string => {
  if (typeof selector === 'string') return cutSelector(selector);
  return Array.isArray(selector) ? `of ${selector.length} matchers` : 'of labels';
};

/** The matchers of a selector, not compiled. */
export const matchersOf = (selector: Selector): readonly Matcher[] => {
  if (typeof selector === 'string') return matchersOfText(withinLimit(selector));
  if (typeof selector !== 'object' || selector === null) {
    throw invalidSelector(
      `a selector is text, an array of matchers or an object of labels, not ${shownValue(selector)}`,
    );
  }
  if (Array.isArray(selector)) return selector as readonly Matcher[];
  const labels = selector as Labels;
  const matchers: Matcher[] = [];
  for (const name in labels) matchers.push({ name, op: '=', value: labels[name] });
  return matchers;
};

const withinLimit = (text: string): string => {
  if (text.length > SELECTOR_LENGTH_MAX) {
    throw invalidSelector(`a selector may have ${SELECTOR_LENGTH_MAX} characters, but it has ${text.length}`);
  }
  return text;
};
