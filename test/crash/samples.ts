/** The samples of the crash test: sample k of series i, the same in every process. */
export const SERIES = 1000;

export const seriesLabels = (i: number): Record<string, string> => ({ __name__: 'crash', id: String(i) });

export const sampleTime = (i: number, k: number): number =>
  1_700_000_000_000 + k * 1000 + (i % 2 === 0 ? 0 : (k * 31) % 7);

export const sampleValue = (i: number, k: number): number => {
  if (i % 3 === 0) return k;
  if (i % 3 === 1) return Math.fround(Math.sin(k + i));
  return (Math.imul(k + 1, i + 2654435761) >>> 0) / 2 ** 32;
};
