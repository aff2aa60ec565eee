/**
 * RETENTION: how long the samples of a directory are kept. With it, an opening without the option does not delete
 * samples that an earlier opening was configured to keep. A directory without the file keeps everything.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { readFile, writeFileAtomically } from '../files/read-write.ts';

export const RETENTION_FILE = 'RETENTION';

const FILE_BYTES_MAX = 4096;
const OFF = 'off';

/** How long samples are kept, and how large the directory may get; Infinity for no limit. */
export interface RetentionLimits {
  readonly timeMs: number;
  readonly bytes: number;
}

export const KEEP_EVERYTHING: RetentionLimits = { timeMs: Infinity, bytes: Infinity };

/** `'damaged'` when there is a file that can't be parsed; `undefined` when there is none. */
export const readRetention = (fileSystem: FileSystem, directory: string): RetentionLimits | 'damaged' | undefined => {
  const bytes = readFile(fileSystem, join(directory, RETENTION_FILE), FILE_BYTES_MAX);
  if (bytes === undefined) return undefined;
  try {
    const limits = JSON.parse(Buffer.from(bytes).toString()) as { timeMs?: unknown; bytes?: unknown } | null;
    const timeMs = limitOf(limits?.timeMs);
    const size = limitOf(limits?.bytes);
    return timeMs === undefined || size === undefined ? 'damaged' : { timeMs, bytes: size };
  } catch {
    return 'damaged';
  }
};

/** Writes the file durably. Throws `TIDEMARK_IO` or `TIDEMARK_DISK_FULL`. */
export const writeRetention = (fileSystem: FileSystem, directory: string, { timeMs, bytes }: RetentionLimits): void => {
  const text = `${JSON.stringify({ timeMs: shown(timeMs), bytes: shown(bytes) })}\n`;
  try {
    writeFileAtomically(fileSystem, directory, RETENTION_FILE, Buffer.from(text), 0o644);
  } catch (error) {
    throw ioError(error, 'write', join(directory, RETENTION_FILE));
  }
};

const shown = (limit: number): number | typeof OFF => (limit === Infinity ? OFF : limit);

const limitOf = (value: unknown): number | undefined => {
  if (value === OFF) return Infinity;
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : undefined;
};
