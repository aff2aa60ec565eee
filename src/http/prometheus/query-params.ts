/** The parameters of queries. Texts of errors are Prometheus', because programs and people search for them. */
import { durationMs } from '../../text/durations.ts';
import { parseValue } from '../../text/values.ts';
import { named, parseTime, quoteParam } from '../params.ts';
import { badData } from '../reply.ts';

/** Go's durations are nanoseconds in 64 bits, about 292 years. */
const DURATION_MS_MAX = 2 ** 63 / 1e6;
const INT64_MAX = 2n ** 63n - 1n;

/** The maximum length of a number that is read: BigInt would take its time for a longer one. */
const DIGITS_MAX = 40;

/** An integer as Go's `strconv.Atoi` reads it. */
const parseInteger = (text: string): number => {
  const isInteger = /^[+-]?\d+$/.test(text);
  if (!isInteger) throw badData(`strconv.Atoi: parsing ${quoteParam(text)}: invalid syntax`);
  const digits = text.replace(/^[+-]?0*/, '');
  if (digits.length > DIGITS_MAX || BigInt(digits === '' ? 0 : digits) > INT64_MAX)
    throw badData(`strconv.Atoi: parsing ${quoteParam(text)}: value out of range`);
  return Number(text);
};

/** An optional number as in {@link parseInteger}; any error is the one text that Prometheus has for it. */
export const numberParam = (params: URLSearchParams, name: string): number | undefined => {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  try {
    return parseInteger(text);
  } catch {
    throw badData(`${name} must be a number`);
  }
};

/** The `limit` parameter; 0 means no limit. */
export const limitParam = (params: URLSearchParams): number => {
  const text = params.get('limit');
  if (text === null || text === '') return 0;
  return named('limit', () => {
    const limit = parseInteger(text);
    if (limit < 0) throw badData('limit must be non-negative');
    return limit;
  });
};

/** A time that must be there, as milliseconds since the epoch. */
export const requiredTime = (params: URLSearchParams, name: string): number =>
  named(name, () => parseTime(params.get(name) ?? ''));

/** A duration as milliseconds: seconds with a fraction, or text such as `1m0s`. */
const parseDuration = (text: string): number => {
  const seconds = parseValue(text);
  const milliseconds = seconds === undefined ? durationMs(text) : seconds * 1000;
  if (milliseconds === undefined || Number.isNaN(milliseconds))
    throw badData(`cannot parse ${quoteParam(text)} to a valid duration`);
  if (Math.abs(milliseconds) < DURATION_MS_MAX) return milliseconds;
  throw badData(
    seconds === undefined
      ? `cannot parse ${quoteParam(text)} to a valid duration`
      : `cannot parse ${quoteParam(text)} to a valid duration. It overflows int64`,
  );
};

/** The step of a range query: whole milliseconds, at least one. */
export const stepParam = (params: URLSearchParams): number =>
  named('step', () => {
    const step = Math.trunc(parseDuration(params.get('step') ?? ''));
    if (step >= 1) return step;
    throw badData('zero or negative query resolution step widths are not accepted. Try a positive integer');
  });

/** The longest time that a query may take; the same as the engine's own limit. */
const TIMEOUT_MS_MAX = 120_000;

/** Milliseconds after which the query ends. Not more than two minutes, whatever is asked for. */
export const timeoutParam = (params: URLSearchParams): number => {
  const text = params.get('timeout');
  if (text === null || text === '') return TIMEOUT_MS_MAX;
  return named('timeout', () => Math.min(parseDuration(text), TIMEOUT_MS_MAX));
};

/** The lookback in milliseconds; `undefined` for the engine's default. */
export const lookbackParam = (params: URLSearchParams): number | undefined => {
  const text = params.get('lookback_delta');
  if (text === null || text === '') return undefined;
  try {
    const lookback = Math.trunc(parseDuration(text));
    return lookback > 0 ? lookback : undefined;
  } catch (error) {
    throw badData(`error parsing lookback delta duration: ${(error as Error).message}`);
  }
};
