/** The most resident memory of a process since a moment. Linux counts it; elsewhere nothing is measured. */
import { readFileSync, writeFileSync } from 'node:fs';

const field = (pid: number, name: string): number => {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new Error(`/proc has no ${name}`);
  return Number(found[1]) * 1024;
};

export const canMeasurePeak = process.platform === 'linux';

/** Bytes in memory now. */
export const residentNow = (pid: number): number => field(pid, 'VmRSS');

/** From now on the peak is counted anew. */
export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** The most bytes in memory since the reset. */
export const residentPeak = (pid: number): number => field(pid, 'VmHWM');
