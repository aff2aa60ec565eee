/** Durations for the doors above the library: the command line reads and shows them as the options do. */
export { durationMs, formatDuration } from '../model/duration.ts';
