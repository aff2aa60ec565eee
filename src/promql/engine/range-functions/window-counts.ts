/** Functions that count samples: exact whole numbers, so counts up to each sample are worked out once for a series. */
import type { Windows } from '../windows.ts';
import { windowFunction } from './range-function.ts';

export const countOverTime = windowFunction(1, (_windows, low, high) => high - low, { rescans: false });
export const presentOverTime = windowFunction(1, () => 1, { rescans: false });

const countResets = (windows: Windows): void => {
  const { values, length } = windows;
  const counts = windows.reserve(length);
  counts[0] = 0;
  for (let i = 1; i < length; i++) counts[i] = counts[i - 1] + (values[i] < values[i - 1] ? 1 : 0);
};

/** From NaN to NaN nothing changes. */
const countChanges = (windows: Windows): void => {
  const { values, length } = windows;
  const counts = windows.reserve(length);
  counts[0] = 0;
  for (let i = 1; i < length; i++) {
    const isSame = values[i] === values[i - 1] || (Number.isNaN(values[i]) && Number.isNaN(values[i - 1]));
    counts[i] = counts[i - 1] + (isSame ? 0 : 1);
  }
};

const difference = ({ scratch }: Windows, low: number, high: number): number => scratch[high - 1] - scratch[low];

export const resets = windowFunction(1, difference, { prepare: countResets, rescans: false });
export const changes = windowFunction(1, difference, { prepare: countChanges, rescans: false });
