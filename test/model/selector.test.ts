import { expect } from 'chai';
import fc from 'fast-check';
import type { TidemarkError } from '../../src/model/errors.ts';
import { type Matcher, matchesPairs } from '../../src/model/matcher.ts';
import { matchersOf, parseSelector, type Selector } from '../../src/model/selector.ts';

const matcher = (name: string, op: Matcher['op'], value: string): Matcher => ({ name, op, value });

const errorOf = (selector: unknown): TidemarkError => {
  try {
    parseSelector(selector as Selector);
  } catch (error) {
    return error as TidemarkError;
  }
  throw new Error(`expected an error for ${String(selector)}`);
};

const refuses = (selector: unknown, pattern: RegExp): void => {
  const error = errorOf(selector);
  expect(error.code, String(selector)).to.equal('TIDEMARK_INVALID_SELECTOR');
  expect(error.message, String(selector)).to.match(pattern);
};

describe('matchersOf selector text', () => {
  it('reads a metric name', () => {
    expect(matchersOf('up')).to.deep.equal([matcher('__name__', '=', 'up')]);
    expect(matchersOf(' job:rate:sum # the rate\n')).to.deep.equal([matcher('__name__', '=', 'job:rate:sum')]);
  });

  it('reads all four operators, trailing commas and white space', () => {
    expect(matchersOf(`up{ a="1", b!='2',c=~"3" , d!~\`4\`, }`)).to.deep.equal([
      matcher('__name__', '=', 'up'),
      matcher('a', '=', '1'),
      matcher('b', '!=', '2'),
      matcher('c', '=~', '3'),
      matcher('d', '!~', '4'),
    ]);
  });

  it('reads quoted metric and label names', () => {
    expect(matchersOf('{"metric.name", "label.x"="y", città="z"}'.replace('città', '"città"'))).to.deep.equal([
      matcher('__name__', '=', 'metric.name'),
      matcher('label.x', '=', 'y'),
      matcher('città', '=', 'z'),
    ]);
  });

  it('takes the keywords that Prometheus takes as metric names, and no others', () => {
    const taken =
      'avg bottomk by count count_values group and or unless max min offset quantile stddev stdvar sum topk without start end';
    for (const name of [...taken.split(' '), 'SUM', 'Offset', 'offsets', 'offset:rate'])
      for (const rest of ['', '{a="b"}', ' {}'])
        expect(matchersOf(name + rest)[0], name + rest).to.deep.equal(matcher('__name__', '=', name));
    for (const name of ['bool', 'on', 'ignoring', 'group_left', 'group_right', 'inf', 'NaN', 'offset 5m'])
      for (const rest of ['', '{a="b"}']) expect(() => matchersOf(name + rest), name + rest).to.throw();
  });

  it('takes keywords as label names and function names as metric names', () => {
    expect(matchersOf('rate{on="a", by="b", sum="c", offset="d"}').map(({ name }) => name)).to.deep.equal([
      '__name__',
      'on',
      'by',
      'sum',
      'offset',
    ]);
  });

  it('reads the escapes of quoted strings, and none in backquotes', () => {
    const value = (literal: string): string => matchersOf(`{a=${literal}}`)[0].value;
    expect(value(String.raw`"\a\b\f\n\r\t\v\\\"'"`)).to.equal('\x07\b\f\n\r\t\v\\"\'');
    expect(value(String.raw`'\'"'`)).to.equal('\'"');
    expect(value(String.raw`"\x41\101\u00fc\U0001F680"`)).to.equal('AAü🚀');
    expect(value(String.raw`"\xc3\xbc"`)).to.equal('ü');
    expect(value('`\\n"\'\n`')).to.equal('\\n"\'\n');
    expect(value('"東京"')).to.equal('東京');
    expect(value('""')).to.equal('');
  });

  it('says what else it found and where', () => {
    refuses('sum(up)', /character 1: found an aggregation/);
    refuses('rate(up[5m])', /found a function call/);
    refuses('up[5m]', /found a selector with a range/);
    refuses('up offset 5m', /found a selector with an offset/);
    refuses('up @ 5', /found a selector with @/);
    refuses('up + up', /found a binary operation/);
    refuses('-up', /found an expression with a sign/);
    refuses('(up)', /found an expression in parentheses/);
    refuses('1', /found a number/);
    refuses('"up"', /found a string/);
    refuses('NaN', /found a number/);
  });

  it('says where the text is wrong', () => {
    refuses('', /empty/);
    refuses('  ', /empty/);
    refuses('up{job="a"', /ends too early/);
    refuses('up{job=}', /character 8: did not expect "}"/);
    refuses('up{job=="a"}', /character 8/);
    refuses('up{job="a" b="c"}', /character 12/);
    refuses('a.b', /character 2/);
    refuses('up{a:b="c"}', /character 5/);
    refuses('up{job="a}', /closing|early/);
    refuses('{job="a\\"}', /closing|early/);
    refuses('up{a="x\ny"}', /character \d+/);
    refuses('{a="\\q"}', /character 5: unknown escape \\q/);
    refuses('{a="\\ud800"}', /no such character/);
    expect(errorOf('up{job=}').details).to.deep.equal({ offset: 7 });
  });

  it('refuses a second metric name', () => {
    refuses('up{__name__="down"}', /twice/);
    refuses('up{"down"}', /twice/);
    refuses('{"up", "down"}', /twice/);
    expect(matchersOf('{__name__=~"a.*", __name__!="ab"}')).to.have.length(2);
  });
});

describe('parseSelector', () => {
  it('takes labels that must be equal and matcher objects', () => {
    expect(parseSelector({ __name__: 'up', job: '' }).map(({ name, op, value }) => [name, op, value])).to.deep.equal([
      ['__name__', '=', 'up'],
      ['job', '=', ''],
    ]);
    expect(parseSelector([matcher('job', '=~', 'n.*')])[0].matches('node')).to.equal(true);
  });

  it('refuses what is neither, naming it', () => {
    refuses(5, /not 5/);
    refuses(null, /not null/);
    refuses([null], /matcher must be an object/);
    refuses([matcher('', '=', 'x')], /needs the name/);
    refuses([{ name: 'a', op: '==', value: 'x' }], /one of =, !=, =~, !~, not ==/);
    refuses([{ name: 'a', op: '=', value: 1 }], /a must be a string/);
    refuses({ a: 1 }, /a must be a string/);
    refuses([matcher('a', '=', '\ud800')], /surrogate/);
  });

  it('refuses a selector that would match every series, unless that is allowed', () => {
    for (const selector of ['{}', '{a=""}', '{a!="x"}', '{a=~".*"}', '{a=~"x|"}', '{a!~"x"}', [], {}]) {
      refuses(selector, /at least one matcher that does not match the empty string/);
      expect(() => parseSelector(selector as Selector, { allowEmpty: true })).not.to.throw();
    }
    for (const selector of ['{a!=""}', '{a=~".+"}', '{a!~".*x|"}', 'up{a=""}']) {
      expect(() => parseSelector(selector), selector).not.to.throw();
    }
  });

  it('lets matchers of the empty string match series without the label', () => {
    const matches = (selector: string, pairs: string[]): boolean => matchesPairs(parseSelector(selector), pairs);
    expect(matches('up{a=""}', ['__name__', 'up'])).to.equal(true);
    expect(matches('up{a=""}', ['__name__', 'up', 'a', 'x'])).to.equal(false);
    expect(matches('up{a!="x"}', ['__name__', 'up'])).to.equal(true);
    expect(matches('up{a=~"x|"}', ['__name__', 'up'])).to.equal(true);
    expect(matches('up{a=~".+"}', ['__name__', 'up'])).to.equal(false);
    expect(matches('up{a!~".+"}', ['__name__', 'up'])).to.equal(true);
  });

  it('bounds the text', () => {
    refuses(`{a="${'x'.repeat(300_000)}"}`, /262144 characters/);
  });

  it('never fails with anything but its own error', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('up', '{', '}', '"', "'", '`', '\\', 'a', '=', '!~', ',', '(', '[5m]', ' ', 'ü')),
        (parts) => {
          try {
            parseSelector(parts.join(''));
          } catch (error) {
            expect((error as TidemarkError).code).to.equal('TIDEMARK_INVALID_SELECTOR');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
