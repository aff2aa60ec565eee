/**
 * The figures of the original (Prometheus 1.8.2 local storage), of its successors, and the targets set against them.
 *
 * Measured once with the same workload, in Go, on a machine of two shared cores; medians of three, and for one size
 * the best run of a quiet machine. docs/performance.md says how they are scaled to the machine at hand and what they
 * cannot tell.
 */

/** Every figure's name, unit and the direction in which it is better; all are better when smaller. */
export const figures = {
  importMs: 'import tidemark, beyond an empty program, ms',
  programMs: 'a small program: import, open, append, flush, select, close, ms',
  programMB: 'a small program, most memory, MB',
  createUs: 'create a series, µs',
  createFreshUs: 'create a series in a new process, µs',
  handleNs: 'append by handle, ns/sample',
  sameLabelsNs: 'append by labels, the same object again, ns/sample',
  freshLabelsNs: 'append by labels, fresh object and strings, ns/sample',
  batchNs: 'append in batches of 1,000, ns/sample',
  journalBytesPerSample: 'journal, bytes/sample',
  halfRateLoopP99Ms: 'event-loop delay at half the maximum rate, p99, ms',
  halfRateLoopMaxMs: 'event-loop delay at half the maximum rate, longest, ms',
  ingestLoopMaxMs: 'event-loop pause at full rate, longest, ms',
  residentMB: 'resident memory after the rounds, MB',
  residentAtRestMB: 'resident memory after a minute at rest, MB',
  residentBytesPerSeries: 'resident memory a series, bytes',
  checkpointMs: 'checkpoint, ms',
  checkpointLoopMaxMs: 'event-loop pause during a checkpoint, longest, ms',
  stopMs: 'checkpoint and close, ms',
  reopenMs: 'reopen, clean, ms',
  reopenLoopMaxMs: 'event-loop pause while reopening, longest, ms',
  shortTailReopenMs: 'reopen after a crash, short tail, ms',
  longTailReopenMs: 'reopen after a crash, long tail, ms',
  rangeMs: 'range query, ms',
  lookupMs: 'lookup of label sets, ms',
  regexMs: 'look-up by regular expressions, ms',
  queryLoopMaxMs: 'event-loop pause during queries, longest, ms',
  rangeAfterReopenMs: 'range query, first after reopen, ms',
  directoryMB: 'directory after close, MB',
  directoryBytesPerSample: 'directory after close, bytes/sample',
  seriesFileBytesPerSample: 'series files, everything persisted, bytes/sample',
} as const;

export type FigureName = keyof typeof figures;
export type Figures = Partial<Record<FigureName, number>>;

/** Figures that time or rates of a processor stand behind: these are scaled by the calibration, sizes are not. */
export const isTime = (name: FigureName): boolean => /(Ns|Us|Ms)$/.test(name);

export interface Reference {
  readonly name: string;
  readonly bySize: Readonly<Record<string, Figures>>;
}

/** The original: chunk encoding varbit, which is Tidemark's default too. It appends by labels, the same object again. */
export const original: Reference = {
  name: 'Prometheus 1.8.2',
  bySize: {
    '100000x240': {
      createUs: 6.0,
      handleNs: 1_623,
      sameLabelsNs: 1_623,
      freshLabelsNs: 1_623,
      batchNs: 1_623,
      rangeMs: 17,
      lookupMs: 36,
      regexMs: 36,
      residentMB: 477,
      stopMs: 1_300,
      reopenMs: 810,
      directoryMB: 171,
      directoryBytesPerSample: 7.1,
      // Nearly all of its directory are chunks, most of them in heads.db: persisted, the same bytes are in series files.
      seriesFileBytesPerSample: 7.1,
    },
    '10000x2400': {
      createUs: 4.4,
      handleNs: 1_256,
      rangeMs: 11,
      lookupMs: 2.5,
      residentMB: 190,
      stopMs: 200,
      reopenMs: 220,
      directoryMB: 87,
      directoryBytesPerSample: 3.6,
    },
    '1000000x12': {
      createUs: 5.3,
      handleNs: 1_906,
      rangeMs: 40,
      lookupMs: 463,
      residentMB: 6_880,
      stopMs: 7_600,
      reopenMs: 6_800,
      directoryMB: 1_213,
      directoryBytesPerSample: 101,
    },
  },
};

/** The original again, in the best run of a quiet machine. */
export const originalQuiet: Reference = {
  name: 'Prometheus 1.8.2, quiet machine',
  bySize: {
    '100000x240': {
      handleNs: 1_096,
      sameLabelsNs: 1_096,
      freshLabelsNs: 1_096,
      batchNs: 1_096,
      rangeMs: 8,
      lookupMs: 20,
      regexMs: 20,
      residentMB: 440,
      stopMs: 800,
      reopenMs: 620,
    },
  },
};

/** The write-ahead-logging successor, appending by reference; its reopening replays the log. */
export const successor: Reference = {
  name: 'Prometheus 2.8 TSDB',
  bySize: {
    '100000x240': {
      createUs: 5.9,
      handleNs: 554,
      rangeMs: 13,
      lookupMs: 69,
      residentMB: 344,
      stopMs: 10,
      reopenMs: 6_300,
      shortTailReopenMs: 6_300,
      directoryMB: 279,
    },
    '10000x2400': {
      createUs: 6.2,
      handleNs: 192,
      rangeMs: 9,
      lookupMs: 20,
      residentMB: 85,
      reopenMs: 1_200,
      directoryMB: 349,
    },
  },
};

export interface Target {
  readonly size: string;
  readonly figure: FigureName;
  /** Against whom; without it, `atMost` is a value in the figure's own unit. */
  readonly against?: Reference;
  /** The figure, or its ratio to the reference's, must not be above this. */
  readonly atMost: number;
}

const main = '100000x240';

export const targets: readonly Target[] = [
  { size: main, figure: 'handleNs', against: original, atMost: 1 / 6 },
  { size: main, figure: 'handleNs', against: successor, atMost: 1 / 2 },
  { size: main, figure: 'sameLabelsNs', against: original, atMost: 1 / 4 },
  { size: main, figure: 'freshLabelsNs', against: original, atMost: 1 },
  { size: main, figure: 'createUs', against: original, atMost: 1 },
  { size: main, figure: 'residentMB', against: original, atMost: 0.6 },
  { size: '1000000x12', figure: 'residentMB', against: original, atMost: 0.4 },
  { size: '1000000x12', figure: 'residentMB', atMost: 3_000 },
  { size: main, figure: 'reopenMs', against: original, atMost: 0.7 },
  { size: main, figure: 'shortTailReopenMs', against: successor, atMost: 0.1 },
  { size: main, figure: 'rangeMs', against: original, atMost: 0.5 },
  { size: main, figure: 'lookupMs', against: original, atMost: 0.3 },
  { size: main, figure: 'regexMs', against: original, atMost: 0.3 },
  { size: main, figure: 'seriesFileBytesPerSample', against: original, atMost: 1 },
  { size: main, figure: 'directoryBytesPerSample', against: original, atMost: 1 },
  { size: main, figure: 'halfRateLoopP99Ms', atMost: 5 },
  { size: main, figure: 'checkpointLoopMaxMs', atMost: 20 },
];

/**
 * At most these ratios to commit 7e8741d, the end of the first stage, in one alternating run; by figure, then by size. The
 * figures of a small program do not depend on the size.
 */
export const targetsAgainstFirstStage: Readonly<Partial<Record<FigureName, Readonly<Record<string, number>>>>> = {
  importMs: { '1000x10000': 0.5 },
  programMs: { '1000x10000': 0.5 },
  programMB: { '1000x10000': 0.8 },
  createUs: { '1000x10000': 0.25, '10000x2400': 0.5, '100000x240': 0.7, '1000000x12': 0.5 },
  createFreshUs: { '1000x10000': 0.25, '10000x2400': 0.5, '100000x240': 0.7, '1000000x12': 0.5 },
  handleNs: { '1000x10000': 0.9, '10000x2400': 0.7, '100000x240': 0.9 },
  batchNs: { '1000x10000': 0.7, '10000x2400': 0.6, '100000x240': 0.6 },
  residentMB: { '1000x10000': 0.5, '10000x2400': 0.55, '100000x240': 0.65, '1000000x12': 0.9 },
  residentAtRestMB: { '1000x10000': 0.4, '10000x2400': 0.45, '100000x240': 0.6 },
  reopenMs: { '1000x10000': 0.3, '10000x2400': 0.45, '100000x240': 0.6, '1000000x12': 0.7 },
  shortTailReopenMs: { '1000x10000': 0.35, '10000x2400': 0.5, '100000x240': 0.6 },
  rangeMs: { '1000x10000': 0.8, '10000x2400': 0.7, '100000x240': 0.6, '1000000x12': 0.7 },
  rangeAfterReopenMs: { '1000x10000': 0.3, '10000x2400': 0.35, '100000x240': 0.45 },
  regexMs: { '1000x10000': 0.3, '10000x2400': 0.5, '100000x240': 0.7 },
  directoryMB: { '1000x10000': 0.9, '10000x2400': 0.95, '100000x240': 0.92 },
};
