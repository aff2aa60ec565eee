/**
 * Reads a selector's text: PromQL's vector selector, and nothing else. The parser of whole expressions is in src/promql;
 * a program that only appends and selects does not load it.
 *
 *   selector = [name] ["{" [matcher {"," matcher} [","]] "}"]      at least one of both
 *   matcher  = (label | string) operator string | string
 *
 * White space and comments may stand between any two of these.
 */
import { TidemarkError } from './errors.ts';
import { METRIC_NAME } from './labels.ts';
import type { Matcher } from './matcher.ts';
import { quoted, shownText } from './shown-value.ts';
import { UnquoteError, unquote } from './unquote.ts';

const blankPattern = /(?:[ \t\r\n]+|#[^\r\n]*)+/y;
const metricPattern = /[A-Za-z_:][A-Za-z0-9_:]*/y;
const labelPattern = /[A-Za-z_][A-Za-z0-9_]*/y;
const matchPattern = /=~|!~|!=|=/y;
const stringPattern = /"[^"\\\n]*(?:\\[\s\S][^"\\\n]*)*"|'[^'\\\n]*(?:\\[\s\S][^'\\\n]*)*'|`[^`]*`/y;

/** Words that are no metric's name. */
const reserved = /^(?:bool|on|ignoring|group_left|group_right|atan2)$/i;
const notFinite = /^(?:inf|nan)$/i;
const aggregator =
  /^(?:sum|avg|count|min|max|group|stddev|stdvar|topk|bottomk|count_values|quantile|limitk|limit_ratio)$/i;

/** What begins with something else than a selector. */
const beginnings: readonly (readonly [RegExp, string])[] = [
  [/\(/y, 'an expression in parentheses'],
  [/[+-]/y, 'an expression with a sign'],
  [/\.?\d/y, 'a number'],
  [/["'`]/y, 'a string'],
];

/** What goes on after a selector. */
const continuations: readonly (readonly [RegExp, string])[] = [
  [/\[/y, 'a selector with a range'],
  [/offset\b/iy, 'a selector with an offset'],
  [/@/y, 'a selector with @'],
  [/anchored\b/iy, 'an anchored expression'],
  [/smoothed\b/iy, 'a smoothed expression'],
  [/[*/%^+-]|[<>]|==|!=|(?:and|or|unless|atan2)\b/iy, 'a binary operation'],
];

/** The matchers of a text. Throws `TIDEMARK_INVALID_SELECTOR`, with the place. */
export const matchersOfText = (text: string): readonly Matcher[] => new SelectorText(text).read();

class SelectorText {
  private readonly text: string;
  private readonly matchers: Matcher[] = [];
  private position = 0;

  constructor(text: string) {
    this.text = text;
  }

  read(): readonly Matcher[] {
    if (this.text.trim() === '') throw invalidSelector('the selector is empty; an example is up{job="node"}');
    this.skip();
    this.refuse(beginnings, this.position);
    const start = this.position;
    const hasName = this.metricName();
    this.skip();
    const hasBraces = this.takeMark('{');
    if (hasBraces) this.list(hasName);
    else if (!hasName) this.unexpected();
    this.skip();
    if (this.position < this.text.length) {
      this.refuse(continuations, start);
      this.unexpected();
    }
    return this.matchers;
  }

  private metricName(): boolean {
    const start = this.position;
    const name = this.take(metricPattern);
    if (name === undefined) return false;
    if (notFinite.test(name)) this.found('a number', start);
    if (reserved.test(name)) this.unexpected(start);
    this.skip();
    const isAggregator = aggregator.test(name);
    const isCalled = this.text[this.position] === '(' || (isAggregator && this.isAt(/(?:by|without)\b/iy));
    if (isCalled) this.found(isAggregator ? 'an aggregation' : 'a function call', start);
    this.matchers.push({ name: METRIC_NAME, op: '=', value: name });
    return true;
  }

  /** The matchers after the opening brace, and the closing brace. */
  private list(hasName: boolean): void {
    for (this.skip(); !this.takeMark('}'); this.skip()) {
      this.matcher(hasName);
      this.skip();
      if (this.takeMark(',')) continue;
      if (this.text[this.position] !== '}') this.unexpected();
    }
  }

  private matcher(hasName: boolean): void {
    const start = this.position;
    const plain = this.take(labelPattern);
    const name = plain ?? this.string();
    this.skip();
    const op = this.take(matchPattern) as Matcher['op'] | undefined;
    if (op === undefined && plain !== undefined) this.unexpected();
    this.skip();
    const matcher: Matcher =
      op === undefined ? { name: METRIC_NAME, op: '=', value: name } : { name, op, value: this.string() };
    const isSecondName = matcher.name === METRIC_NAME && this.matchers.some(({ name }) => name === METRIC_NAME);
    if (isSecondName && (hasName || op === undefined)) this.fail(start, 'the metric name is given twice');
    this.matchers.push(matcher);
  }

  private string(): string {
    const start = this.position;
    const quote = this.text[start];
    if (quote !== '"' && quote !== "'" && quote !== '`') this.unexpected();
    const literal = this.take(stringPattern);
    if (literal === undefined) return this.fail(start, `the closing ${quote} is missing`);
    try {
      return unquote(literal);
    } catch (error) {
      if (!(error instanceof UnquoteError)) throw error;
      return this.fail(start + error.offset, error.message);
    }
  }

  private skip(): void {
    this.take(blankPattern);
  }

  private takeMark(mark: string): boolean {
    if (this.text[this.position] !== mark) return false;
    this.position++;
    return true;
  }

  private isAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.position;
    return pattern.test(this.text);
  }

  private take(pattern: RegExp): string | undefined {
    if (!this.isAt(pattern)) return undefined;
    const start = this.position;
    this.position = pattern.lastIndex;
    return this.text.slice(start, this.position);
  }

  private refuse(others: readonly (readonly [RegExp, string])[], start: number): void {
    for (const [pattern, what] of others) if (this.isAt(pattern)) this.found(what, start);
  }

  private found(what: string, start: number): never {
    return this.fail(start, `found ${what}, where only a selector such as up{job="node"} is allowed`);
  }

  private unexpected(start = this.position): never {
    const found = this.text.slice(start, start + 10).trim();
    return this.fail(start, found === '' ? 'it ends too early' : `did not expect ${quoted(found)}`);
  }

  private fail(offset: number, problem: string): never {
    const message = `the selector ${cutSelector(this.text)} is not valid at character ${offset + 1}: ${problem}`;
    throw invalidSelector(message, { offset });
  }
}

export const invalidSelector = (message: string, details: Readonly<Record<string, unknown>> = {}): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_SELECTOR', message, { details });

export const cutSelector = (text: string): string => shownText(text, 200);
