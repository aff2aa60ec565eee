/** Dates of HTTP headers. */

/** `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that senders may write. */
const pattern = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Milliseconds since the epoch; `undefined` for any other text. */
export const parseHttpDate = (text: string): number | undefined => {
  const time = pattern.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
};
