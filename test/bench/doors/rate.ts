/** What a process takes or sends. */
import { median } from '../measure.ts';

export interface Rate {
  readonly samplesPerSecond: number;
  /** Of the process, on all its threads. */
  readonly processorNsPerSample: number;
  readonly peakMB: number;
}

export const medianRate = (rates: readonly Rate[]): Rate => ({
  samplesPerSecond: median(rates.map(({ samplesPerSecond }) => samplesPerSecond)),
  processorNsPerSample: median(rates.map(({ processorNsPerSample }) => processorNsPerSample)),
  peakMB: median(rates.map(({ peakMB }) => peakMB)),
});
