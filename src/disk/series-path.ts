/**
 * Where the file of a series is: `25/94aa1de82dbd87.db` for fingerprint 2594aa1de82dbd87, below the store's directory,
 * always with lower-case digits (docs/formats/series-files.md).
 */
import { type FingerprintHalves, fingerprintText, parseFingerprint } from '../model/fingerprint.ts';

export const SERIES_FILE_SUFFIX = '.db';
/** The directory of quarantined series files. It has subdirectories like those of the series files. */
export const ORPHANED = 'orphaned';

const DIRECTORY_DIGITS = 2;
const seriesFileName = /^([0-9a-f]{14})\.db$/;
const seriesDirectory = /^[0-9a-f]{2}$/;

/** The series file's path below the store's directory, with forward slashes. */
export const seriesPath = (high: number, low: number): string => {
  const text = fingerprintText(high, low);
  return `${text.slice(0, DIRECTORY_DIGITS)}/${text.slice(DIRECTORY_DIGITS)}${SERIES_FILE_SUFFIX}`;
};

/** Names of the 256 series directories: `00` … `ff`. */
export const seriesDirectoryName = (index: number): string => index.toString(16).padStart(DIRECTORY_DIGITS, '0');

export const isSeriesDirectoryName = (name: string): boolean => seriesDirectory.test(name);

/** The fingerprint of a file in a series directory, or `undefined` when the name is not that of a series file. */
export const fingerprintOfFile = (directoryName: string, fileName: string): FingerprintHalves | undefined => {
  const digits = seriesFileName.exec(fileName)?.[1];
  return digits === undefined ? undefined : parseFingerprint(directoryName + digits);
};
