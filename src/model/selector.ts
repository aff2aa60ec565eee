/**
 * Selectors say which series to select: as text in PromQL's notation, `up{job=~"n.*"}` or
 * `{"metric.name", "label.x"="y"}`, as matcher objects, or as labels that must be equal. Of PromQL only the
 * vector selector is allowed: no functions, operators, ranges or offsets.
 *
 * As in Prometheus, at least one matcher must not match the empty string, so that a user does not select every series
 * by accident.
 */
import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { TidemarkError } from './errors.ts';
import { type Labels, METRIC_NAME } from './labels.ts';
import { type CompiledMatcher, compileMatcher, type Matcher } from './matcher.ts';
import { quoted, shownText, shownValue } from './shown-value.ts';
import { UnquoteError, unquote } from './unquote.ts';
import { hasEscapedBytes } from './utf8.ts';

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
    throw invalid(
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
  if (typeof selector === 'string') return cut(selector);
  return Array.isArray(selector) ? `of ${selector.length} matchers` : 'of labels';
};

/** The matchers of a selector, not compiled. */
export const matchersOf = (selector: Selector): readonly Matcher[] => {
  if (typeof selector === 'string') return matchersOfText(selector);
  if (typeof selector !== 'object' || selector === null) {
    throw invalid(`a selector is text, an array of matchers or an object of labels, not ${shownValue(selector)}`);
  }
  if (Array.isArray(selector)) return selector as readonly Matcher[];
  const labels = selector as Labels;
  const matchers: Matcher[] = [];
  for (const name in labels) matchers.push({ name, op: '=', value: labels[name] });
  return matchers;
};

const operators: Readonly<Record<string, Matcher['op']>> = {
  EqlSingle: '=',
  Neq: '!=',
  EqlRegex: '=~',
  NeqRegex: '!~',
};

/** Names for expressions that are not selectors, by the name of the grammar's node. */
const others: Readonly<Record<string, string>> = {
  AggregateExpr: 'an aggregation',
  AnchoredExpr: 'an anchored expression',
  BinaryExpr: 'a binary operation',
  FunctionCall: 'a function call',
  MatrixSelector: 'a selector with a range',
  NumberDurationLiteral: 'a number',
  OffsetExpr: 'a selector with an offset',
  ParenExpr: 'an expression in parentheses',
  SmoothedExpr: 'a smoothed expression',
  StepInvariantExpr: 'a selector with @',
  StringLiteral: 'a string',
  SubqueryExpr: 'a subquery',
  UnaryExpr: 'an expression with a sign',
};

const matchersOfText = (text: string): readonly Matcher[] => {
  if (text.length > SELECTOR_LENGTH_MAX) {
    throw invalid(`a selector may have ${SELECTOR_LENGTH_MAX} characters, but it has ${text.length}`);
  }
  // The grammar refuses lone surrogates, which stand for bytes that are not UTF-8 (utf8.ts).
  const tree = parser.parse(withoutKeyword(hasEscapedBytes(text) ? text.replace(/[\udc80-\udcff]/gu, '\ufffd') : text));
  const expression = firstExpression(tree);
  if (expression === undefined || expression.type.isError) throw syntaxError(text, firstError(tree) ?? tree.topNode);
  if (expression.name !== 'VectorSelector') {
    const found = others[expression.name] ?? 'something else';
    throw invalidAt(text, expression.from, `found ${found}, where only a selector such as up{job="node"} is allowed`);
  }
  const error = firstError(tree);
  if (error !== undefined) throw syntaxError(text, error);
  return vectorMatchers(text, expression);
};

/**
 * Prometheus accepts the keyword `offset` as a metric's name, but the grammar does not. For parsing, a name of the same
 * length replaces it.
 */
const withoutKeyword = (text: string): string => text.replace(/^(\s*)offset(?![\w:])/i, '$1metric');

const vectorMatchers = (text: string, vector: SyntaxNode): readonly Matcher[] => {
  const matchers: Matcher[] = [];
  const identifier = vector.getChild('Identifier');
  if (identifier !== null) matchers.push(nameMatcher(textOf(text, identifier)));
  const list = vector.getChild('LabelMatchers');
  for (let node = list?.firstChild ?? null; node !== null; node = node.nextSibling) {
    const matcher = matcherOf(text, node);
    if (matcher === undefined) continue;
    const isSecondName = matcher.name === METRIC_NAME && matchers.some(({ name }) => name === METRIC_NAME);
    if (isSecondName && (identifier !== null || node.name === 'QuotedLabelName')) {
      throw invalidAt(text, node.from, 'the metric name is given twice');
    }
    matchers.push(matcher);
  }
  return matchers;
};

const matcherOf = (text: string, node: SyntaxNode): Matcher | undefined => {
  if (node.name === 'QuotedLabelName') return nameMatcher(quotedText(text, node.firstChild));
  if (node.name !== 'UnquotedLabelMatcher' && node.name !== 'QuotedLabelMatcher') return undefined;
  const plain = node.getChild('LabelName');
  const name = plain === null ? quotedText(text, node.getChild('QuotedLabelName')?.firstChild) : textOf(text, plain);
  const op = operators[node.getChild('MatchOp')?.firstChild?.name ?? ''];
  return { name, op, value: quotedText(text, node.getChild('StringLiteral')) };
};

const nameMatcher = (value: string): Matcher => ({ name: METRIC_NAME, op: '=', value });

const textOf = (text: string, node: SyntaxNode): string => text.slice(node.from, node.to);

const quotedText = (text: string, node: SyntaxNode | null | undefined): string => {
  if (node === null || node === undefined) throw invalid(`can't read the selector ${cut(text)}`);
  try {
    return unquote(textOf(text, node));
  } catch (error) {
    if (!(error instanceof UnquoteError)) throw error;
    throw invalidAt(text, node.from + error.offset, error.message);
  }
};

const firstExpression = (tree: Tree): SyntaxNode | undefined => {
  let node = tree.topNode.firstChild;
  while (node !== null && node.name === 'LineComment') node = node.nextSibling;
  return node ?? undefined;
};

const firstError = (tree: Tree): SyntaxNode | undefined => {
  let first: SyntaxNode | undefined;
  tree.iterate({
    enter: (node) => {
      if (first === undefined && node.type.isError) first = node.node;
      return first === undefined;
    },
  });
  return first;
};

const syntaxError = (text: string, node: SyntaxNode): TidemarkError => {
  const found = text.slice(node.from, Math.max(node.to, node.from + 10)).trim();
  if (text.trim() === '') return invalid('the selector is empty; an example is up{job="node"}');
  return invalidAt(text, node.from, found === '' ? 'it ends too early' : `did not expect ${quoted(found)}`);
};

const invalidAt = (text: string, offset: number, problem: string): TidemarkError =>
  invalid(`the selector ${cut(text)} is not valid at character ${offset + 1}: ${problem}`, { offset });

const invalid = (message: string, details: Readonly<Record<string, unknown>> = {}): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_SELECTOR', message, { details });

const cut = (text: string): string => shownText(text, 200);
