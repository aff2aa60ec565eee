/** The operators of PromQL. */

/** Stronger operators have larger numbers. */
const precedences: ReadonlyMap<string, number> = new Map([
  ['or', 1],
  ...['and', 'unless'].map((operator) => [operator, 2] as const),
  ...['==', '!=', '<', '<=', '>', '>='].map((operator) => [operator, 3] as const),
  ...['+', '-'].map((operator) => [operator, 4] as const),
  ...['*', '/', '%', 'atan2'].map((operator) => [operator, 5] as const),
  ['^', 6],
]);

/** Signs bind as `*` does. */
export const SIGN_PRECEDENCE = 5;

/** The strength of a binary operator; 0 for anything else. */
export const precedenceOf = (operator: string): number => precedences.get(operator) ?? 0;

export const isComparison = (operator: string): boolean => precedenceOf(operator) === 3;

export const isSetOperator = (operator: string): boolean =>
  operator === 'and' || operator === 'or' || operator === 'unless';
