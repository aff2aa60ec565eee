/** The selectors of `match[]`, with Prometheus' texts for mistakes in them. */
import type { Matcher } from '../../index.ts';
import { cutText } from '../../model/shown-value.ts';
import { parseWithPauses } from '../../promql/syntax/parse.ts';
import { PromqlSyntaxError } from '../../promql/syntax/syntax-error.ts';
import { badData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';

const MESSAGE_LENGTH_MAX = 500;

/** The matchers of a selector. Throws 400; `name` is the parameter's. */
export const parseSelector = async (
  text: string,
  name: string,
  breathe: () => Promise<void>,
): Promise<readonly Matcher[]> => {
  try {
    const expr = await parseWithPauses(text, breathe);
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
export const selectorsOf = async ({ params, breathe }: StoreExchange): Promise<readonly string[]> => {
  const selectors = params.getAll('match[]');
  for (const selector of selectors) await parseSelector(selector, 'match[]', breathe);
  return selectors;
};
