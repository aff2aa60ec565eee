import { expect } from 'chai';
import { type RuleLine, ruleLine } from '../../src/http/rule-line.ts';

const compared = (line: string, operator: string, threshold: number): RuleLine => ({
  line,
  comparison: { operator, threshold },
});

describe('what a page draws of a rule', () => {
  const cases: readonly (readonly [expr: string, drawn: RuleLine])[] = [
    ['up == 0', compared('up', '==', 0)],
    ['rate(errors_total[5m]) > 0.5', compared('rate(errors_total[5m])', '>', 0.5)],
    ['(sum by (job) (up) <= (-3))', compared('sum by (job) (up)', '<=', -3)],
    ['up != bool 1', compared('up', '!=', 1)],
    ['10 < disk_bytes', compared('disk_bytes', '>', 10)],
    ['disk_bytes / 2 ^ 30 >= 5 * 2', compared('disk_bytes / 2 ^ 30', '>=', 10)],
    ['a > 1 and b > 2', { line: 'a > 1 and b > 2' }],
    ['a > b', { line: 'a > b' }],
    ['absent(up)', { line: 'absent(up)' }],
    ['1 > bool 2', { line: '1 > bool 2' }],
  ];
  for (const [expr, drawn] of cases)
    it(`of ${expr} is ${drawn.line}${drawn.comparison === undefined ? '' : ' with a threshold'}`, () => {
      expect(ruleLine(expr)).to.deep.equal(drawn);
    });
});
