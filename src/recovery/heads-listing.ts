/** `tidemark heads`: lists the content of a directory's checkpoint, series by series. Writes nothing. */
import type { ChunkEncodingName, Progress } from '../api/api.ts';
import { encodingName, firstTimeOf, lastTimeOf } from '../chunk/decode.ts';
import { Slab } from '../chunk/slab.ts';
import type { HeadsRead, HeadsRecord } from '../disk/heads/heads.ts';
import { readHeads } from '../disk/heads/heads-reader.ts';
import { prepareDirectory } from '../disk/store-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { withTypedErrors } from '../files/typed-errors.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position } from '../model/events.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { type Labels, toLabels } from '../model/labels.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { ProgressReporter } from './progress.ts';

/** A chunk in the checkpoint, which is not in the series file yet. Times are milliseconds since the epoch. */
export interface HeadsChunk {
  readonly encoding: ChunkEncodingName;
  readonly firstTime: number;
  readonly lastTime: number;
}

/** One series of the checkpoint. */
export interface HeadsSeries {
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /** Number of chunks in the series file before the ones that the checkpoint describes; -1 when unknown. */
  readonly chunksBefore: number;
  /** Number of described chunks that are in the series file. */
  readonly chunksInFile: number;
  /** The chunks that wait to be persisted, oldest first. The last one is the head chunk. */
  readonly chunks: readonly HeadsChunk[];
}

/** Totals of the checkpoint. */
export interface HeadsListing {
  /** 1 or 2; 0 when there is no checkpoint, or none whose version can be read. */
  readonly version: number;
  readonly series: number;
  readonly bytes: number;
  /** Replay of the journal starts here. `undefined` for a checkpoint of a clean close, or of Prometheus. */
  readonly position: Position | undefined;
  /** One sentence each, with the byte offset. */
  readonly problems: readonly string[];
}

export interface HeadsListingOptions {
  readonly onSeries: (series: HeadsSeries) => void;
  /** Awaited every few milliseconds of work. The caller can write out the listed series meanwhile. */
  readonly breathe?: () => Promise<void>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
}

/**
 * Lists the checkpoint. Damage is in the result, not thrown.
 *
 * @throws {TidemarkError} `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`, `TIDEMARK_ABORTED`
 */
export const listHeads = async (directory: string, options: HeadsListingOptions): Promise<HeadsListing> => {
  const { clock = systemClock, signal, onSeries } = options;
  const fileSystem = withTypedErrors(options.fileSystem ?? nodeFileSystem);
  const { breathe = () => clock.breathe() } = options;
  const progress = new ProgressReporter(clock, options.onProgress);
  prepareDirectory(fileSystem, directory, { readOnly: true });
  const slab = new Slab();
  const onRecord = (record: HeadsRecord): void => {
    onSeries(describe(record, slab));
    for (const slot of record.slots) slab.release(slot);
  };
  const assertWanted = (): void => {
    if (signal?.aborted) throw new TidemarkError('TIDEMARK_ABORTED', 'listing the checkpoint was aborted');
  };
  assertWanted();
  const read = await readHeads(fileSystem, directory, slab, onRecord, {
    breathe: async () => {
      assertWanted();
      await breathe();
    },
    onProgress: (done, total) => progress.report('checkpoint', done, total, done),
  });
  return summarize(read);
};

const describe = (record: HeadsRecord, slab: Slab): HeadsSeries => ({
  fingerprint: fingerprintText(record.high, record.low),
  labels: toLabels(record.pairs),
  chunksBefore: record.chunkDescsOffset,
  chunksInFile: record.watermark,
  chunks: record.slots.map((slot) => {
    const encoding = slab.encoding[slot];
    const [block, offset] = [slab.blockOf(slot), slab.offsetOf(slot)];
    return {
      encoding: encodingName(encoding),
      firstTime: firstTimeOf(block, offset, encoding),
      lastTime: lastTimeOf(block, offset, encoding),
    };
  }),
});

const summarize = ({ version, seriesCount, bytes, trailer, problems }: HeadsRead): HeadsListing => ({
  version,
  series: seriesCount,
  bytes,
  position: trailer?.position,
  problems: problems.map(({ message }) => message),
});
