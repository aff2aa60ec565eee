/** What the binary operators compute from two numbers. */
import type { ArithmeticOperator, BinaryOperator, ComparisonOperator, SetOperator } from '../syntax/ast.ts';
import { power } from './go-math.ts';

export type Arithmetic = (left: number, right: number) => number;
export type Comparison = (left: number, right: number) => boolean;

export const arithmetics: Readonly<Record<ArithmeticOperator, Arithmetic>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

export const comparisons: Readonly<Record<ComparisonOperator, Comparison>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

export const isComparison = (operator: BinaryOperator): operator is ComparisonOperator =>
  Object.hasOwn(comparisons, operator);

export const isSetOperator = (operator: BinaryOperator): operator is SetOperator =>
  operator === 'and' || operator === 'or' || operator === 'unless';

/** The operation as a number: a comparison gives 1 or 0. */
export const numberOperation = (operator: ArithmeticOperator | ComparisonOperator): Arithmetic => {
  if (!isComparison(operator)) return arithmetics[operator];
  const compare = comparisons[operator];
  return (left, right) => (compare(left, right) ? 1 : 0);
};
