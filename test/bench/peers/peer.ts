/** What the benchmark asks of a database that a Node developer might use instead. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

export interface PeerStore {
  /** Registers the series `0` to `seriesCount` with their labels; not called on a directory that has them. */
  createSeries(seriesCount: number): Promise<void>;
  /** Stores one sample of each series. */
  appendRound(timestamps: Float64Array, values: Float64Array): Promise<void>;
  /** Everything appended is on disk afterwards. */
  flush(): Promise<void>;
  /** Runs the range query, reads every value, and returns the number of series. */
  range(): Promise<number>;
  /** Returns the number of label sets found. */
  lookup(): Promise<number>;
  regex(): Promise<number>;
  /** All samples of one series, by time. */
  read(series: number): Promise<{ readonly timestamps: Float64Array; readonly values: Float64Array }>;
  close(): Promise<void>;
}

export interface Peer {
  readonly title: string;
  /** What npm installs. */
  readonly packageSpec: string;
  /** How it is used here, for the table. */
  readonly configuration: string;
  /** `prefix` is the folder that the package is installed in. */
  open(directory: string, prefix: string): Promise<PeerStore>;
}

/** Peers are no dependencies of this project: each is loaded from where it was installed for the benchmark. */
export const requireFrom = <Module>(prefix: string, name: string): Module =>
  createRequire(join(prefix, 'package.json'))(name) as Module;

/** The conditions of the workload's queries, for stores that have no selectors. */
export const conditions = {
  rangeJob: /^job-[0-4]$/,
  regexPath: /^\/api\/v1\/resource\/.*[27]$/,
  regexNotJob: /^job-[3]$/,
} as const;
