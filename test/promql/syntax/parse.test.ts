import { expect } from 'chai';
import type { Expr } from '../../../src/promql/syntax/ast.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { typeOf } from '../../../src/promql/syntax/types.ts';
import { withoutSpans } from './trees.ts';

const tree = (text: string): unknown => withoutSpans(parse(text, { experimental: true }));

const number = (value: number, isDuration = false): unknown => ({ kind: 'number', value, isDuration });
const selector = (name: string, more: object = {}): unknown => ({
  kind: 'selector',
  name,
  matchers: [{ name: '__name__', op: '=', value: name }],
  offsetMs: 0,
  at: undefined,
  ...more,
});

/** The tree with each operation in parentheses. */
const grouped = (expr: Expr): string => {
  switch (expr.kind) {
    case 'binary':
      return `(${grouped(expr.left)}${expr.operator}${grouped(expr.right)})`;
    case 'unary':
      return `(${expr.operator}${grouped(expr.expr)})`;
    case 'number':
      return String(expr.value);
    case 'selector':
      return `${expr.name}${expr.offsetMs === 0 ? '' : `~${expr.offsetMs}`}`;
    case 'parentheses':
      return `[${grouped(expr.expr)}]`;
    default:
      return expr.kind;
  }
};

const isGrouped = (table: Readonly<Record<string, string>>): void => {
  for (const [text, expected] of Object.entries(table)) expect(grouped(parse(text)), text).to.equal(expected);
};

describe('parsing PromQL', () => {
  it('knows the strength of operators', () => {
    isGrouped({
      '1+2*3': '(1+(2*3))',
      '1-2-3': '((1-2)-3)',
      '2^3^2': '(2^(3^2))',
      '-2^2': '(-(2^2))',
      '-2*3': '(-2*3)',
      '2^-3*4': '((2^-3)*4)',
      '2^-3^2': '(2^(-(3^2)))',
      '--1': '1',
      '-+1': '-1',
      '-(1)': '(-[1])',
      '-a*b': '((-a)*b)',
      'a*b atan2 c%d/e': '((((a*b)atan2c)%d)/e)',
      'a==b!=c<d': '(((a==b)!=c)<d)',
      'a or b and c unless d or e': '((aor((bandc)unlessd))ore)',
      'a>b and c<=d': '((a>b)and(c<=d))',
      'a+b>c-d': '((a+b)>(c-d))',
      '-a offset 5s': '(-a~5000)',
      'a offset 5s - b': '(a~5000-b)',
      'a + b offset -1s': '(a+b~-1000)',
    });
  });

  it('reads keywords in any case, and as names where they can be names', () => {
    isGrouped({
      'a AND b Or c uNLESS d': '((aandb)or(cunlessd))',
      'and and and': '(andandand)',
      'or or or': '(ororor)',
      'by + without': '(by+without)',
      'offset offset 5s': 'offset~5000',
      'start + end + step + range': '(((start+end)+step)+range)',
      'sum + max': '(sum+max)',
      'fill * anchored + fill_left': '((fill*anchored)+fill_left)',
      'a + fill': '(a+fill)',
    });
    expect(tree('sum{by="x",on="y"}')).to.deep.include({ kind: 'selector', name: 'sum' });
    expect(tree('foo:bar')).to.deep.equal(selector('foo:bar'));
    expect(tree('min')).to.deep.equal(selector('min'));
  });

  it('reads selectors', () => {
    expect(tree('foo{a="b",c!="d",e=~"f|g",h!~\'i\',}')).to.deep.equal(
      selector('foo', {
        matchers: [
          { name: '__name__', op: '=', value: 'foo' },
          { name: 'a', op: '=', value: 'b' },
          { name: 'c', op: '!=', value: 'd' },
          { name: 'e', op: '=~', value: 'f|g' },
          { name: 'h', op: '!~', value: 'i' },
        ],
      }),
    );
    expect(tree('{"foo.bar", "l.m"=`n`}')).to.deep.equal(
      selector('foo.bar', {
        matchers: [
          { name: '__name__', op: '=', value: 'foo.bar' },
          { name: 'l.m', op: '=', value: 'n' },
        ],
      }),
    );
    expect(tree('{__name__="foo"}')).to.deep.include({ name: undefined });
    // Without a name before the braces, Prometheus takes two names.
    expect(tree('{__name__="foo", "bar"}')).to.deep.include({ name: 'bar' });
  });

  it('reads texts with escapes', () => {
    const value = (text: string): unknown => (tree(text) as { value: unknown }).value;
    expect(value('"a\\n\\x41\\101\\u00e9\\U0001f680"')).to.equal('a\nAA\u00e9🚀');
    expect(value("'\"\\''")).to.equal('"\'');
    expect(value('`\\n\n"`')).to.equal('\\n\n"');
    expect(value('"\\xff"')).to.equal('\udcff');
    expect(value('"\\xc3\\xa9"')).to.equal('é');
  });

  it('reads numbers and durations', () => {
    for (const [text, value] of [
      ['0x1F', 31],
      ['0x1_f', 31],
      ['1_000.5e1_0', undefined],
      ['1_000.5', 1000.5],
      ['017', 15],
      ['019', 19],
      ['.5e-1', 0.05],
      ['9223372036854775808', 2 ** 63],
      ['Inf', Number.POSITIVE_INFINITY],
      ['NAN', Number.NaN],
    ] as const) {
      if (value === undefined) expect(() => tree(text), text).to.throw('bad number or duration syntax');
      else expect(tree(text), text).to.deep.equal(number(value));
    }
    expect(tree('1h30m')).to.deep.equal(number(5400, true));
    expect(tree('-5ms')).to.deep.equal(number(-0.005, true));
    expect(tree('1y2w3d4h5m6s7ms')).to.deep.equal(number(33_019_506.007, true));
  });

  it('reads ranges, subqueries and what shifts them, in any order', () => {
    const foo = selector('foo');
    expect(tree('foo[5m]')).to.deep.equal({ kind: 'range', selector: foo, rangeMs: 300_000 });
    expect(tree('foo[90.5]')).to.deep.equal({ kind: 'range', selector: foo, rangeMs: 90_500 });
    const shifted = selector('foo', { offsetMs: -60_000, at: { at: 1500 } });
    expect(tree('foo[1s] offset -1m @ 1.5')).to.deep.equal({ kind: 'range', selector: shifted, rangeMs: 1000 });
    expect(tree('foo[1s] @ 1.5 offset -1m')).to.deep.equal({ kind: 'range', selector: shifted, rangeMs: 1000 });
    expect(tree('foo @ end()')).to.deep.equal(selector('foo', { at: { at: 'end' } }));
    expect(tree('foo @ -0.0005')).to.deep.equal(selector('foo', { at: { at: -1 } }));
    expect(tree('foo @ 1m40s')).to.deep.equal(selector('foo', { at: { at: 100_000 } }));
    const subquery = { kind: 'subquery', expr: foo, rangeMs: 3_600_000, stepMs: undefined, offsetMs: 0, at: undefined };
    expect(tree('foo[1h:]')).to.deep.equal(subquery);
    expect(tree('foo[1h:5m] @ start() offset 1s')).to.deep.equal({
      ...subquery,
      stepMs: 300_000,
      offsetMs: 1000,
      at: { at: 'start' },
    });
  });

  it('reads aggregations with the clause before or after', () => {
    const sum = {
      kind: 'aggregation',
      operator: 'sum',
      expr: selector('foo'),
      parameter: undefined,
      grouping: ['a', 'b.c'],
      without: false,
    };
    expect(tree('sum by (a, "b.c") (foo)')).to.deep.equal(sum);
    expect(tree('SUM(foo) BY (a, "b.c",)')).to.deep.equal(sum);
    expect(tree('sum(foo)')).to.deep.equal({ ...sum, grouping: [] });
    expect(tree('topk without () (5, foo)')).to.deep.equal({
      ...sum,
      operator: 'topk',
      parameter: number(5),
      grouping: [],
      without: true,
    });
  });

  it('reads how vectors are matched', () => {
    const matching = (text: string): unknown => {
      const expr = parse(text);
      return expr.kind === 'binary' ? expr.matching : 'no operation';
    };
    const none = { cardinality: 'one-to-one', on: false, labels: [], include: [] };
    expect(matching('a + b')).to.deep.equal(none);
    expect(matching('a + on() b')).to.deep.equal({ ...none, on: true });
    expect(matching('a + ignoring(c,) b')).to.deep.equal({ ...none, labels: ['c'] });
    expect(matching('a + on(c) group_left(d) b')).to.deep.equal({
      cardinality: 'many-to-one',
      on: true,
      labels: ['c'],
      include: ['d'],
    });
    expect(matching('a + on(c) group_right b')).to.deep.include({ cardinality: 'one-to-many', include: [] });
    expect(matching('a and on(c) b')).to.deep.equal({ ...none, cardinality: 'many-to-many', on: true, labels: ['c'] });
    expect(matching('a + 1')).to.equal(undefined);
    expect(matching('a + on() 1')).to.equal(undefined);
    expect(tree('a > bool on(c) b')).to.deep.include({ operator: '>', returnBool: true });
  });

  it('keeps the places of all parts', () => {
    const text = ' sum( rate(foo [5m] offset 1m) ) by(a) >  # comment\n bool ( 2 )';
    const shown = (span: { start: number; end: number }): string => text.slice(span.start, span.end);
    const expr = parse(text);
    if (expr.kind !== 'binary' || expr.left.kind !== 'aggregation' || expr.left.expr.kind !== 'call') {
      throw new Error('another tree');
    }
    expect(shown(expr.span)).to.equal(text.trim());
    expect(shown(expr.operatorSpan)).to.equal('>');
    expect(shown(expr.right.span)).to.equal('( 2 )');
    expect(shown(expr.left.span)).to.equal('sum( rate(foo [5m] offset 1m) ) by(a)');
    expect(shown(expr.left.expr.span)).to.equal('rate(foo [5m] offset 1m)');
    expect(shown(expr.left.expr.args[0].span)).to.equal('foo [5m] offset 1m');
    expect(parse('1 + -2')).to.deep.include({ right: { ...(number(-2) as object), span: { start: 4, end: 6 } } });
  });

  it('knows the types', () => {
    for (const [text, type] of Object.entries({
      '1': 'scalar',
      '"a"': 'string',
      foo: 'vector',
      'foo[5m]': 'matrix',
      'foo[5m:]': 'matrix',
      'sum(foo)': 'vector',
      'scalar(foo)': 'scalar',
      '-(1)': 'scalar',
      '-foo': 'vector',
      '1 + time()': 'scalar',
      '1 + foo': 'vector',
      '1 > bool 2': 'scalar',
    })) {
      expect(typeOf(parse(text)), text).to.equal(type);
    }
  });
});
