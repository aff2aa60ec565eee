/** Numbers, sizes and durations as text. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
const steps = ['', 'k', 'M', 'G', 'T', 'P'];

/** A number in a short readable form: `1,234`, `1.23 M`, `0.00012`. */
export const formatNumber = (value: number | null | undefined): string => {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e18 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (size < 1e5) return size >= 1 ? grouped.format(value) : String(Number(value.toPrecision(4)));
  const step = Math.floor(Math.log10(size) / 3);
  return `${Number((value / 1000 ** step).toPrecision(4))} ${steps[step]}`;
};

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** A count in few characters: `12.3K`. */
export const formatCompact = (value: number): string => compact.format(value);

export const formatCount = (value: number | undefined): string =>
  value === undefined ? '–' : Math.round(value).toLocaleString('en-US');

export const formatBytes = (bytes: number | undefined): string => {
  if (bytes === undefined || Number.isNaN(bytes)) return '–';
  const step = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return step === 0
    ? `${Math.round(bytes)} B`
    : `${(bytes / 1000 ** step).toPrecision(3)} ${['', 'kB', 'MB', 'GB', 'TB'][step]}`;
};

/** A duration in seconds: `1.2 ms`, `3.4 s`, `5 min`. */
export const formatSeconds = (seconds: number | undefined): string => {
  if (seconds === undefined || Number.isNaN(seconds)) return '–';
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
};
