/** Which parts of an expression are the same at each step: their selectors have `@`, and nothing asks for the time. */
import type { Expr } from '../syntax/ast.ts';

const unsafe: ReadonlySet<string> = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'end',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'range',
  'start',
  'step',
  'time',
  'timestamp',
  'year',
  // It selects info series at the time of the step.
  'info',
]);

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
        return !unsafe.has(expr.name) && expr.args.every((argument) => this.isInvariant(argument));
    }
  }
}
