/** Which parts of an expression are the same at each step: their selectors have `@`, and nothing asks for the time. */
import type { Expr } from '../syntax/ast.ts';
import { functionsOfTime } from '../syntax/functions.ts';

/** `info` selects info series at the time of the step. */
const isUnsafe = (name: string): boolean => functionsOfTime.has(name) || name === 'info';

export class Invariance {
  private readonly known = new Map<Expr, boolean>();

  isInvariant(expr: Expr): boolean {
    const known = this.known.get(expr) ?? this.find(expr);
    this.known.set(expr, known);
    return known;
  }

  private find(expr: Expr): boolean {
    switch (expr.kind) {
      case 'number':
      case 'string':
        return true;
      case 'selector':
      case 'subquery':
        return expr.at !== undefined;
      case 'range':
        return expr.selector.at !== undefined;
      case 'parentheses':
      case 'unary':
        return this.isInvariant(expr.expr);
      case 'binary':
        return this.isInvariant(expr.left) && this.isInvariant(expr.right);
      case 'aggregation':
        return this.isInvariant(expr.expr) && (expr.parameter === undefined || this.isInvariant(expr.parameter));
      case 'call':
        return !isUnsafe(expr.name) && expr.args.every((argument) => this.isInvariant(argument));
    }
  }
}
