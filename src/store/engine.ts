/**
 * Wires the parts of a store that don't depend on the directory's content. Opening, running and closing are in separate
 * files beside this one; they share this object.
 */
import { join } from 'node:path';
import { Subject } from 'rxjs';
import type { Actor } from 'xstate';
import type { storeMachine } from '../../machines/store.machine.ts';
import { KeyedMutex } from '../async/keyed-mutex.ts';
import { Turn } from '../async/turn.ts';
import type { Slab } from '../chunk/slab.ts';
import { KEEP_EVERYTHING } from '../disk/retention-memory.ts';
import { SeriesFiles } from '../disk/series-files/series-file.ts';
import {
  inlineSeriesFileWorker,
  type SeriesFileWorker,
  startSeriesFileThread,
} from '../disk/series-files/series-file-worker.ts';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { OverlayFileSystem } from '../files/overlay-file-system.ts';
import { withTypedErrors } from '../files/typed-errors.ts';
import type { KeyValueStores } from '../indexes/key-value-store.ts';
import { levelStores } from '../indexes/level-stores.ts';
import { FingerprintMapper } from '../model/collisions.ts';
import type { TidemarkError } from '../model/errors.ts';
import { TextTable } from '../model/text-table.ts';
import type { Clock } from '../ports/clock.ts';
import { guardLogger, type Logger } from '../ports/logger.ts';
import type { Random } from '../ports/random.ts';
import { Admission } from '../series/admission.ts';
import type { ChunkCache } from '../series/chunk-cache.ts';
import type { ErasedRanges } from '../series/erased-ranges.ts';
import { Inspection } from '../series/inspection.ts';
import type { LateSamples } from '../series/late-samples.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { createSeriesMemory, type SeriesMemory } from '../series/series-memory.ts';
import type { SeriesTable } from '../series/table.ts';
import type { ResolvedOptions } from './options.ts';
import type { RetentionChoice } from './retention-choice.ts';

/** Room for 16,384 texts. Label values that repeat over many series are far fewer. */
const TEXT_PLACE_BITS = 14;

/** The parts that exist before the directory is opened. */
export class Engine implements SeriesMemory {
  readonly directory: string;
  readonly journalDirectory: string;
  readonly options: ResolvedOptions;
  readonly random: Random;
  readonly clock: Clock;
  /** What queries share of the turns of the event loop. */
  readonly turn: Turn;
  readonly logger: Logger;
  /** The file system of the store. For a read-only store it is an overlay that keeps every change in memory. */
  readonly fileSystem: FileSystem;
  /** The real file system, for files outside the store and for files that another process writes. */
  readonly outside: FileSystem;
  readonly stores: KeyValueStores;
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly late: LateSamples;
  readonly erased: ErasedRanges;
  readonly fileKeys = new KeyedMutex<string>();
  readonly mapper = new FingerprintMapper();
  /** Label texts shared by new series, the indexes and the reader of the checkpoint. */
  readonly texts = new TextTable(TEXT_PLACE_BITS);
  readonly admission = new Admission();
  /** Set when the directory is opened. */
  retention: RetentionChoice = { limits: KEEP_EVERYTHING, remembered: undefined, change: undefined };
  readonly inspection: Inspection;
  /** Series files, accessed on this thread: for recovery, and for the rare reads that an append must wait for. */
  readonly seriesFiles: SeriesFiles;
  readonly files: SeriesFileWorker;
  /** Emits when an append or event begins to wait for a commit and none waited before. */
  readonly journalPending$ = new Subject<void>();
  /** Called with every batch that was written to the indexes. */
  onIndexBatch: (batch: { readonly operationCount: number; readonly durationMs: number }) => void = () => {};
  /** Called with the first error when the journal can't be written. */
  onJournalError: (error: TidemarkError) => void = () => {};

  constructor(directory: string, options: ResolvedOptions) {
    this.outside = withTypedErrors(options.fileSystem ?? nodeFileSystem);
    // Resolve symbolic links now: a link may be changed while the store is open.
    this.directory = this.outside.realPath?.(directory) ?? directory;
    this.journalDirectory = join(this.directory, 'journal');
    this.options = options;
    this.clock = options.clock;
    this.turn = new Turn(this.clock);
    this.random = options.random;
    this.logger = guardLogger(options.logger);
    this.fileSystem = options.readOnly ? new OverlayFileSystem(this.outside, options.clock) : this.outside;
    this.stores = options.keyValueStores ?? levelStores;
    ({
      table: this.table,
      slab: this.slab,
      chunks: this.chunks,
      cache: this.cache,
      late: this.late,
      erased: this.erased,
    } = createSeriesMemory(options.encoding));
    this.inspection = new Inspection((error) =>
      this.logger.warn({ err: error }, 'An inspection observer failed and was removed.'),
    );
    this.seriesFiles = new SeriesFiles(this.fileSystem, this.directory, this.slab);
    const isReal = options.fileSystem === undefined && !options.readOnly;
    this.files = isReal
      ? startSeriesFileThread(this.directory, this.slab, this.turn)
      : inlineSeriesFileWorker(this.fileSystem, this.directory, this.slab);
  }
}

export type StoreActor = Actor<typeof storeMachine>;
