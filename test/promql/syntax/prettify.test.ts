import { expect } from 'chai';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { prettify } from '../../../src/promql/syntax/prettify.ts';

const long = 'requests_total{handler="/api/v1/query",job="tidemark",method="GET"}';

const isPretty = (text: string, lines: readonly string[]): void => {
  const pretty = prettify(parse(text));
  expect(pretty.split('\n')).to.deep.equal(lines);
  expect(prettify(parse(pretty))).to.equal(pretty);
};

describe('formatting PromQL over several lines', () => {
  it('leaves what fits in a line', () => {
    isPretty(`sum(${long})`, [`sum(${long})`]);
    isPretty(`${long} + ${'a'.repeat(30)}`, [`${long} + ${'a'.repeat(30)}`]);
  });

  it('splits operations, and indents each level', () => {
    isPretty(`${long} + ${'a'.repeat(31)}`, [`  ${long}`, '+', `  ${'a'.repeat(31)}`]);
    isPretty(`${long} * on(job) group_left(x) ${long} > bool 1`, [
      `    ${long}`,
      '  * on (job) group_left (x)',
      `    ${long}`,
      '> bool',
      '  1',
    ]);
    isPretty(`-(${long} - ${long})`, ['-(', `    ${long}`, '  -', `    ${long}`, ')']);
  });

  it('splits calls and aggregations into their arguments', () => {
    isPretty(`topk(3, sum by (a) (rate(${long}[5m] offset 1h)) / 2)`, [
      'topk(',
      '  3,',
      `    sum by (a) (rate(${long}[5m] offset 1h))`,
      '  /',
      '    2',
      ')',
    ]);
    isPretty(`label_replace(${long}, "a", "$1", "b", "(.*)-some-suffix")`, [
      'label_replace(',
      `  ${long},`,
      '  "a",',
      '  "$1",',
      '  "b",',
      '  "(.*)-some-suffix"',
      ')',
    ]);
  });

  it('keeps the brackets of a subquery behind its expression', () => {
    isPretty(`max_over_time((${long} + ${long})[1h:5m] offset 3m)`, [
      'max_over_time(',
      '  (',
      `      ${long}`,
      '    +',
      `      ${long}`,
      '  )[1h:5m] offset 3m',
      ')',
    ]);
  });
});
