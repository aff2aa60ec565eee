/** The tokens of PromQL, its keywords, and how messages name a token. */
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import { quoteBeginning } from './quote.ts';

export type TokenKind =
  | 'end'
  | 'identifier'
  /** A name with colons, which only a metric can have. */
  | 'metric'
  | 'number'
  | 'duration'
  | 'string'
  | 'keyword'
  | 'aggregator'
  /** `start end step range`: names with a meaning after `@`, in durations and before `(`. */
  | 'preprocessor'
  /** `anchored smoothed fill fill_left fill_right`. */
  | 'modifier'
  | 'operator'
  | 'punctuation';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** Which keyword, operator or punctuation mark it is, in lower case; empty for other kinds. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

const words: readonly (readonly [TokenKind, string])[] = [
  ['keyword', 'bool by group_left group_right ignoring offset on without'],
  ['operator', 'and or unless atan2'],
  ['aggregator', 'sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio'],
  ['preprocessor', 'start end step range'],
  ['modifier', 'anchored smoothed fill fill_left fill_right'],
  ['number', 'inf nan'],
];

const kinds: ReadonlyMap<string, TokenKind> = new Map(
  words.flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind] as const)),
);

/** The kind of a word. Keywords are known in upper and lower case. */
export const kindOfWord = (text: string): TokenKind =>
  text.includes(':') ? 'metric' : (kinds.get(text.toLowerCase()) ?? 'identifier');

/** Words that are no name of a metric. */
const reserved: ReadonlySet<string> = new Set(['bool', 'group_left', 'group_right', 'ignoring', 'on', 'atan2']);

/** Whether the token may be the name of a metric. */
export const isMetricName = (token: Token): boolean => {
  switch (token.kind) {
    case 'identifier':
    case 'metric':
    case 'aggregator':
    case 'preprocessor':
    case 'modifier':
      return true;
    case 'keyword':
      return !reserved.has(token.word);
    case 'operator':
      return isWord(token) && !reserved.has(token.word);
    default:
      return false;
  }
};

/** Whether the token may be the name of a label in `by (…)`: any word but a number. */
export const isLabelName = (token: Token): boolean =>
  isMetricName(token) || token.kind === 'keyword' || (token.kind === 'operator' && isWord(token));

const isWord = (token: Token): boolean => /^[a-z]/.test(token.word);

/** The token in a message: `end of input`, `identifier "foo"`, `<op:+>`, `","`. */
export const describeToken = (token: Token): string => {
  switch (token.kind) {
    case 'end':
      return 'end of input';
    case 'identifier':
      return `identifier ${quoteLikeGo(token.text)}`;
    case 'metric':
      return `metric identifier ${quoteLikeGo(token.text)}`;
    case 'number':
    case 'duration':
    case 'string':
      return `${token.kind} ${quoteBeginning(token.text, 10)}`;
    case 'keyword':
    case 'modifier':
      return `<${token.text}>`;
    case 'operator':
      return `<op:${token.text}>`;
    case 'aggregator':
      return `<aggr:${token.text}>`;
    default:
      return quoteLikeGo(token.text);
  }
};
