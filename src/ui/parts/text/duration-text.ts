/** Durations as PromQL writes them. */

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `1h30m` as milliseconds; `undefined` if the text is no duration. */
export const durationMs = (text: string): number | undefined => {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) sum += Number(count) * unitMs[unit];
  return sum;
};

/** Milliseconds as the shortest such text: `90000` is `1m30s`. */
export const durationText = (milliseconds: number): string => {
  let rest = Math.round(milliseconds);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(rest / unitMs[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs[unit];
  }
  return text === '' ? '0s' : text;
};

/** The steps of range queries, milliseconds. */
const steps = [
  1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
  21_600_000, 43_200_000, 86_400_000,
];

/** The step for a range of time, so that there are not more than this many points, and that it is easy to read. */
export const stepFor = (rangeMs: number, points: number): number => {
  const exact = rangeMs / points;
  return steps.find((step) => step >= exact) ?? Math.ceil(exact / 86_400_000) * 86_400_000;
};
