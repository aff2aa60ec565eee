/**
 * An expression over several lines, as Prometheus formats it: what fits in a line stays in one, everything else is
 * indented by two spaces for each level.
 */
import type { Expr } from './ast.ts';
import { print, printAggregation, printBrackets, printOperator, printShift } from './print.ts';

/** An expression is split if its line would be longer. */
const LINE_LENGTH_MAX = 100;

export const prettify = (expr: Expr): string => prettyAt(expr, 0);

const prettyAt = (expr: Expr, level: number): string => {
  const line = print(expr);
  const indent = '  '.repeat(level);
  if (line.length <= LINE_LENGTH_MAX) return indent + line;
  switch (expr.kind) {
    case 'aggregation': {
      const args = expr.parameter === undefined ? [expr.expr] : [expr.parameter, expr.expr];
      return `${indent}${printAggregation(expr)}(\n${prettyList(args, level + 1)}\n${indent})`;
    }
    case 'binary':
      return `${prettyAt(expr.left, level + 1)}\n${indent}${printOperator(expr)}\n${prettyAt(expr.right, level + 1)}`;
    case 'call':
      return `${indent}${expr.name}(\n${prettyList(expr.args, level + 1)}\n${indent})`;
    case 'parentheses':
      return `${indent}(\n${prettyAt(expr.expr, level + 1)}\n${indent})`;
    case 'subquery':
      return `${prettyAt(expr.expr, level)}${printBrackets(expr)}${printShift(expr)}`;
    case 'unary':
      return `${indent}${expr.operator}${prettyAt(expr.expr, level).trimStart()}`;
    default:
      return indent + line;
  }
};

const prettyList = (args: readonly Expr[], level: number): string =>
  args.map((arg) => prettyAt(arg, level)).join(',\n');
