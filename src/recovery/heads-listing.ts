/** `tidemark heads`: what the checkpoint of a directory holds, series by series. Writes nothing. */
import type { ChunkEncodingName, Progress } from '../api.ts';
import { DELTA, DOUBLE_DELTA, type Encoding, VARBIT } from '../chunk/chunk.ts';
import { firstTimeOf, lastTimeOf } from '../chunk/decode.ts';
import { Slab } from '../chunk/slab.ts';
import { type Clock, systemClock } from '../clock.ts';
import { prepareDirectory } from '../disk/directory.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { HeadsRead, HeadsRecord } from '../disk/heads.ts';
import { readHeads } from '../disk/heads-reader.ts';
import { nodeFileSystem } from '../disk/node-file-system.ts';
import { withTypedErrors } from '../disk/typed-errors.ts';
import { TidemarkError } from '../errors.ts';
import type { Position } from '../model/events.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { type Labels, toLabels } from '../model/labels.ts';
import { ProgressReporter } from './progress.ts';

/** A chunk that the checkpoint itself holds: it is in no series file yet. Times are milliseconds since the epoch. */
export interface HeadsChunk {
  readonly encoding: ChunkEncodingName;
  readonly firstTime: number;
  readonly lastTime: number;
}

/** One series of the checkpoint. */
export interface HeadsSeries {
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /** Chunks of the series file that come before those described here; -1 when unknown. */
  readonly chunksBefore: number;
  /** Described chunks that are in the series file. */
  readonly chunksInFile: number;
  /** The chunks that wait to be written, oldest first; the last one is the head. */
  readonly chunks: readonly HeadsChunk[];
}

/** What the checkpoint came to in all. */
export interface HeadsListing {
  /** 1 or 2; 0 when there is no checkpoint, or none whose version can be read. */
  readonly version: number;
  readonly series: number;
  readonly bytes: number;
  /** Replay of the journal starts here; absent in a checkpoint that was written at a clean close, or by Prometheus. */
  readonly position: Position | undefined;
  /** One sentence each, with the byte offset. */
  readonly problems: readonly string[];
}

export interface HeadsListingOptions {
  readonly onSeries: (series: HeadsSeries) => void;
  /** Awaited every few milliseconds of work: a time to write out what was listed. */
  readonly breathe?: () => Promise<void>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
}

const encodingNames: Readonly<Record<Encoding, ChunkEncodingName>> = {
  [DELTA]: 'delta',
  [DOUBLE_DELTA]: 'double-delta',
  [VARBIT]: 'varbit',
};

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
    const encoding = slab.encoding[slot] as Encoding;
    const [block, offset] = [slab.blockOf(slot), slab.offsetOf(slot)];
    return {
      encoding: encodingNames[encoding],
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
