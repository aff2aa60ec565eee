import { expect } from 'chai';
import { functionNamed } from '../../../src/promql/syntax/functions.ts';
import { parse } from '../../../src/promql/syntax/parse.ts';
import { PromqlSyntaxError } from '../../../src/promql/syntax/syntax-error.ts';
import { typeOf } from '../../../src/promql/syntax/types.ts';

/** The functions of Prometheus 3.14. */
const functionNames = (
  'abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max ' +
  'clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv ' +
  'double_exponential_smoothing end exp first_over_time floor histogram_avg histogram_count histogram_fraction ' +
  'histogram_quantile histogram_quantiles histogram_stddev histogram_stdvar histogram_sum hour idelta increase ' +
  'info irate label_join label_replace last_over_time ln log10 log2 mad_over_time max_of max_over_time min_of ' +
  'min_over_time minute month pi predict_linear present_over_time quantile_over_time rad range rate resets round ' +
  'scalar sgn sin sinh sort sort_by_label sort_by_label_desc sort_desc sqrt start start_timestamp ' +
  'stddev_over_time stdvar_over_time step sum_over_time tan tanh time timestamp ts_of_first_over_time ' +
  'ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time vector year'
).split(' ');

const examples: Readonly<Record<string, string>> = { vector: 'foo', matrix: 'foo[5m]', scalar: '1', string: '"a"' };

/** A call with as many arguments as the function lists. */
const callOf = (name: string, argCount: number): string => {
  const { argTypes } = functionNamed(name)!;
  const args = Array.from({ length: argCount }, (_, index) => argTypes[index] ?? argTypes.at(-1) ?? 'scalar');
  return `${name}(${args.map((type) => (name === 'info' ? '{a="b"}' : examples[type])).join(', ')})`;
};

describe('the functions of PromQL', () => {
  it('take the arguments that they list, and give the type that they say', () => {
    for (const name of functionNames) {
      const { argTypes, returnType } = functionNamed(name)!;
      const text = callOf(name, argTypes.length);
      expect(typeOf(parse(text, { experimental: true })), text).to.equal(returnType);
    }
  });

  it('take no more and no fewer', () => {
    const isAccepted = (name: string, argCount: number): boolean => {
      try {
        parse(callOf(name, argCount), { experimental: true });
        return true;
      } catch (error) {
        if (error instanceof PromqlSyntaxError && error.problem.includes('argument(s)')) return false;
        throw error;
      }
    };
    const accepted = (name: string): readonly number[] => [0, 1, 2, 3, 4, 5, 12, 13].filter((n) => isAccepted(name, n));
    expect(accepted('abs')).to.deep.equal([1]);
    expect(accepted('pi')).to.deep.equal([0]);
    expect(accepted('round')).to.deep.equal([1, 2]);
    expect(accepted('year')).to.deep.equal([0, 1]);
    expect(accepted('info')).to.deep.equal([1, 2]);
    expect(accepted('label_replace')).to.deep.equal([5]);
    expect(accepted('label_join')).to.deep.equal([3, 4, 5, 12, 13]);
    expect(accepted('sort_by_label')).to.deep.equal([1, 2, 3, 4, 5, 12, 13]);
    expect(accepted('histogram_quantiles')).to.deep.equal([3, 4, 5, 12]);
  });

  it('are those of Prometheus 3', () => {
    expect(functionNames.filter((name) => functionNamed(name) === undefined)).to.deep.equal([]);
    expect(functionNames).to.have.lengthOf(90);
    const experimental = functionNames.filter((name) => functionNamed(name)?.isExperimental);
    expect(experimental.join(' ')).to.equal(
      'double_exponential_smoothing end histogram_quantiles info mad_over_time max_of min_of range sort_by_label ' +
        'sort_by_label_desc start start_timestamp step ts_of_first_over_time ts_of_last_over_time ' +
        'ts_of_max_over_time ts_of_min_over_time',
    );
    expect(functionNamed('first_over_time')).to.include({ isExperimental: false });
    expect(functionNamed('constructor')).to.equal(undefined);
  });
});
