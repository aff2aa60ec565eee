/**
 * The content of `orphaned/`: the series files that Tidemark or the original put into quarantine, and their hints
 * (docs/formats/directory.md).
 */
import { join, posix } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { entriesOf, readFile } from '../../files/read-write.ts';
import type { Fingerprint } from '../../model/fingerprint.ts';
import type { LabelPairs } from '../../model/labels.ts';
import { isSeriesDirectoryName, ORPHANED, SERIES_FILE_SUFFIX } from '../series-path.ts';
import { parseHint } from './hint.ts';
import { HINT_SUFFIX } from './quarantine-file.ts';

/** More than any labels and reason need. */
const HINT_BYTES_MAX = 256 * 1024;
/** Digits of a fingerprint in the file's name. The others name the directory. */
const DIGITS = 14;
/** The digits, and a number if a series was quarantined more than once. */
const quarantinedName = /^([0-9a-f]{14})(-\d+)?\.(?:db|hint)$/;

export interface QuarantinedFile {
  readonly fingerprint: Fingerprint;
  /** `undefined` when the hint does not say which series it was. */
  readonly pairs: LabelPairs | undefined;
  readonly reason: string;
  /**
   * When it was quarantined, milliseconds since the epoch: the modification time of the hint, or of the file without a
   * hint.
   */
  readonly time: number;
  /** Path of the series file below the store's directory; `undefined` when there is none. */
  readonly file: string | undefined;
  readonly bytes: number;
}

/** Lists everything in quarantine at once, in the order of {@link quarantinedFiles}. */
export const listQuarantined = (fileSystem: FileSystem, directory: string): QuarantinedFile[] => [
  ...quarantinedFiles(fileSystem, directory),
];

/**
 * Everything in quarantine, sorted by fingerprint, and for one series the first file before later ones: `-2` before
 * `-10`. Each step reads one file's hint.
 */
export function* quarantinedFiles(fileSystem: FileSystem, directory: string): Generator<QuarantinedFile> {
  try {
    for (const digits of namesIn(fileSystem, join(directory, ORPHANED)).filter(isSeriesDirectoryName).sort()) {
      const names = namesIn(fileSystem, join(directory, ORPHANED, digits));
      const bases = new Set(
        names.filter((name) => quarantinedName.test(name)).map((name) => name.replace(/\.\w+$/, '')),
      );
      for (const base of [...bases].sort(inOrder)) {
        const entry = describe(fileSystem, directory, digits, base);
        if (entry !== undefined) yield entry;
      }
    }
  } catch (error) {
    throw ioError(error, 'list', join(directory, ORPHANED));
  }
}

const inOrder = (a: string, b: string): number => {
  const [first, second] = [a.slice(0, DIGITS), b.slice(0, DIGITS)];
  if (first !== second) return first < second ? -1 : 1;
  return numberOf(a) - numberOf(b);
};

/** The number after the digits; 0 if there is none. */
const numberOf = (base: string): number => Number(base.slice(DIGITS + 1));

const describe = (
  fileSystem: FileSystem,
  directory: string,
  digits: string,
  base: string,
): QuarantinedFile | undefined => {
  const file = posix.join(ORPHANED, digits, base + SERIES_FILE_SUFFIX);
  const hintPath = join(directory, ORPHANED, digits, base + HINT_SUFFIX);
  const fileStat = fileSystem.stat(join(directory, file));
  const hintStat = fileSystem.stat(hintPath);
  const stat = hintStat ?? fileStat;
  if (stat === undefined) return undefined;
  const hint = parseHint(Buffer.from(readFile(fileSystem, hintPath, HINT_BYTES_MAX) ?? []).toString());
  return {
    fingerprint: digits + base.slice(0, DIGITS),
    pairs: hint.pairs,
    reason: hint.reason,
    time: Number(stat.mtimeNs / 1_000_000n),
    file: fileStat === undefined ? undefined : file,
    bytes: fileStat?.size ?? 0,
  };
};

const namesIn = (fileSystem: FileSystem, path: string): string[] => entriesOf(fileSystem, path).map(({ name }) => name);
