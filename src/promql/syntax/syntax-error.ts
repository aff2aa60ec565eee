/** What is wrong with the text of a PromQL expression, with its place, in the words of Prometheus. */
import { TidemarkError } from '../../model/errors.ts';
import { encodeText } from '../../model/utf8.ts';

export interface TextPlace {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in bytes of UTF-8 as Prometheus counts. */
  readonly column: number;
  /** UTF-16 offset in the text, for a caret. */
  readonly offset: number;
}

/** `message` is the text of Prometheus: `1:5: parse error: unclosed left parenthesis`. */
export class PromqlSyntaxError extends TidemarkError implements TextPlace {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  /** The message without the place. */
  readonly problem: string;

  constructor(text: string, offset: number, problem: string) {
    const place = placeOf(text, offset);
    super('TIDEMARK_QUERY_SYNTAX', `${place.line}:${place.column}: parse error: ${problem}`, {
      details: { ...place, problem },
    });
    this.line = place.line;
    this.column = place.column;
    this.offset = offset;
    this.problem = problem;
  }
}

/** Line and column of an offset. */
export const placeOf = (text: string, offset: number): TextPlace => {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: encodeText(text.slice(lineStart, offset)).length + 1, offset };
};
