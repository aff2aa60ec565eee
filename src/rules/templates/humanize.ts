/** Prometheus' functions that write numbers for people. */
import { fixed, general } from './go-floats.ts';
import { TemplateError } from './template-error.ts';
import { formatGoTime } from './template-values.ts';

const largePrefixes = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const;
const smallPrefixes = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'] as const;

const four = (x: number): string => general(x, 4);

/** `1.235k`, `12m`. */
export const humanize = (value: number): string => {
  if (value === 0 || !Number.isFinite(value)) return four(value);
  return Math.abs(value) >= 1 ? scaled(value, largePrefixes, 1000, '') : small(value, '');
};

const scaled = (value: number, prefixes: readonly string[], step: number, suffix: string): string => {
  let [left, prefix] = [value, ''];
  for (const each of prefixes) {
    if (Math.abs(left) < step) break;
    prefix = each + suffix;
    left /= step;
  }
  return four(left) + prefix;
};

const small = (value: number, unit: string): string => {
  let [left, prefix] = [value, ''];
  for (const each of smallPrefixes) {
    if (Math.abs(left) >= 1) break;
    prefix = each;
    left *= 1000;
  }
  return four(left) + prefix + unit;
};

/** `1.5ki`. */
export const humanize1024 = (value: number): string =>
  Math.abs(value) <= 1 || !Number.isFinite(value) ? four(value) : scaled(value, largePrefixes, 1024, 'i');

/** Seconds: `1d 2h 3m 4s`, `3.5s`, `12ms`. */
export const humanizeDuration = (value: number): string => {
  if (!Number.isFinite(value)) return four(value);
  if (value === 0) return `${four(value)}s`;
  if (Math.abs(value) < 1) return small(value, 's');
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const whole = Math.trunc(size);
  const parts = [whole % 60, Math.floor(whole / 60) % 60, Math.floor(whole / 3600) % 24, Math.floor(whole / 86_400)];
  const [seconds, minutes, hours, days] = parts.map((part) => fixed(part, 0));
  if (parts[3] !== 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (parts[2] !== 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  return parts[1] === 0 ? `${sign}${four(size)}s` : `${sign}${minutes}m ${seconds}s`;
};

export const humanizePercentage = (value: number): string => `${four(value * 100)}%`;

/** Seconds since the epoch as a time. */
export const humanizeTimestamp = (value: number): string =>
  Number.isFinite(value) ? formatGoTime(millisecondsOf(value)) : four(value);

export const millisecondsOf = (seconds: number): number => {
  const milliseconds = Math.round(seconds * 1000);
  if (Math.abs(milliseconds) <= 8.64e15) return milliseconds;
  throw new TemplateError(`${seconds} cannot be represented as a time`);
};
