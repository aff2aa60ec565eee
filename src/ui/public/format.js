/** Numbers, sizes, times and label sets as text. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
const steps = ['', 'k', 'M', 'G', 'T', 'P'];

/** A number in a short readable form: `1,234`, `1.23 M`, `0.00012`. */
export const formatNumber = (/** @type {number | null | undefined} */ value) => {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e18 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (size < 1e5) return size >= 1 ? grouped.format(value) : String(Number(value.toPrecision(4)));
  const step = Math.floor(Math.log10(size) / 3);
  return `${Number((value / 1000 ** step).toPrecision(4))} ${steps[step]}`;
};

export const formatCount = (/** @type {number | undefined} */ value) =>
  value === undefined ? '–' : Math.round(value).toLocaleString('en-US');

export const formatBytes = (/** @type {number | undefined} */ bytes) => {
  if (bytes === undefined || Number.isNaN(bytes)) return '–';
  const step = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return step === 0
    ? `${Math.round(bytes)} B`
    : `${(bytes / 1000 ** step).toPrecision(3)} ${['', 'kB', 'MB', 'GB', 'TB'][step]}`;
};

/** A duration in seconds: `1.2 ms`, `3.4 s`, `5 min`. */
export const formatSeconds = (/** @type {number | undefined} */ seconds) => {
  if (seconds === undefined || Number.isNaN(seconds)) return '–';
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
};

const pad = (/** @type {number} */ number, length = 2) => String(number).padStart(length, '0');

/** Local date and time with milliseconds. */
export const formatTime = (/** @type {number | undefined} */ milliseconds) => {
  if (milliseconds === undefined) return '–';
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${formatClock(milliseconds)}`;
};

/** Local time of day with milliseconds. */
export const formatClock = (/** @type {number} */ milliseconds) => {
  const date = new Date(milliseconds);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
};

const escapeValue = (/** @type {string} */ text) =>
  text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));

const quote = (/** @type {string} */ text) => `"${escapeValue(text)}"`;

/** `up{job="node"}`, which is also the selector of exactly these labels. */
export const formatLabels = (/** @type {Record<string, string>} */ labels) => {
  const name = labels['__name__'] ?? '';
  const classic = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  const parts = Object.keys(labels)
    .filter((label) => label !== '__name__')
    .sort()
    .map((label) => `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : quote(label)}=${quote(labels[label])}`);
  if (name !== '' && !classic) parts.unshift(quote(name));
  if (parts.length === 0) return classic ? name : '{}';
  return `${classic ? name : ''}{${parts.join(', ')}}`;
};

/** Short names of series for a legend, with only the labels in which they differ. */
export const distinguish = (/** @type {Record<string, string>[]} */ list) => {
  const names = new Set(list.flatMap((labels) => Object.keys(labels)));
  const differing = [...names].filter((name) => list.some((labels) => labels[name] !== list[0][name]));
  return list.map((labels) => {
    if (list.length < 2) return formatLabels(labels);
    return formatLabels(
      Object.fromEntries(differing.filter((name) => name in labels).map((name) => [name, labels[name]])),
    );
  });
};
