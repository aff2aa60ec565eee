import { expect } from 'chai';
import type { Expr } from '../../../src/promql/syntax/ast.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { print } from '../../../src/promql/syntax/print.ts';

const printsAs = (table: Readonly<Record<string, string>>): void => {
  for (const [text, canonical] of Object.entries(table)) {
    const printed = print(parse(text, { experimental: true }));
    expect(printed, text).to.equal(canonical);
    expect(print(parse(printed, { experimental: true })), `${text}, printed twice`).to.equal(canonical);
  }
};

describe('printing PromQL', () => {
  it('prints numbers', () => {
    printsAs({
      '1.50': '1.5',
      '.5': '0.5',
      '1.': '1',
      '1.e5': '100000',
      '1_000': '1000',
      '0x1F': '31',
      '0X_1p4': '16',
      '017': '15',
      '08': '8',
      '1e-7': '0.0000001',
      '1.25e-3': '0.00125',
      '123456.789': '123456.789',
      '1e21': '1000000000000000000000',
      '12.5e20': '1250000000000000000000',
      '-1': '-1',
      '--1': '1',
      '-0': '-0',
      iNf: '+Inf',
      '-inf': '-Inf',
      nAn: 'NaN',
    });
  });

  it('prints durations, also as numbers', () => {
    printsAs({
      '5m': '5m',
      '-90s': '-1m30s',
      '0s': '0s',
      'foo[90m]': 'foo[1h30m]',
      'foo[300]': 'foo[5m]',
      'foo[0.5]': 'foo[500ms]',
      'foo[8d]': 'foo[8d]',
      'foo[7d]': 'foo[1w]',
      'foo[1y]': 'foo[1y]',
      'foo[366d]': 'foo[366d]',
      'foo[1d1h]': 'foo[1d1h]',
      'foo[1001ms]': 'foo[1s1ms]',
    });
  });

  it('prints texts', () => {
    printsAs({
      "'x'": '"x"',
      '`\\d`': '"\\\\d"',
      '"a\\"b\\n\\t\\x01\\u00e9\\u200b"': '"a\\"b\\n\\t\\x01é\\u200b"',
      '"\\xff\\U000e0001"': '"\\xff\\U000e0001"',
    });
  });

  it('prints selectors, with sorted matchers', () => {
    printsAs({
      'foo{}': 'foo',
      'foo{b="1",a=~"2",}': 'foo{a=~"2",b="1"}',
      "foo{a!='b', c!~`d`}": 'foo{a!="b",c!~"d"}',
      '{__name__="foo"}': '{__name__="foo"}',
      '{"foo"}': 'foo',
      '{"foo", a="b"}': 'foo{a="b"}',
      '{a="b", "foo.bar"}': '{"foo.bar",a="b"}',
      '{"foo", __name__=~"f.*"}': '{"foo",__name__=~"f.*"}',
      '{"inf"}': '{"inf"}',
      '{"bool"}': '{"bool"}',
      '{"a.b"="c", "d"="e"}': '{"a.b"="c",d="e"}',
      ':a{c="d"}': ':a{c="d"}',
    });
  });

  it('prints @ before offset', () => {
    printsAs({
      'foo offset 1h @ end()': 'foo @ end() offset 1h',
      'foo @ 1.5': 'foo @ 1.500',
      'foo @ 1m40s': 'foo @ 100.000',
      'foo @ -1 offset -5m': 'foo @ -1.000 offset -5m',
      'foo[5m] offset 0': 'foo[5m]',
      'foo[5m:] offset 3m @ start()': 'foo[5m:] @ start() offset 3m',
      'foo[ 5m : 1m ] @ 1': 'foo[5m:1m] @ 1.000',
    });
  });

  it('prints durations that are computed as they are written', () => {
    printsAs({
      'foo[5m*2]': 'foo[5m * 2]',
      'foo[(step()+1)^2:range()]': 'foo[(step() + 1) ^ 2:range()]',
      'foo[min(1m,-step())]': 'foo[min(1m, -step())]',
      'foo offset (1m*2) - 3': 'foo offset (1m * 2) - 3',
      'foo offset -step()': 'foo offset -step()',
      'foo offset max_of(step(), 5)': 'foo offset max_of(step(), 5)',
    });
  });

  it('prints aggregations with the clause first', () => {
    printsAs({
      'SUM(foo)': 'sum(foo)',
      'sum(foo) by ()': 'sum(foo)',
      'sum without()(foo)': 'sum without () (foo)',
      'sum(foo) BY (a,b,)': 'sum by (a, b) (foo)',
      'topk by(a)(3,foo)': 'topk by (a) (3, foo)',
      'count_values("x",foo)': 'count_values("x", foo)',
      'sum by (by, on, "a.b", start, x:y)(foo)': 'sum by (by, on, "a.b", start, "x:y") (foo)',
    });
  });

  it('prints operators with their modifiers', () => {
    printsAs({
      'foo+on()bar': 'foo + on () bar',
      'foo+ignoring()bar': 'foo + bar',
      'foo*on(a)group_left bar': 'foo * on (a) group_left () bar',
      'foo*ignoring(a)group_right(b,c)bar': 'foo * ignoring (a) group_right (b, c) bar',
      'foo>bool 1': 'foo > bool 1',
      'inf^-inf': 'Inf ^ -Inf',
      'foo AND on(a) bar': 'foo and on (a) bar',
      'foo atan2 -bar': 'foo atan2 -bar',
      '-(1+2)^-3*- -a': '-(1 + 2) ^ -3 * --a',
    });
  });

  it('adds parentheses to trees that no text gives', () => {
    const span = { start: 0, end: 0 };
    const one: Expr = { kind: 'number', span, value: 1, isDuration: false };
    const minus: Expr = { kind: 'unary', span, operator: '-', expr: { kind: 'parentheses', span, expr: one } };
    const binary = (operator: '+' | '*' | '^' | '-', left: Expr, right: Expr): Expr => ({
      kind: 'binary',
      span,
      operatorSpan: span,
      operator,
      left,
      right,
      returnBool: false,
      matching: undefined,
    });
    expect(print(binary('*', binary('+', one, one), binary('*', one, one)))).to.equal('(1 + 1) * (1 * 1)');
    expect(print(binary('-', binary('-', one, one), one))).to.equal('1 - 1 - 1');
    expect(print(binary('^', binary('^', one, one), binary('^', one, one)))).to.equal('(1 ^ 1) ^ 1 ^ 1');
    expect(print(binary('^', minus, minus))).to.equal('(-(1)) ^ -(1)');
    expect(print({ kind: 'unary', span, operator: '-', expr: binary('*', one, one) })).to.equal('-(1 * 1)');
  });
});
