/** Text of a PromQL expression to a syntax tree whose types are right. */
import type { Expr } from './ast.ts';
import { type ParseOptions, Parser } from './parser.ts';
import { checkTypes } from './type-checker.ts';

export type { ParseOptions } from './parser.ts';

/** Parses an expression and checks its types. Throws `PromqlSyntaxError` with the first mistake. */
export const parse = (text: string, options: ParseOptions = {}): Expr => {
  const parsed = new Parser(text, options).parse();
  checkTypes(text, parsed);
  return parsed.expr;
};
