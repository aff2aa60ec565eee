/** Checks types, in the order and with the messages of Prometheus. */

import { METRIC_NAME } from '../../model/labels.ts';
import { compileMatcher } from '../../model/matcher.ts';
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import type { Aggregation, Binary, Call, Expr, ValueType, VectorSelector } from './ast.ts';
import { type FunctionSignature, functionNamed } from './functions.ts';
import { isComparison, isSetOperator } from './operators.ts';
import type { MatchingModifiers, ParsedText } from './parser.ts';
import { PromqlSyntaxError } from './syntax-error.ts';
import { typeName, typeOf } from './types.ts';

/** Throws {@link PromqlSyntaxError} at the first mistake. */
export const checkTypes = (text: string, parsed: ParsedText): void => {
  new TypeChecker(text, parsed.modifiers).check(parsed.expr);
};

class TypeChecker {
  private readonly text: string;
  private readonly modifiers: ReadonlyMap<Binary, MatchingModifiers>;

  constructor(text: string, modifiers: ReadonlyMap<Binary, MatchingModifiers>) {
    this.text = text;
    this.modifiers = modifiers;
  }

  /** Checks the expression and its parts; returns its type. */
  check(expr: Expr): ValueType {
    switch (expr.kind) {
      case 'aggregation':
        this.aggregation(expr);
        break;
      case 'binary':
        this.binary(expr);
        break;
      case 'call':
        this.call(expr);
        break;
      case 'parentheses':
        this.check(expr.expr);
        break;
      case 'unary': {
        const type = this.check(expr.expr);
        if (type !== 'scalar' && type !== 'vector') {
          this.fail(
            expr,
            `unary expression only allowed on expressions of type scalar or instant vector, got ${quoteLikeGo(typeName(type))}`,
          );
        }
        break;
      }
      case 'subquery': {
        const type = this.check(expr.expr);
        if (type !== 'vector') this.fail(expr, `subquery is only allowed on instant vector, got ${type} instead`);
        break;
      }
      case 'range':
        this.selector(expr.selector);
        break;
      case 'selector':
        this.selector(expr);
        break;
      default:
    }
    return typeOf(expr);
  }

  private aggregation(expr: Aggregation): void {
    this.expectType(expr.expr, 'vector', 'aggregation expression');
    if (expr.parameter === undefined) return;
    this.expectType(expr.parameter, expr.operator === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
  }

  private expectType(expr: Expr, wanted: ValueType, context: string): void {
    const type = this.check(expr);
    if (type !== wanted) {
      this.fail(expr, `expected type ${typeName(wanted)} in ${context}, got ${typeName(type)}`);
    }
  }

  private binary(expr: Binary): void {
    const left = this.check(expr.left);
    const right = this.check(expr.right);
    const { operator, returnBool } = expr;
    const modifiers = this.modifiers.get(expr);
    const isSet = isSetOperator(operator);
    if (returnBool && !isComparison(operator)) {
      this.failAt(expr.operatorSpan.start, 'bool modifier can only be used on comparison operators');
    }
    if (isComparison(operator) && !returnBool && left === 'scalar' && right === 'scalar') {
      this.failAt(expr.operatorSpan.start, 'comparisons between scalars must use BOOL modifier');
    }
    const twice =
      modifiers?.on === true ? modifiers.labels.find((name) => modifiers.include.includes(name)) : undefined;
    if (twice !== undefined) {
      this.failAt(expr.operatorSpan.start, `label ${quoteLikeGo(twice)} must not occur in ON and GROUP clause at once`);
    }
    for (const [side, type] of [[expr.left, left] as const, [expr.right, right] as const]) {
      if (type !== 'scalar' && type !== 'vector') {
        this.fail(side, 'binary expression must contain only scalar and instant vector types');
      }
    }
    const isMatching = left === 'vector' && right === 'vector';
    if (!isMatching && modifiers !== undefined && modifiers.labels.length > 0) {
      this.fail(expr, 'vector matching only allowed between instant vectors');
    }
    if (isMatching && isSet && modifiers !== undefined && modifiers.cardinality !== 'one-to-one') {
      this.fail(expr, `no grouping allowed for "${operator}" operation`);
    }
    if (!isMatching && isSet) this.fail(expr, `set operator "${operator}" not allowed in binary scalar expression`);
  }

  private call(expr: Call): void {
    const signature = functionNamed(expr.name);
    if (signature === undefined) return;
    this.argumentCount(expr, signature);
    const { argTypes, name } = signature;
    for (const [index, arg] of expr.args.entries()) {
      const wanted = argTypes[Math.min(index, argTypes.length - 1)];
      if (name === 'info' && index === 1) this.infoSelector(expr, arg);
      else this.expectType(arg, wanted, `call to function ${quoteLikeGo(name)}`);
    }
  }

  private argumentCount(expr: Call, { argTypes, variadic, name }: FunctionSignature): void {
    const count = expr.args.length;
    const least = variadic === 0 ? argTypes.length : argTypes.length - 1;
    const most = variadic < 0 ? Number.POSITIVE_INFINITY : least + variadic;
    if (count >= least && count <= most) return;
    const range = variadic === 0 ? '' : count < least ? 'at least ' : 'at most ';
    const wanted = count < least ? least : most;
    this.fail(expr, `expected ${range}${wanted} argument(s) in call to ${quoteLikeGo(name)}, got ${count}`);
  }

  /** The second argument of info() only says which labels to take; it may match everything. */
  private infoSelector(call: Call, arg: Expr): void {
    const type = typeOf(arg);
    if (type !== 'vector') {
      this.fail(call, `expected type instant vector in call to function "info", got ${typeName(type)}`);
    }
    if (arg.kind !== 'selector') this.fail(arg, 'expected label selectors only');
    if (arg.matchers[0]?.name === METRIC_NAME && arg.name !== undefined && this.text[arg.span.start] !== '{') {
      this.fail(arg, 'expected label selectors only, got vector selector instead');
    }
  }

  private selector(expr: VectorSelector): void {
    const { matchers, name } = expr;
    if (this.text[expr.span.start] !== '{') {
      const second = matchers.slice(1).find((matcher) => matcher.name === METRIC_NAME);
      if (second === undefined) return;
      this.fail(expr, `metric name must not be set twice: ${quoteLikeGo(name ?? '')} or ${quoteLikeGo(second.value)}`);
    }
    if (matchers.every((matcher) => compileMatcher(matcher).matchesEmpty)) {
      this.fail(expr, 'vector selector must contain at least one non-empty matcher');
    }
  }

  private fail(expr: Expr, problem: string): never {
    return this.failAt(expr.span.start, problem);
  }

  private failAt(offset: number, problem: string): never {
    throw new PromqlSyntaxError(this.text, offset, problem);
  }
}
