/**
 * What our parser accepts, compared with what other parsers of PromQL accept: the grammar of Prometheus' editor, and the
 * expressions of Prometheus' own test files where they are at hand.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { expect } from 'chai';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { print } from '../../../src/promql/syntax/print.ts';

const suite = '../shared/promqltest';

const isOfEditor = (text: string): boolean => {
  let hasError = false;
  parser.parse(text).iterate({
    enter: (node) => {
      hasError ||= node.type.isError;
    },
  });
  return !hasError;
};

const isOurs = (text: string): boolean => {
  try {
    parse(text, { experimental: true });
    return true;
  } catch {
    return false;
  }
};

describe('other parsers of PromQL', () => {
  it('the grammar of the editor accepts and refuses the same', () => {
    const accepted = `foo|foo{a="b",c!~'d',}|{"foo.bar","l.m"="n"}|foo:bar|sum(foo)|sum by (a, b,) (foo)|sum(foo) without (a)
      |topk(3, foo)|count_values("a", foo)|rate(foo[5m])|foo[1h30m] offset -5m|foo offset 5m @ 1.5|foo @ end() offset 1w
      |foo[1h:5m]|foo[1h:]|max_over_time(rate(foo[5m])[1h:1m] @ start())|1 + 2 * 3 ^ -4|0x1F|1e-3|5m|Inf|-foo
      |a and on(x) b or ignoring(y) c unless d|a * on(x, y) group_left(z) b|a > bool 1|a atan2 b|(a)|"text"|\`text\`|time()
      |label_replace(foo, "a", "$1", "b", "(.*)")|foo # comment|foo[step()+5m]`;
    for (const text of accepted.split('|').map((part) => part.trim())) {
      expect({ text, ours: isOurs(text), editor: isOfEditor(text) }).to.deep.equal({ text, ours: true, editor: true });
    }
    const refused = `foo bar|foo{a}|foo{a=b}|sum(|foo[|foo[5m|rate(foo[5m]|1 +|foo offset|foo @|sum by a (foo)|foo{,}|foo)
      |a + on b|foo[:5m]`;
    for (const text of refused.split('|').map((part) => part.trim())) {
      expect({ text, ours: isOurs(text), editor: isOfEditor(text) }).to.deep.equal({
        text,
        ours: false,
        editor: false,
      });
    }
    // The editor colours these: they are known to differ.
    for (const text of ['"text', '"\\q"', 'rate(foo)', 'foo{a=~"("}']) {
      expect({ text, ours: isOurs(text), editor: isOfEditor(text) }).to.deep.equal({ text, ours: false, editor: true });
    }
    for (const text of ['offset', '"\udc80"']) {
      expect({ text, ours: isOurs(text), editor: isOfEditor(text) }).to.deep.equal({ text, ours: true, editor: false });
    }
  });

  it('all expressions of the test files of Prometheus are parsed, and printed so that they stay the same', function () {
    if (!existsSync(suite)) return this.skip();
    let count = 0;
    for (const version of readdirSync(suite)) {
      for (const file of readdirSync(join(suite, version))) {
        for (const text of expressionsOf(readFileSync(join(suite, version, file), 'utf8'))) {
          // Prometheus 3 has another name for it.
          if (text.startsWith('holt_winters(')) continue;
          const printed = print(parse(text, { experimental: true }));
          expect(print(parse(printed, { experimental: true }))).to.equal(printed);
          count++;
        }
      }
    }
    expect(count).to.be.greaterThan(1000);
  });
});

/** The expressions that must be evaluated; those that must fail do so in the engine. */
const expressionsOf = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const match =
      /^\s*eval\w*\s+(?:instant(?:\s+at\s+\S+)?|range\s+from\s+\S+\s+to\s+\S+\s+step\s+\S+)\s+(.*?)\s*$/.exec(line);
    return match === null ? [] : [match[1]];
  });
