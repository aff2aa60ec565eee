/** The selectors of `match[]`, with Prometheus' texts for mistakes in them. */
import type { Matcher } from '../../index.ts';
import { cutText } from '../../model/shown-value.ts';
import { parse } from '../../promql/syntax/parse.ts';
import { PromqlSyntaxError } from '../../promql/syntax/syntax-error.ts';
import { badData } from '../reply.ts';

const MESSAGE_LENGTH_MAX = 500;

/** The matchers of a selector. Throws 400; `name` is the parameter's. */
export const parseSelector = (text: string, name: string): readonly Matcher[] => {
  try {
    const expr = parse(text);
    if (expr.kind === 'selector' && expr.at === undefined && expr.offsetMs === 0) return expr.matchers;
  } catch (error) {
    if (!(error instanceof PromqlSyntaxError)) throw error;
    const isEmpty = error.problem === 'vector selector must contain at least one non-empty matcher';
    throw badData(
      isEmpty ? `${name} must contain at least one non-empty matcher` : cutText(error.message, MESSAGE_LENGTH_MAX),
    );
  }
  throw badData(`${name} takes selectors such as up{job="node"}, without functions, ranges and modifiers`);
};

/** The selectors of `match[]`, checked. */
export const selectorsOf = (params: URLSearchParams): readonly string[] => {
  const selectors = params.getAll('match[]');
  for (const selector of selectors) parseSelector(selector, 'match[]');
  return selectors;
};
