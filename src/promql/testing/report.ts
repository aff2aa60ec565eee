/** The outcome of a test file as text for people. */
import type { PromqlTestFailure, PromqlTestReport } from './test-run.ts';

/** One line: `operators.test: 98 passed, 1 failed, 3 skipped (3 native histograms)`. */
export const reportLine = ({ name, passed, failures, skipped }: PromqlTestReport): string => {
  const counts = [...skipped].map(([reason, count]) => `${count} ${reason}`);
  const skippedCount = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  const reasons = counts.length === 0 ? '' : ` (${counts.join(', ')})`;
  return `${name}: ${passed} passed, ${failures.length} failed, ${skippedCount} skipped${reasons}`;
};

/** Where a failure is, what was asked and how, and what the difference is. */
export const failureText = (name: string, { line, expression, asked, expected, got }: PromqlTestFailure): string =>
  [`${name}:${line}: ${expression}`, `  asked:    ${asked}`, `  expected: ${expected}`, `  got:      ${got}`].join(
    '\n',
  );
