/**
 * Reads heads.db, versions 1 and 2, in slices: a file of any size takes a window of memory, a slice takes a few
 * milliseconds, and between slices the caller breathes. Chunks go straight into slots of the slab.
 */
import { join } from 'node:path';
import type { Slab } from '../chunk/slab.ts';
import { TextTable } from '../model/text-table.ts';
import type { FileSystem } from './file-system.ts';
import { FileWindow } from './file-window.ts';
import { HEADS_FILE, type HeadsRead, type HeadsRecord } from './heads.ts';
import { HeadsDecoder } from './heads-decoder.ts';
import { ioError } from './io-error.ts';
import { closeQuietly, openIfPresent } from './read-write.ts';

const TEXT_PLACE_BITS = 14;

export interface HeadsReadOptions {
  /** Asked after each slice, which takes about a millisecond; what it answers is awaited: it gives the event loop to the host. */
  readonly breathe?: () => Promise<void> | undefined;
  /** Told before the first record about how many there will be. */
  readonly onSeriesExpected?: (count: number) => void;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  /** Shares label text with other readers. */
  readonly texts?: TextTable;
}

const missing: HeadsRead = {
  status: 'missing',
  version: 0,
  seriesCount: 0,
  seriesExpected: 0,
  chunksWaiting: 0,
  bytes: 0,
  crc32: 0,
  damage: undefined,
  problems: [],
  problemCount: 0,
  trailer: undefined,
};

/**
 * Reads the checkpoint in a store's directory; `onRecord` takes over each record and its slots. Damage does not throw,
 * it is in the result; what the system refuses is thrown as `TIDEMARK_IO`.
 */
export const readHeads = async (
  fileSystem: FileSystem,
  directory: string,
  slab: Slab,
  onRecord: (record: HeadsRecord) => void,
  options: HeadsReadOptions = {},
): Promise<HeadsRead> => {
  const path = join(directory, HEADS_FILE);
  try {
    const fd = openIfPresent(fileSystem, path);
    if (fd === undefined) return missing;
    try {
      const window = new FileWindow(fileSystem, fd);
      const { texts = new TextTable(TEXT_PLACE_BITS), onSeriesExpected } = options;
      const decoder = new HeadsDecoder(path, window, slab, texts, { onRecord, onSeriesExpected });
      while (decoder.readSlice()) {
        options.onProgress?.(decoder.bytesDone, window.size);
        const breath = options.breathe?.();
        if (breath !== undefined) await breath;
      }
      return decoder.result();
    } finally {
      closeQuietly(fileSystem, fd);
    }
  } catch (error) {
    throw ioError(error, 'read', path);
  }
};
