/** The lines about a retention in the tables that the verbs print. */
import type { RetentionSettings } from '../index.ts';
import { formatDuration } from '../text/durations.ts';
import { formatBytes } from './units.ts';

export const describeRetention = (retention: RetentionSettings | undefined): string[][] => {
  if (retention === undefined) return [['retention', 'not set: everything is kept']];
  const { time, bytes, rules = [] } = retention;
  return [
    ['retention', `${timeText(time)}${bytes === undefined ? '' : `, at most ${formatBytes(bytes)}`}`],
    ...rules.map((rule) => ['retention rule', `${timeText(rule.time)} for ${rule.selector}`]),
  ];
};

const timeText = (time: number | 'off'): string => (time === 'off' ? 'off' : formatDuration(time));
