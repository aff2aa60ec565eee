import { expect } from 'chai';
import type { Expr } from '../../../src/promql/syntax/ast.ts';
import { resolveDurations } from '../../../src/promql/syntax/duration-expressions.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { PromqlSyntaxError } from '../../../src/promql/syntax/syntax-error.ts';

const times = { stepMs: 15_000, rangeMs: 3_600_000 };
const resolved = (text: string): Expr => resolveDurations(text, parse(text), times);

const rangeMs = (text: string): number => {
  const expr = resolved(text);
  return expr.kind === 'range' || expr.kind === 'subquery' ? expr.rangeMs : Number.NaN;
};

const offsetMs = (text: string): number => {
  const expr = resolved(text);
  return expr.kind === 'selector' || expr.kind === 'subquery' ? expr.offsetMs : Number.NaN;
};

describe('durations that are computed', () => {
  it('have the value of their arithmetic, in seconds', () => {
    for (const [text, seconds] of Object.entries({
      '5m+30s': 330,
      '1m*2-30': 90,
      '2^3^2': 512,
      '-2^2+5': 1,
      '-(1)*-2': 2,
      '10%4': 2,
      '7/2': 3.5,
      '(1+2)*3': 9,
      'min(1m,30)': 30,
      'max_of(1m,30)': 60,
      'step()': 15,
      'STEP() * 2': 30,
      'range()': 3600,
      'max(step(), range() / 4)': 900,
    })) {
      expect(rangeMs(`foo[${text}]`), text).to.equal(seconds * 1000);
    }
  });

  it('are known at once if they depend on nothing', () => {
    expect(parse('foo[5m+1]')).to.deep.include({ rangeMs: 301_000 });
    expect(parse('foo[step()]')).to.deep.include({ rangeMs: Number.NaN });
  });

  it('stand in ranges, subqueries and offsets', () => {
    expect(rangeMs('foo[1m+step():]')).to.equal(75_000);
    expect(resolved('foo[1h:step()*2]')).to.deep.include({ stepMs: 30_000, rangeMs: 3_600_000 });
    expect(resolved('foo[1h:]')).to.deep.include({ stepMs: undefined });
    expect(offsetMs('foo offset step()')).to.equal(15_000);
    expect(offsetMs('foo offset -step()')).to.equal(-15_000);
    expect(offsetMs('foo offset (1m*2)')).to.equal(120_000);
    expect(offsetMs('foo offset -(1m - 2m)')).to.equal(60_000);
    expect(offsetMs('foo offset min(5, 1m)')).to.equal(5000);
    expect(offsetMs('foo[5m:] offset step()')).to.equal(15_000);
    expect(resolved('foo[5m] offset step()')).to.have.nested.property('selector.offsetMs', 15_000);
  });

  it('leave arithmetic behind an offset to the expression', () => {
    expect(parse('foo offset 1m * 2')).to.deep.include({ kind: 'binary', operator: '*' });
  });

  it('are resolved in every part of an expression', () => {
    const text = '-(sum(topk(scalar(foo offset step()), rate(foo[step()]))) + abs(foo[step():1s] offset 1s))';
    const inner = text.replace('abs(', 'rate(');
    expect(JSON.stringify(parse(inner))).to.include('null');
    expect(JSON.stringify(resolved(inner))).not.to.include('null');
  });

  it('leave a tree without them as it is', () => {
    const text = '-(sum by (a) (rate(foo[5m])) + foo[5m:1m] offset 1m)';
    const expr = parse(text.replace('foo[5m:1m]', 'max_over_time(foo[5m:1m]').replace(' offset 1m', ' offset 1m)'));
    expect(resolveDurations(text, expr, times)).to.equal(expr);
  });

  it('are refused if they are not above 0, or not finite', () => {
    const refused = (text: string, message: string): void => {
      expect(() => resolved(text), text).to.throw(PromqlSyntaxError, message);
    };
    refused('foo[5m-5m]', '1:5: parse error: duration must be greater than 0');
    refused('foo[step()-15s]', '1:5: parse error: duration must be greater than 0');
    refused('foo[1h:5s-step()]', '1:8: parse error: duration must be greater than 0');
    refused('foo[0.0001]', '1:5: parse error: duration must be greater than 0');
    refused('foo[5s/0d]', '1:7: parse error: division by zero');
    refused('foo[5s%(step()-15)]', '1:7: parse error: modulo by zero');
    refused('foo[10^100]', '1:5: parse error: duration out of range');
    refused('foo offset (-inf)', '1:12: parse error: duration out of range');
    refused('foo offset 1e100', '1:12: parse error: duration out of range');
  });

  it('are refused where the grammar has no place for them', () => {
    const refused = (text: string, message: string): void => {
      expect(() => parse(text), text).to.throw(PromqlSyntaxError, message);
    };
    refused('foo[step]', '1:9: parse error: unexpected "]" in subquery or range selector');
    refused('foo[min(1)]', '1:10: parse error: unexpected ")" in subquery or range selector');
    refused('foo[step(1)]', '1:10: parse error: unexpected number "1" in subquery or range selector');
    refused('foo offset sum(1)', '1:12: parse error: unexpected <aggr:sum> in offset');
  });
});
