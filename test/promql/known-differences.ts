/**
 * Where Prometheus 2.42 gives something else than Prometheus 3, whose semantics the engine has. Ranges that include
 * their left end are no difference: the engine has the option `closedRanges` for them.
 */

/** Differences that the obvious evaluator can imitate, and why each is there. */
export const version2Differences = {
  'rate clamps first':
    'rate and increase extrapolate to zero at most. 2.42 applies this before it looks whether the gap at the start is too long, Prometheus 3 after it.',
  'deviation of one infinity is 0':
    'stddev and stdvar start from 0 in 2.42, so that a NaN or an infinity as the first value counts as deviation 0. In Prometheus 3 it makes the result NaN.',
  'atan2 keeps the name': 'atan2 keeps the metric name in 2.42, as no other arithmetic operator does.',
  'date of NaN':
    'Prometheus converts NaN, infinities and huge numbers to a time as the processor does; on amd64 that is the smallest 64-bit integer. The engine gives NaN.',
  'filtered pairs may repeat':
    'A comparison with group_left or group_right that would match twice fails since Prometheus 3.8 also if the comparison filters the pair. In 2.42 it does not.',
  'minus does not merge':
    'The unary minus of series that have equal labels without their names fails in 2.42 even if they have no time in common. Since Prometheus 3.8 they are merged.',
  'squares overflow to NaN':
    'If the sum of squares in stddev_over_time or stdvar_over_time overflows, 2.42 gives NaN, because its compensation is the difference of two infinities. Prometheus 3 gives +Inf.',
} as const;

/** Differences that are not imitated: the random expressions for Prometheus 2.42 leave these out. */
export const notAsked = {
  'predict_linear of a range pinned by @':
    'In a range query 2.42 moves the window of predict_linear with each step although `@` pins it, and finds fewer and fewer samples.',
} as const;

export type Version2Difference = keyof typeof version2Differences;

/** Evals of the test files of Prometheus 2.42 that expect something else than Prometheus 3 gives: file, line, reason. */
export const version2Evals: readonly { readonly file: string; readonly line: number; readonly reason: string }[] = [
  { file: 'functions.test', line: 137, reason: version2Differences['rate clamps first'] },
  { file: 'functions.test', line: 298, reason: 'Prometheus 3 allows any UTF-8 text as a label name.' },
  { file: 'functions.test', line: 482, reason: 'holt_winters is double_exponential_smoothing in Prometheus 3.' },
  { file: 'functions.test', line: 496, reason: 'holt_winters is double_exponential_smoothing in Prometheus 3.' },
  { file: 'operators.test', line: 479, reason: version2Differences['atan2 keeps the name'] },
  { file: 'operators.test', line: 482, reason: version2Differences['atan2 keeps the name'] },
];
