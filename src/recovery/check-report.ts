/** Where the parts of a check put what they find. */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { TidemarkError } from '../errors.ts';
import { FingerprintMap } from '../index/fingerprint-map.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import { metricText } from '../model/metric-text.ts';
import type { ToldChanges } from './told-changes.ts';

export type CheckProblemKind = 'checkpoint' | 'seriesFile' | 'archive' | 'labelIndex' | 'mappings' | 'journal';

/** Something that is not as it should be. */
export interface CheckProblem {
  readonly kind: CheckProblemKind;
  /** One line for people: what, and where. */
  readonly message: string;
  /** The series, where there is one. */
  readonly fingerprint?: string;
}

/** A series that the checkpoint or the archive names. */
export interface NamedSeries {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
  readonly where: 'checkpoint' | 'archive';
  /** Chunks that its file should have; `undefined` when nothing says. */
  readonly chunksInFile: number | undefined;
  /** First time of what is in memory only; `undefined` when nothing is. */
  readonly firstTimeInMemory: number | undefined;
  /** First time of the file when the checkpoint was written; `undefined` when nothing says. */
  readonly firstTimeInFile?: number | undefined;
  /** As the archive has it. */
  readonly timeRange: { readonly firstTime: number; readonly lastTime: number } | undefined;
  readonly mtimeNs: bigint;
}

/** What all parts of a check share. */
export class Check {
  readonly problems: CheckProblem[] = [];
  /** Damage that an opening for writing has dealt with. */
  readonly settled: CheckProblem[] = [];
  readonly series = new FingerprintMap<NamedSeries>();
  /** What the journal tells of files since the checkpoint; nothing of a directory that was closed in order. */
  told: ToldChanges = { changed: new Set(), gone: new Set() };
  seriesCount = 0;
  chunks = 0;
  samples = 0;
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly pedantic: boolean;
  /** Not closed in order, or in use: then what a crash leaves is no damage, the next opening puts it right. */
  readonly isOpen: boolean;
  /** The original had the directory last: chunks may overlap, because it takes older samples after a recovery of its own. */
  readonly isForeign: boolean;
  /**
   * The original was killed in the directory. It has no journal, so nothing tells which series files its retention has
   * shortened or deleted since its checkpoint.
   */
  readonly changesAreUntold: boolean;
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
    this.changesAreUntold = parts.isForeign && parts.isOpen;
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

  /** Takes a series; false when there is one with this fingerprint. */
  add(series: NamedSeries): boolean {
    if (this.series.get(series.high, series.low) !== undefined) return false;
    this.series.set(series.high, series.low, series);
    this.seriesCount++;
    return true;
  }

  /** Gives the event loop to the host; throws when the check was aborted. */
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
