/** Times as text, in the time zone of the browser or in UTC. */

const pad = (number: number, length = 2): string => String(number).padStart(length, '0');

let isUtc = false;

/** Shows times in UTC from now on, or in the time zone of the browser. */
export const showUtc = (utc: boolean): void => {
  isUtc = utc;
};

/** The name of the time zone in which times are shown. */
export const zoneName = (): string => (isUtc ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone);

/** A date whose local fields are those of the time zone in which times are shown. */
export const zonedDate = (milliseconds: number): Date => {
  const date = new Date(milliseconds);
  return isUtc ? new Date(milliseconds + date.getTimezoneOffset() * 60_000) : date;
};

/** Date and time with milliseconds. */
export const formatTime = (milliseconds: number | undefined): string => {
  if (milliseconds === undefined) return '–';
  const date = zonedDate(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${formatClock(milliseconds)}`;
};

/** Time of day with milliseconds. */
export const formatClock = (milliseconds: number): string => {
  const date = zonedDate(milliseconds);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
};

/** Milliseconds of a text such as `2026-01-31 12:00`, in the time zone in which times are shown; `undefined` if it is none. */
export const parseTimeText = (text: string): number | undefined => {
  const fields = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z?)$/.exec(text.trim());
  if (fields === null) return undefined;
  const [year, month, day, hour = 0, minute = 0, second = 0] = fields.slice(1, 7).map((field) => Number(field ?? 0));
  const fraction = Number((fields[7] ?? '').padEnd(3, '0'));
  const time =
    isUtc || fields[8] === 'Z'
      ? Date.UTC(year, month - 1, day, hour, minute, second, fraction)
      : new Date(year, month - 1, day, hour, minute, second, fraction).getTime();
  return Number.isNaN(time) ? undefined : time;
};
