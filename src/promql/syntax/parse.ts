/** Text of a PromQL expression to a syntax tree whose types are right. */
import type { Expr } from './ast.ts';
import { type ParseOptions, Parser } from './parser.ts';
import { checkTypes } from './type-checker.ts';

export type { ParseOptions } from './parser.ts';

/** Parses an expression and checks its types. Throws `PromqlSyntaxError` with the first mistake. */
export const parse = (text: string, options: ParseOptions = {}): Expr => {
  const steps = new Parser(text, options).parse();
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  checkTypes(text, step.value);
  return step.value.expr;
};

/** Like `parse`, but lets the event loop turn while a long text is parsed. */
export const parseWithPauses = async (
  text: string,
  breathe: () => Promise<void>,
  options: ParseOptions = {},
): Promise<Expr> => {
  const steps = new Parser(text, options).parse();
  let step = steps.next();
  while (step.done !== true) {
    await breathe();
    step = steps.next();
  }
  checkTypes(text, step.value);
  return step.value.expr;
};
