import { expect } from 'chai';
import { type CompiledRegex, compileRegex } from '../../src/model/regex.ts';
import { RegexSyntaxError } from '../../src/model/regex-syntax.ts';
import { fixtureJson } from '../support/fixtures.ts';

interface RegexFixture {
  readonly values: readonly string[];
  /** Expression, and a digit for each value: whether Prometheus matches it. `null`: Prometheus refuses the expression. */
  readonly expressions: readonly (readonly [string, string | null])[];
}

const { values, expressions } = fixtureJson<RegexFixture>('regex-prometheus.json');

/** `undefined` for an expression that is refused. */
const compiled = (expression: string): CompiledRegex | undefined => {
  try {
    return compileRegex(expression);
  } catch (error) {
    if (error instanceof RegexSyntaxError) return undefined;
    throw error;
  }
};

const shown = (text: string): string => [...text].map((c) => `U+${c.codePointAt(0)?.toString(16)}`).join(' ');

describe('regular expressions, compared with Prometheus', () => {
  it('are refused where Prometheus refuses them', () => {
    const refused = (all: typeof expressions): string[] => all.map(([expression]) => expression);
    expect(refused(expressions.filter(([expression]) => compiled(expression) === undefined))).to.deep.equal(
      refused(expressions.filter(([, expected]) => expected === null)),
    );
  });

  it('match the values that they match in Prometheus: classes, cases, scripts, flags in the middle', () => {
    for (const [expression, expected] of expressions) {
      if (expected === null) continue;
      const regex = compiled(expression);
      const wrong = values.filter((value, index) => regex?.matches(value) !== (expected[index] === '1'));
      expect(wrong.map(shown), expression).to.deep.equal([]);
    }
  });
});
