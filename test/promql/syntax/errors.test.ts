import { expect } from 'chai';
import { TidemarkError } from '../../../src/model/errors.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { PromqlSyntaxError, placeOf } from '../../../src/promql/syntax/syntax-error.ts';

const errorOf = (text: string, experimental = false): PromqlSyntaxError => {
  try {
    parse(text, { experimental });
  } catch (error) {
    if (error instanceof PromqlSyntaxError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
};

const refuses = (table: Readonly<Record<string, string>>): void => {
  for (const [text, message] of Object.entries(table)) {
    const [place, problem] = message.split(/ (.*)/s);
    expect(errorOf(text).message, text).to.equal(`${place}: parse error: ${problem}`);
  }
};

const offsetNeeds = 'expected number, duration, step(), or range()';

describe('the messages of the PromQL parser', () => {
  it('says where: line, column and offset', () => {
    const error = errorOf('foo\n  + "é" 5');
    expect(error).to.be.instanceOf(TidemarkError);
    expect(error.code).to.equal('TIDEMARK_QUERY_SYNTAX');
    // Prometheus counts bytes of UTF-8; é has two.
    expect(error.message).to.equal('2:10: parse error: unexpected number "5"');
    expect(error).to.include({ line: 2, column: 10, offset: 12, problem: 'unexpected number "5"' });
    expect(error.details).to.deep.equal({ line: 2, column: 10, offset: 12, problem: 'unexpected number "5"' });
    expect(placeOf('a\n\nb', 3)).to.deep.equal({ line: 3, column: 1, offset: 3 });
  });

  it('refuses characters and numbers', () => {
    refuses({
      '': '1:1 no expression found in input',
      ' # only a comment': '1:1 no expression found in input',
      '€': "1:1 unexpected character: '€'",
      'foo $': "1:5 unexpected character: '$'",
      'foo \\ bar': "1:5 unexpected character: '\\\\'",
      '=~': "1:1 unexpected character after '=': '~'",
      '!a': "1:1 unexpected character after '!': 'a'",
      'x !': "1:3 unexpected character after '!': '\ufffd'",
      '1d2x': '1:1 bad number or duration syntax: "1d2"',
      '0xg': '1:1 bad number or duration syntax: "0x"',
      '0o17': '1:1 bad number or duration syntax: "0"',
      '5m_': '1:1 bad number or duration syntax: "5m_"',
      '1.5h': '1:1 not a valid duration string: "1.5h"',
      '5m5m': '1:1 not a valid duration string: "5m5m"',
      '1hs': '1:1 unknown unit "hs" in duration "1hs"',
      '300y': '1:1 duration out of range',
      '1e': '1:1 error parsing number: strconv.ParseFloat: parsing "1e": invalid syntax',
      '1e1000': '1:1 error parsing number: strconv.ParseFloat: parsing "1e1000": value out of range',
      '1..2': '1:3 unexpected number ".2"',
    });
  });

  it('refuses texts in quotes', () => {
    refuses({
      '"abc': '1:1 unterminated quoted string',
      "'a\nb'": '1:1 unterminated quoted string',
      '`ab': '1:1 unterminated raw string',
      '{a="\\q"}': "1:4 unknown escape sequence U+0071 'q'",
      '"\\400"': '1:1 escape sequence is an invalid Unicode code point',
      '"\\ud800"': '1:1 escape sequence is an invalid Unicode code point',
      '"\\x1"': `1:1 illegal character U+0022 '"' in escape sequence`,
      '"\\1': '1:1 escape sequence not terminated',
    });
  });

  it('refuses parentheses, braces and brackets that do not match', () => {
    refuses({
      '(foo': '1:5 unclosed left parenthesis',
      'sum(': '1:5 unclosed left parenthesis',
      'foo)': "1:5 unexpected right parenthesis ')'",
      'foo]': "1:4 unexpected right bracket ']'",
      'foo{a="b"}}': "1:11 unexpected character: '}'",
      '{': '1:2 unexpected end of input inside braces',
      '{{': "1:2 unexpected left brace '{'",
      'foo[5m': '1:7 unexpected end of input in duration expression',
    });
  });

  it('refuses matchers', () => {
    refuses({
      '{a=5}': "1:4 unexpected character inside braces: '5'",
      '{a:b="x"}': "1:3 unexpected character inside braces: ':'",
      '{a!b}': "1:3 unexpected character after '!' inside braces: 'b'",
      '{a b}': '1:4 unexpected identifier "b" in label matching, expected label matching operator',
      '{a=b}': '1:4 unexpected identifier "b" in label matching, expected string',
      '{,}': '1:2 unexpected "," in label matching, expected identifier or "}"',
      '{a="b",,}': '1:8 unexpected "," in label matching, expected identifier or "}"',
      'foo{a="b" c="d"}': '1:11 unexpected identifier "c" in label matching, expected "," or "}"',
      '{a=~"b("}': '1:2 error parsing regexp: missing )',
      '{""="b"}': '1:2 invalid label name: ""',
      '{}': '1:1 vector selector must contain at least one non-empty matcher',
      '1 + {a=~".*",b!="c"}': '1:5 vector selector must contain at least one non-empty matcher',
      '{""}': '1:1 vector selector must contain at least one non-empty matcher',
      'foo{__name__="x"}': '1:1 metric name must not be set twice: "foo" or "x"',
      'foo{"bar"}': '1:1 metric name must not be set twice: "foo" or "bar"',
      '{a="b"}{c="d"}': '1:8 unexpected "{"',
    });
  });

  it('refuses what it does not expect, in the words for the place', () => {
    refuses({
      'foo bar': '1:5 unexpected identifier "bar"',
      'foo a:b': '1:5 unexpected metric identifier "a:b"',
      'foo 1': '1:5 unexpected number "1"',
      'foo 5m': '1:5 unexpected duration "5m"',
      'foo "bar"': '1:5 unexpected string "\\"bar\\""',
      '1 "abcdefghijklmn"': '1:3 unexpected string "\\"abcdefghi"...',
      'a = b': '1:3 unexpected "="',
      bool: '1:1 unexpected <bool>',
      'a By': '1:3 unexpected <By>',
      'sum sum': '1:5 unexpected <aggr:sum>',
      atan2: '1:1 unexpected <op:atan2>',
      '@ 5': '1:1 unexpected <op:@>',
      '1 +': '1:4 unexpected end of input',
      'a or b or': '1:10 unexpected end of input',
      'rate(foo bar)': '1:10 unexpected identifier "bar"',
      'sum(rate(foo bar))': '1:14 unexpected identifier "bar" in aggregation',
      'sum by(x) foo': '1:11 unexpected identifier "foo" in aggregation',
      'sum(foo) bar': '1:10 unexpected identifier "bar"',
      'sum(foo) by (a) by (b)': '1:17 unexpected <by>',
    });
  });

  it('refuses calls', () => {
    refuses({
      'bar(foo)': '1:1 unknown function with name "bar"',
      'Rate(foo[5m])': '1:1 unknown function with name "Rate"',
      'holt_winters(foo[5m], 1, 1)': '1:1 unknown function with name "holt_winters"',
      'rate(,)': '1:6 unexpected ","',
      'rate(foo[5m],)': '1:13 trailing commas not allowed in function call args',
      'rate(foo, ==)': '1:9 trailing commas not allowed in function call args',
      'rate(foo)': '1:6 expected type range vector in call to function "rate", got instant vector',
      'rate(foo[5m], 1)': '1:1 expected 1 argument(s) in call to "rate", got 2',
      'abs()': '1:1 expected 1 argument(s) in call to "abs", got 0',
      'time(1)': '1:1 expected 0 argument(s) in call to "time", got 1',
      'round(foo, 1, 2)': '1:1 expected at most 2 argument(s) in call to "round", got 3',
      'label_join(foo)': '1:1 expected at least 3 argument(s) in call to "label_join", got 1',
      'label_join(foo, "a", "b", 1)': '1:27 expected type string in call to function "label_join", got scalar',
      'vector(foo)': '1:8 expected type scalar in call to function "vector", got instant vector',
      'hour(1)': '1:6 expected type instant vector in call to function "hour", got scalar',
    });
  });

  it('refuses aggregations', () => {
    refuses({
      'sum()': '1:1 no arguments for aggregate expression provided',
      'sum(a, b)': '1:1 wrong number of arguments for aggregate expression provided, expected 1, got 2',
      '1 + topk(1)': '1:5 wrong number of arguments for aggregate expression provided, expected 2, got 1',
      'sum(1)': '1:5 expected type instant vector in aggregation expression, got scalar',
      'sum(foo[5m])': '1:5 expected type instant vector in aggregation expression, got range vector',
      'topk(foo, bar)': '1:6 expected type scalar in aggregation parameter, got instant vector',
      'count_values(1, foo)': '1:14 expected type string in aggregation parameter, got scalar',
      'sum by': '1:7 unexpected end of input in grouping opts, expected "("',
      'sum by a (foo)': '1:8 unexpected identifier "a" in grouping opts, expected "("',
      'sum without(==)(foo)': '1:13 unexpected <op:==> in grouping opts, expected label',
      'sum by (,a)(foo)': '1:9 unexpected "," in grouping opts, expected label',
      'sum by (a b)(foo)': '1:11 unexpected identifier "b" in grouping opts, expected "," or ")"',
      'sum by (nan)(foo)': '1:9 unexpected number "nan" in grouping opts, expected label',
      'sum by ("")(foo)': '1:9 invalid label name for grouping: ""',
    });
  });

  it('refuses operators', () => {
    refuses({
      '1 == 1': '1:3 comparisons between scalars must use BOOL modifier',
      'foo + bool bar': '1:5 bool modifier can only be used on comparison operators',
      'foo and bool bar': '1:5 bool modifier can only be used on comparison operators',
      '1 and 1': '1:1 set operator "and" not allowed in binary scalar expression',
      '2 * (foo unless 1)': '1:6 set operator "unless" not allowed in binary scalar expression',
      'foo + on(a) 1': '1:1 vector matching only allowed between instant vectors',
      'foo and on(x) group_left(y) bar': '1:1 no grouping allowed for "and" operation',
      'foo + on(a) group_left(a) bar': '1:5 label "a" must not occur in ON and GROUP clause at once',
      'foo + on bar': '1:10 unexpected identifier "bar" in grouping opts, expected "("',
      'foo + group_left(a) bar': '1:7 unexpected <group_left>',
      'foo + on(a) bool bar': '1:13 unexpected <bool>',
      '"a" == "b"': '1:1 binary expression must contain only scalar and instant vector types',
      '1 + foo[5m]': '1:5 binary expression must contain only scalar and instant vector types',
      '-"x"': '1:1 unary expression only allowed on expressions of type scalar or instant vector, got "string"',
      '-foo[5m]':
        '1:1 unary expression only allowed on expressions of type scalar or instant vector, got "range vector"',
    });
  });

  it('refuses ranges and subqueries', () => {
    refuses({
      'foo[5m][5m]': '1:8 ranges only allowed for vector selectors',
      '(foo)[5m]': '1:6 ranges only allowed for vector selectors',
      'foo offset 5m[5m]': '1:14 no offset modifiers allowed before range',
      'foo @ 5 [5m]': '1:9 no @ modifiers allowed before range',
      'foo[]': '1:5 unexpected "]" in subquery or range selector, expected number, duration, step(), or range()',
      'foo["5m"]': `1:5 unexpected character in duration expression: '"'`,
      'foo[bar]': "1:5 unexpected character in duration expression: 'b'",
      'foo[5mm]': '1:5 bad number or duration syntax: "5mm"',
      'foo[0m]': '1:5 duration must be greater than 0',
      'foo[-1]': '1:5 duration must be greater than 0',
      'foo[1m1h]': '1:5 not a valid duration string: "1m1h"',
      'foo[5m 5m]': '1:8 unexpected duration "5m" in subquery or range, expected ":" or "]"',
      'foo[:5m]': '1:6 unexpected colon before duration in duration expression',
      'foo[5m:5m:5m]': '1:11 unexpected repeated colon in duration expression',
      'foo[5m:)]': "1:9 unexpected right parenthesis ')'",
      'foo[5m:,]': '1:8 unexpected "," in subquery selector, expected number, duration, step(), range(), or "]"',
      'foo[5m:1m,]': '1:10 unexpected "," in subquery selector, expected "]"',
      '1[5m:]': '1:1 subquery is only allowed on instant vector, got scalar instead',
      'foo[5m][5m:]': '1:1 subquery is only allowed on instant vector, got matrix instead',
    });
  });

  it('refuses modifiers', () => {
    refuses({
      'foo offset': `1:11 unexpected end of input in offset, ${offsetNeeds}`,
      'foo offset bar': `1:12 unexpected identifier "bar" in offset, ${offsetNeeds}`,
      'foo offset 5m offset 6m': '1:1 offset may not be set multiple times',
      '1 offset 5m':
        '1:1 offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
      'sum(foo) @ 5':
        '1:1 @ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
      'foo @': '1:6 unexpected end of input in @, expected timestamp',
      'foo @ "x"': '1:7 unexpected string "\\"x\\"" in @, expected timestamp',
      'foo @ start': '1:12 unexpected end of input in @, expected timestamp',
      'foo @ start(1)': '1:13 unexpected number "1" in @, expected timestamp',
      'foo @ 1 @ end()': '1:1 @ <timestamp> may not be set multiple times',
      '1 + foo @ -inf': '1:5 timestamp out of bounds for @ modifier: -Inf',
      'foo @ nan': '1:1 timestamp out of bounds for @ modifier: NaN',
      'foo @ 1e19': '1:1 timestamp out of bounds for @ modifier: 10000000000000000000.000000',
      'foo anchored': '1:1 the modifier anchored is not supported',
      'rate(foo[5m] smoothed)': '1:6 the modifier smoothed is not supported',
      'foo + fill (0) bar': '1:7 the modifier fill is not supported',
      'foo + on(a) fill_left(0) bar': '1:13 the modifier fill_left is not supported',
    });
  });

  it('needs the option for what is experimental', () => {
    const enable = 'is experimental and must be enabled with --enable-feature=promql-experimental-functions';
    refuses({
      'limitk(1, foo)': `1:1 limitk() ${enable}`,
      'mad_over_time(foo[5m])': `1:1 mad_over_time() ${enable}`,
      'start()': `1:1 start() ${enable}`,
    });
    for (const text of ['limitk(1, foo)', 'limit_ratio(0.5, foo)', 'mad_over_time(foo[5m])', 'start() + step()']) {
      expect(() => parse(text, { experimental: true })).not.to.throw();
    }
  });

  it('checks the second argument of info()', () => {
    const refusesInfo = (text: string, message: string): void => {
      expect(errorOf(text, true).problem).to.equal(message);
    };
    refusesInfo('info(foo, 1)', 'expected type instant vector in call to function "info", got scalar');
    refusesInfo('info(foo, bar{a="b"})', 'expected label selectors only, got vector selector instead');
    refusesInfo('info(foo, abs({a="b"}))', 'expected label selectors only');
    for (const text of ['info(foo)', 'info(foo, {})', 'info(foo, {__name__="bar_info"})']) {
      expect(() => parse(text, { experimental: true }), text).not.to.throw();
    }
  });

  it('reports a mistake of the syntax before a wrong type, wherever it stands', () => {
    refuses({
      'rate(foo) + )': "1:14 unexpected right parenthesis ')'",
      'rate(foo) + sum()': '1:13 no arguments for aggregate expression provided',
    });
  });

  it('bounds the length and the depth', () => {
    expect(errorOf(' '.repeat(256 * 1024 + 1)).problem).to.equal('expression is longer than 262144 characters');
    for (const text of [
      '('.repeat(100_000),
      '-'.repeat(100_000),
      `1${'+1'.repeat(100_000)}`,
      `a${'[1m:]'.repeat(5000)}`,
    ]) {
      expect(errorOf(text).problem).to.equal('expression is nested deeper than 1000 levels');
    }
    expect(errorOf(`a[${'('.repeat(100_000)}`).problem).to.equal('expression is nested deeper than 1000 levels');
    expect(() => parse(`${'('.repeat(900)}a${')'.repeat(900)}`)).not.to.throw();
    expect(() => parse(`a${' or a'.repeat(900)}`)).not.to.throw();
  });

  it('bounds what the regular expressions of a text become together', () => {
    const large = 'b=~".{1000}.{1000}.+"';
    const text = (count: number): string => `a{${Array.from({ length: count }, () => large).join(',')}}`;
    expect(() => parse(text(40))).not.to.throw();
    expect(errorOf(text(60)).problem).to.equal('error parsing regexp: together with those before it repeats too much');
  });
});
