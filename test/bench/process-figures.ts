/** Figures of a process that Linux counts. Elsewhere there are none. */
import { readFileSync, writeFileSync } from 'node:fs';

export const hasProcessFigures = process.platform === 'linux';

/** A number of a file of `/proc/PID`. */
const field = (pid: number, file: string, name: string): number => {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'));
  if (found === null) throw new Error(`/proc/${pid}/${file} has no ${name}`);
  return Number(found[1]);
};

/** Clock ticks of /proc in a second. */
const TICKS = 100;

/** Bytes in memory now. */
export const residentNow = (pid: number): number => field(pid, 'status', 'VmRSS') * 1024;

/** From now on the peak is counted anew. */
export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** The most bytes in memory since the reset, or since the beginning. */
export const residentPeak = (pid: number): number => field(pid, 'status', 'VmHWM') * 1024;

/** Bytes given to write calls. */
export const writtenBytes = (pid: number): number => field(pid, 'io', 'wchar');

/** Processor time in seconds, from the fields utime and stime. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};
