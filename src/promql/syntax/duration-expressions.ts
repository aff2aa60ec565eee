/** Durations that are computed: `[5m + step()]`, `offset (1m * 2)`. */
import type { DurationBinary, DurationExpr, Expr, Shift } from './ast.ts';
import { DURATION_SECONDS_MAX } from './numbers.ts';
import { PromqlSyntaxError } from './syntax-error.ts';

/** What `step()` and `range()` stand for. `range()` is the time from the query's start to its end. */
export interface QueryTimes {
  readonly stepMs: number;
  readonly rangeMs: number;
}

/** Whether the value depends on the query. */
export const isDynamic = (expr: DurationExpr): boolean => {
  switch (expr.kind) {
    case 'number':
      return false;
    case 'unary':
    case 'parentheses':
      return isDynamic(expr.expr);
    case 'binary':
      return isDynamic(expr.left) || isDynamic(expr.right);
    case 'call':
      return expr.name === 'step' || expr.name === 'range' || expr.args.some(isDynamic);
  }
};

/** Whole milliseconds of a duration, which must be above 0 unless it is an offset. */
export const durationMs = (
  text: string,
  expr: DurationExpr,
  use: 'positive' | 'offset',
  times: QueryTimes = { stepMs: Number.NaN, rangeMs: Number.NaN },
): number => {
  const seconds = secondsOf(text, expr, times);
  if (use === 'positive' && seconds <= 0) fail(text, expr, 'duration must be greater than 0');
  if (!(Math.abs(seconds) < DURATION_SECONDS_MAX)) fail(text, expr, 'duration out of range');
  const milliseconds = wholeMilliseconds(seconds);
  if (use === 'positive' && milliseconds === 0) fail(text, expr, 'duration must be greater than 0');
  return milliseconds;
};

/** Prometheus rounds to nanoseconds and later cuts to milliseconds. */
const wholeMilliseconds = (seconds: number): number => {
  const milliseconds = seconds * 1000;
  const nearest = Math.round(milliseconds);
  const halfNanosecond = 5e-7 + Math.abs(milliseconds) * Number.EPSILON;
  const whole = Math.abs(milliseconds - nearest) <= halfNanosecond ? nearest : Math.trunc(milliseconds);
  // Not -0.
  return whole + 0;
};

const secondsOf = (text: string, expr: DurationExpr, times: QueryTimes): number => {
  switch (expr.kind) {
    case 'number':
      return expr.seconds;
    case 'parentheses':
      return secondsOf(text, expr.expr, times);
    case 'unary': {
      const seconds = secondsOf(text, expr.expr, times);
      return expr.operator === '-' ? -seconds : seconds;
    }
    case 'binary':
      return binarySeconds(text, expr, times);
    case 'call': {
      if (expr.name === 'step') return times.stepMs / 1000;
      if (expr.name === 'range') return times.rangeMs / 1000;
      const seconds = expr.args.map((arg) => secondsOf(text, arg, times));
      return expr.name.startsWith('min') ? Math.min(...seconds) : Math.max(...seconds);
    }
  }
};

const binarySeconds = (text: string, expr: DurationBinary, times: QueryTimes): number => {
  const left = secondsOf(text, expr.left, times);
  const right = secondsOf(text, expr.right, times);
  switch (expr.operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) throw new PromqlSyntaxError(text, expr.operatorSpan.start, 'division by zero');
      return left / right;
    case '%':
      if (right === 0) throw new PromqlSyntaxError(text, expr.operatorSpan.start, 'modulo by zero');
      return left % right;
    case '^':
      return left ** right;
  }
};

const fail = (text: string, expr: DurationExpr, problem: string): never => {
  throw new PromqlSyntaxError(text, expr.span.start, problem);
};

/**
 * The tree with the milliseconds of all durations for one query. It is the same tree if no duration depends on the
 * query. Throws {@link PromqlSyntaxError} for a range or a step that is not above 0.
 */
export const resolveDurations = (text: string, expr: Expr, times: QueryTimes): Expr => {
  const again = (inner: Expr): Expr => resolveDurations(text, inner, times);
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr;
    case 'selector':
      return shifted(text, expr, times);
    case 'range': {
      const selector = shifted(text, expr.selector, times);
      const rangeMs = resolved(text, expr.rangeMs, expr.rangeExpr, times);
      return selector === expr.selector && rangeMs === expr.rangeMs ? expr : { ...expr, selector, rangeMs };
    }
    case 'subquery': {
      const inner = again(expr.expr);
      const outer = shifted(text, expr, times);
      const rangeMs = resolved(text, expr.rangeMs, expr.rangeExpr, times);
      const stepMs = expr.stepMs === undefined ? undefined : resolved(text, expr.stepMs, expr.stepExpr, times);
      const isSame = inner === expr.expr && outer === expr && rangeMs === expr.rangeMs && stepMs === expr.stepMs;
      return isSame ? expr : { ...outer, expr: inner, rangeMs, stepMs };
    }
    case 'aggregation': {
      const inner = again(expr.expr);
      const parameter = expr.parameter === undefined ? undefined : again(expr.parameter);
      return inner === expr.expr && parameter === expr.parameter ? expr : { ...expr, expr: inner, parameter };
    }
    case 'binary': {
      const left = again(expr.left);
      const right = again(expr.right);
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case 'unary':
    case 'parentheses': {
      const inner = again(expr.expr);
      return inner === expr.expr ? expr : { ...expr, expr: inner };
    }
    case 'call': {
      const args = expr.args.map(again);
      return args.every((arg, index) => arg === expr.args[index]) ? expr : { ...expr, args };
    }
  }
};

const resolved = (text: string, ms: number, expr: DurationExpr | undefined, times: QueryTimes): number =>
  Number.isNaN(ms) && expr !== undefined ? durationMs(text, expr, 'positive', times) : ms;

const shifted = <Node extends Shift>(text: string, node: Node, times: QueryTimes): Node =>
  Number.isNaN(node.offsetMs) && node.offsetExpr !== undefined
    ? { ...node, offsetMs: durationMs(text, node.offsetExpr, 'offset', times) }
    : node;
