/**
 * Reads heads.db, versions 1 and 2, in slices. A file of any size needs only the memory of one window. A slice takes a
 * millisecond or two, and between slices the event loop is free. Chunks go straight into slots of the slab.
 */
import { join } from 'node:path';
import type { Slab } from '../../chunk/slab.ts';
import { CrcWindow } from '../../files/crc-window.ts';
import type { FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { closeQuietly, openIfPresent } from '../../files/read-write.ts';
import { TextTable } from '../../model/text-table.ts';
import { HEADS_FILE, type HeadsRead, type HeadsRecord } from './heads.ts';
import { HeadsDecoder } from './heads-decoder.ts';

const TEXT_PLACE_BITS = 14;

export interface HeadsReadOptions {
  /**
   * Called after each slice, which takes about a millisecond. Its promise is awaited, so that the host gets the event
   * loop.
   */
  readonly breathe?: () => Promise<void> | undefined;
  /** Called before the first record with the approximate number of series. */
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
 * Reads the checkpoint in a store's directory; `onRecord` takes over each record and its slots. Damage does not throw:
 * it is in the result. A system error throws `TIDEMARK_IO`.
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
      const window = new CrcWindow(fileSystem, fd);
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
