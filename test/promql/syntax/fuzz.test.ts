import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { print } from '../../../src/promql/syntax/print.ts';
import { PromqlSyntaxError } from '../../../src/promql/syntax/syntax-error.ts';
import { withSortedMatchers } from './trees.ts';

/** Pieces from which many texts are nearly or really expressions. */
const pieces =
  'foo|bar:baz|sum|topk|by|without|on|ignoring|group_left|bool|and|or|unless|offset|@|start()|end()|step()|range()|min(' +
  '|rate(|abs(|time()|label_replace(|count_values(|(|)|{|}|[|]|[5m]|[1h:5m]|[1h:|,|:|=|==|!=|=~|!~|<|>=|+|-|*|/|%|^' +
  '|atan2|1|0x1f|1e3|.5|5m|1h30m|nan|inf|"a"|\'b\'|`c`|"\\xff"|"\\q"|a="b"|c=~"d|e"|"f.g"="h"|"i"| |\n|#|€|\udc80|\\|fill';
const token = fc.constantFrom(...pieces.split('|'), '|');
const texts = fc.oneof(
  fc.array(token, { maxLength: 25 }).map((parts) => parts.join(' ')),
  fc.array(token, { maxLength: 25 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

const vector: fc.Arbitrary<string> = fc.letrec<{ vector: string; scalar: string; matrix: string }>((tie) => ({
  scalar: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom('1', '-2.5', '5m', '-0', 'inf', 'time()', '1e300', '0.0000012'),
    fc
      .tuple(tie('scalar'), fc.constantFrom('+', '^', '> bool', 'atan2'), tie('scalar'))
      .map((parts) => parts.join(' ')),
    tie('vector').map((inner) => `scalar(${inner})`),
    tie('scalar').map((inner) => `-(${inner})`),
  ),
  matrix: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom('foo[5m]', '{"a.b"}[90] @ 5', 'foo{a=~"b|c",d!="e"}[1d] offset -1h @ end()', 'x[min(step(),5)]'),
    tie('vector').map((inner) => `(${inner})[1h:7s] offset 3m`),
  ),
  vector: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(
      'foo',
      'offset',
      '{a="b\\xff\\n"}',
      'foo{a="b"} @ 1.5',
      '{"foo","l"="é",} offset 1w',
      'by{by="by"}',
    ),
    tie('matrix').map((inner) => `rate(${inner})`),
    tie('vector').map((inner) => `sum by (a, "b.c") (${inner})`),
    tie('vector').map((inner) => `-${inner}`),
    fc.tuple(tie('scalar'), tie('vector')).map(([k, inner]) => `topk(${k}, ${inner}) without (on)`),
    fc
      .tuple(tie('vector'), fc.constantFrom('+', '== bool on(a) group_left(b)', 'and ignoring(a)', '^'), tie('vector'))
      .map((parts) => parts.join(' ')),
    fc.tuple(tie('vector'), fc.constantFrom('*', '^', '<'), tie('scalar')).map((parts) => parts.join(' ')),
  ),
})).vector;

const isStable = (text: string): void => {
  const expr = parse(text, { experimental: true });
  const printed = print(expr);
  const again = parse(printed, { experimental: true });
  expect(withSortedMatchers(again), `${text} printed as ${printed}`).to.deep.equal(withSortedMatchers(expr));
  expect(print(again)).to.equal(printed);
};

describe('any text given to the PromQL parser', () => {
  it('is parsed, or refused with a place within it', () => {
    fc.assert(
      fc.property(texts, (text) => {
        try {
          isStable(text);
        } catch (error) {
          if (!(error instanceof PromqlSyntaxError)) throw error;
          expect(error.offset).to.be.within(0, text.length);
        }
      }),
      { seed: 20_261, numRuns: 5000 },
    );
  });

  it('that is an expression means the same after printing', () => {
    fc.assert(fc.property(vector, isStable), { seed: 7, numRuns: 1000 });
  });

  it('that is cut anywhere is parsed or refused', () => {
    const text =
      'sum by (job) (rate(foo{a=~"b|c", "d.e"!=`f`}[5m] offset -1h @ start())) > bool on (x) group_left (y) -topk(3, max_over_time({__name__="n"}[1h:step()*2])) # end';
    for (let end = 0; end <= text.length; end++) {
      for (const part of [text.slice(0, end), text.slice(end)]) {
        try {
          parse(part);
        } catch (error) {
          expect(error, part).to.be.instanceOf(PromqlSyntaxError);
        }
      }
    }
  });
});
