/** The shared state of a check: the series that its parts have found, and the problems. */

import type { FileSystem } from '../files/file-system.ts';
import { FingerprintMap } from '../indexes/fingerprint-map.ts';
import { TidemarkError } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import { metricText } from '../model/metric-text.ts';
import type { Clock } from '../ports/clock.ts';
import type { ToldChanges } from './told-changes.ts';

export type CheckProblemKind =
  | 'checkpoint'
  | 'seriesFile'
  | 'archive'
  | 'labelIndex'
  | 'mappings'
  | 'journal'
  /** RETENTION or LAST_CLOSE. */
  | 'settings';

/** One problem that a check found. */
export interface CheckProblem {
  readonly kind: CheckProblemKind;
  /** One line of text that says what is wrong and where. */
  readonly message: string;
  /** The series that the problem concerns, if it concerns one. */
  readonly fingerprint?: string;
}

/** A series that the checkpoint or the archive names. */
export interface NamedSeries {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
  readonly where: 'checkpoint' | 'archive';
  /** Number of chunks that its file should have; `undefined` when unknown. */
  readonly chunksInFile: number | undefined;
  /** First time of the chunks that the checkpoint itself holds; `undefined` when it holds none. */
  readonly firstTimeInMemory: number | undefined;
  /** First time in the file when the checkpoint was written; `undefined` when unknown. */
  readonly firstTimeInFile?: number | undefined;
  /** First and last time as the archive states them. */
  readonly timeRange: { readonly firstTime: number; readonly lastTime: number } | undefined;
  readonly mtimeNs: bigint;
}

export class Check {
  readonly problems: CheckProblem[] = [];
  /** Damage that an opening for writing has handled. */
  readonly settled: CheckProblem[] = [];
  readonly series = new FingerprintMap<NamedSeries>();
  /** Changes of series files that the journal has since the checkpoint; empty if the directory was closed cleanly. */
  told: ToldChanges = { changed: new Set(), gone: new Set(), rewritten: new Set() };
  seriesCount = 0;
  chunks = 0;
  samples = 0;
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly pedantic: boolean;
  /** Not closed cleanly, or in use. Traces of a crash are then not damage, because the next opening repairs them. */
  readonly isOpen: boolean;
  /** The original had the directory last. Its chunks may overlap: it accepts older samples after its own recovery. */
  readonly isForeign: boolean;
  private readonly onProblem: ((problem: CheckProblem) => void) | undefined;
  private readonly signal: AbortSignal | undefined;

  constructor(parts: {
    readonly fileSystem: FileSystem;
    readonly directory: string;
    readonly clock: Clock;
    readonly pedantic: boolean;
    readonly isOpen: boolean;
    readonly isForeign: boolean;
    readonly onProblem: ((problem: CheckProblem) => void) | undefined;
    readonly signal: AbortSignal | undefined;
  }) {
    this.fileSystem = parts.fileSystem;
    this.directory = parts.directory;
    this.clock = parts.clock;
    this.pedantic = parts.pedantic;
    this.isOpen = parts.isOpen;
    this.isForeign = parts.isForeign;
    this.onProblem = parts.onProblem;
    this.signal = parts.signal;
  }

  note(kind: CheckProblemKind, message: string): void {
    this.put({ kind, message });
  }

  noteSettled(kind: CheckProblemKind, message: string): void {
    this.settled.push({ kind, message });
  }

  noteSeries(kind: CheckProblemKind, high: number, low: number, pairs: LabelPairs | undefined, what: string): void {
    const fingerprint = fingerprintText(high, low);
    const name = pairs === undefined ? '' : ` ${metricText(pairs)}`;
    this.put({ kind, message: `series ${fingerprint}${name}: ${what}`, fingerprint });
  }

  /** Adds a series; false when there is one with this fingerprint already. */
  add(series: NamedSeries): boolean {
    if (this.series.get(series.high, series.low) !== undefined) return false;
    this.series.set(series.high, series.low, series);
    this.seriesCount++;
    return true;
  }

  /** Gives the event loop a turn; throws when the check was aborted. */
  async breathe(): Promise<void> {
    if (this.signal?.aborted)
      throw new TidemarkError('TIDEMARK_ABORTED', 'the check was aborted', { cause: this.signal.reason });
    await this.clock.breathe();
  }

  private put(problem: CheckProblem): void {
    this.problems.push(problem);
    this.onProblem?.(problem);
  }
}
