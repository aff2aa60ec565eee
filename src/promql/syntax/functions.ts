/** The functions of PromQL with the types of their arguments and results. */
import type { ValueType } from './ast.ts';

export interface FunctionSignature {
  readonly name: string;
  /** The last type holds for further arguments if the function is variadic. */
  readonly argTypes: readonly ValueType[];
  /**
   * 0: exactly `argTypes`. A positive number: the last of `argTypes` may be missing or come up to so many times.
   * -1: it may be missing or come any number of times.
   */
  readonly variadic: number;
  readonly returnType: ValueType;
  /** Only with the option `experimental`. */
  readonly isExperimental: boolean;
}

const V: readonly ValueType[] = ['vector'];
const M: readonly ValueType[] = ['matrix'];

const functions = new Map<string, FunctionSignature>();

interface Traits {
  readonly variadic?: number;
  readonly returns?: ValueType;
  readonly experimental?: true;
}

const define = (names: string, argTypes: readonly ValueType[], traits: Traits = {}): void => {
  for (const name of names.split(' ')) {
    functions.set(name, {
      name,
      argTypes,
      variadic: traits.variadic ?? 0,
      returnType: traits.returns ?? 'vector',
      isExperimental: traits.experimental === true,
    });
  }
};

// Each value on its own.
define('abs ceil floor exp ln log2 log10 sqrt sgn', V);
define('sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad', V);
define('round', ['vector', 'scalar'], { variadic: 1 });
define('clamp', ['vector', 'scalar', 'scalar']);
define('clamp_min clamp_max', ['vector', 'scalar']);
define('minute hour day_of_week day_of_month day_of_year days_in_month month year', V, { variadic: 1 });

// Vectors and scalars.
define('absent timestamp sort sort_desc', V);
define('scalar', V, { returns: 'scalar' });
define('vector', ['scalar']);
define('time pi', [], { returns: 'scalar' });
define('step range start end', [], { returns: 'scalar', experimental: true });
define('min_of max_of', ['scalar', 'scalar'], { returns: 'scalar', experimental: true });
define('start_timestamp', V, { experimental: true });

// Ranges.
define('rate increase delta irate idelta resets changes deriv', M);
define('sum_over_time avg_over_time min_over_time max_over_time count_over_time', M);
define('stddev_over_time stdvar_over_time last_over_time first_over_time present_over_time absent_over_time', M);
define('quantile_over_time', ['scalar', 'matrix']);
define('predict_linear', ['matrix', 'scalar']);
define('double_exponential_smoothing', ['matrix', 'scalar', 'scalar'], { experimental: true });
define('mad_over_time', M, { experimental: true });
define('ts_of_first_over_time ts_of_last_over_time ts_of_min_over_time ts_of_max_over_time', M, { experimental: true });

// Histograms.
define('histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar', V);
define('histogram_quantile', ['scalar', 'vector']);
define('histogram_fraction', ['scalar', 'scalar', 'vector']);
define('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], { variadic: 9, experimental: true });

// Labels.
define('label_replace', ['vector', 'string', 'string', 'string', 'string']);
define('label_join', ['vector', 'string', 'string', 'string'], { variadic: -1 });
define('sort_by_label sort_by_label_desc', ['vector', 'string'], { variadic: -1, experimental: true });
define('info', ['vector', 'vector'], { variadic: 1, experimental: true });

/** The function of this name; `undefined` if there is none. Names are case-sensitive. */
export const functionNamed = (name: string): FunctionSignature | undefined => functions.get(name);

/** Functions whose value depends on the time of the step, whatever their arguments are. */
export const functionsOfTime: ReadonlySet<string> = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'end',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'range',
  'start',
  'step',
  'time',
  'timestamp',
  'year',
]);
