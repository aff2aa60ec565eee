/**
 * Lists every series file of a store's directory, as columns, independent of the checkpoint and the indexes. Everything
 * else in the series directories is deleted, as the original does: leftovers of rewriting, unknown names, empty
 * directories. A file whose name differs only by capital hex digits is kept, because neither program opens it.
 */
import type { SeriesDirectoryScan } from '../disk/series-files/series-directory.ts';
import { answerOf } from '../disk/series-files/series-file-requests.ts';
import type { SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import { RECORD_BYTES } from '../disk/series-files/series-record.ts';
import { seriesDirectoryName } from '../disk/series-path.ts';
import { FingerprintMap } from '../indexes/fingerprint-map.ts';
import type { RecoveryFindings } from './recovery-findings.ts';

const DIRECTORIES = 256;
const DIRECTORIES_PER_BATCH = 8;
const otherCase = /^[0-9a-fA-F]{14}\.db$/;

/** Index of a file in the columns; -1 for none. */
export type FileIndex = number;
export const NO_FILE: FileIndex = -1;

export class SeriesScan {
  readonly highs: number[] = [];
  readonly lows: number[] = [];
  /** File sizes in bytes. */
  readonly sizes: number[] = [];
  readonly mtimesNs: bigint[] = [];
  /** For each file, whether the checkpoint or the archive names its series. */
  private readonly claimed: boolean[] = [];
  private readonly byFingerprint = new FingerprintMap<FileIndex>();
  /** Total size of all files in bytes. */
  bytes = 0;

  get size(): number {
    return this.highs.length;
  }

  find(high: number, low: number): FileIndex {
    return this.byFingerprint.get(high, low) ?? NO_FILE;
  }

  /** Number of whole records in a file. */
  chunksOf(file: FileIndex): number {
    return Math.floor(this.sizes[file] / RECORD_BYTES);
  }

  trailingBytesOf(file: FileIndex): number {
    return this.sizes[file] % RECORD_BYTES;
  }

  claim(file: FileIndex): void {
    this.claimed[file] = true;
  }

  isClaimed(file: FileIndex): boolean {
    return this.claimed[file];
  }

  /** The files that nothing has claimed. */
  unclaimed(): FileIndex[] {
    const files: FileIndex[] = [];
    for (let file = 0; file < this.size; file++) if (!this.claimed[file]) files.push(file);
    return files;
  }

  add({ highs, lows, sizes, mtimesNs }: SeriesDirectoryScan): void {
    for (let i = 0; i < highs.length; i++) {
      this.byFingerprint.set(highs[i], lows[i], this.size);
      this.highs.push(highs[i]);
      this.lows.push(lows[i]);
      this.sizes.push(sizes[i]);
      this.mtimesNs.push(mtimesNs[i]);
      this.claimed.push(false);
      this.bytes += sizes[i];
    }
  }
}

/** Lists all series directories and deletes everything that is not a series file. */
export const scanSeriesFiles = async (
  files: SeriesFileWorker,
  findings: RecoveryFindings,
  onProgress: (done: number, total: number) => void,
): Promise<SeriesScan> => {
  const scan = new SeriesScan();
  for (let start = 0; start < DIRECTORIES; start += DIRECTORIES_PER_BATCH) {
    const indexes = Array.from({ length: DIRECTORIES_PER_BATCH }, (_, i) => start + i);
    const outcomes = await files.run(indexes.map((index) => ({ kind: 'scan', index }) as const));
    for (const [i, outcome] of outcomes.entries()) {
      const found = answerOf(outcome);
      scan.add(found);
      await clean(files, findings, indexes[i], found.junk);
    }
    onProgress(start + DIRECTORIES_PER_BATCH, DIRECTORIES);
  }
  return scan;
};

const clean = async (
  files: SeriesFileWorker,
  findings: RecoveryFindings,
  index: number,
  junk: readonly string[],
): Promise<void> => {
  const directory = seriesDirectoryName(index);
  const names = junk.filter((name) => !otherCase.test(name));
  for (const name of junk.filter((name) => otherCase.test(name)))
    findings.note(
      'junkKept',
      { file: `${directory}/${name}` },
      'A file name has capital hex digits; neither Tidemark nor Prometheus opens the file.',
    );
  if (names.length === 0) return;
  const [outcome] = await files.run([{ kind: 'deleteJunk', index, names }]);
  const kept = new Set(answerOf(outcome));
  for (const name of names) {
    const file = `${directory}/${name}`;
    if (kept.has(name)) findings.note('junkKept', { file }, 'An entry that is no series file could not be deleted.');
    else findings.note('junkDeleted', { file }, 'An entry that is no series file was deleted.');
  }
};
