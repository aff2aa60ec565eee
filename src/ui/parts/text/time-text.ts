/** Local times as text. */

const pad = (number: number, length = 2): string => String(number).padStart(length, '0');

/** Local date and time with milliseconds. */
export const formatTime = (milliseconds: number | undefined): string => {
  if (milliseconds === undefined) return '–';
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${formatClock(milliseconds)}`;
};

/** Local time of day with milliseconds. */
export const formatClock = (milliseconds: number): string => {
  const date = new Date(milliseconds);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
};
