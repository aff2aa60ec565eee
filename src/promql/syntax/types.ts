/** The types of PromQL values. */
import type { Expr, ValueType } from './ast.ts';
import { functionNamed } from './functions.ts';

/** The type of the expression's value. */
export const typeOf = (expr: Expr): ValueType => {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
    case 'aggregation':
      return 'vector';
    case 'range':
    case 'subquery':
      return 'matrix';
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
    case 'unary':
    case 'parentheses':
      return typeOf(expr.expr);
    case 'call':
      return functionNamed(expr.name)?.returnType ?? 'vector';
  }
};

/** How messages name a type. */
export const typeName = (type: ValueType): string => {
  switch (type) {
    case 'vector':
      return 'instant vector';
    case 'matrix':
      return 'range vector';
    default:
      return type;
  }
};
