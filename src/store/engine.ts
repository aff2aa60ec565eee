/**
 * All parts of an open store, wired: who knows whom is decided here and nowhere else. Opening, running and closing are
 * in files of their own beside this one; what they share is this object.
 */
import { join } from 'node:path';
import { Subject } from 'rxjs';
import type { Actor } from 'xstate';
import type { storeMachine } from '../../machines/store.machine.ts';
import { ChunkAppender } from '../chunk/append.ts';
import { Slab } from '../chunk/slab.ts';
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { nodeFileSystem } from '../disk/node-file-system.ts';
import { OverlayFileSystem } from '../disk/overlay-file-system.ts';
import { KEEP_EVERYTHING } from '../disk/retention-memory.ts';
import { SeriesFiles } from '../disk/series-file.ts';
import { inlineSeriesFileWorker, type SeriesFileWorker, startSeriesFileThread } from '../disk/series-file-worker.ts';
import { withTypedErrors } from '../disk/typed-errors.ts';
import type { TidemarkError } from '../errors.ts';
import type { KeyValueStores } from '../index/key-value-store.ts';
import { levelStores } from '../index/level-stores.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { guardLogger, type Logger } from '../logger.ts';
import { FingerprintMapper } from '../model/collisions.ts';
import { TextTable } from '../model/text-table.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Random } from '../random.ts';
import { Admission } from '../series/admission.ts';
import { ChunkCache } from '../series/chunk-cache.ts';
import { Inspection } from '../series/inspection.ts';
import { MemoryChunks } from '../series/memory-chunks.ts';
import { SeriesTable } from '../series/table.ts';
import type { RetentionChoice } from './retention-choice.ts';

/** 16,384 texts: values that repeat over many series are far fewer. */
const TEXT_PLACE_BITS = 14;

/** What exists before the directory is opened, whatever it holds. */
export class Engine {
  readonly directory: string;
  readonly journalDirectory: string;
  readonly options: ResolvedOptions;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the store lives on: for a read-only store an overlay that keeps every change in memory. */
  readonly fileSystem: FileSystem;
  /** The real one, for what goes elsewhere. */
  readonly outside: FileSystem;
  readonly stores: KeyValueStores;
  readonly slab = new Slab();
  readonly table = new SeriesTable();
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly fileKeys = new KeyedMutex<string>();
  readonly mapper = new FingerprintMapper();
  /** Label text that the indexes and the checkpoint's reader share. */
  readonly texts = new TextTable(TEXT_PLACE_BITS);
  readonly admission = new Admission();
  /** Settled when the directory is opened. */
  retention: RetentionChoice = { limits: KEEP_EVERYTHING, remembered: undefined, loweredFrom: undefined };
  readonly inspection: Inspection;
  /** Series files, on this thread: for recovery, and for the rare question that an append must have answered at once. */
  readonly seriesFiles: SeriesFiles;
  readonly files: SeriesFileWorker;
  /** Emits when something waits to be committed and nothing did before. */
  readonly journalPending$ = new Subject<void>();
  /** Told of every batch that the indexes took. */
  onIndexBatch: (batch: { readonly operationCount: number; readonly durationMs: number }) => void = () => {};
  /** Told of the first error of a journal that can't be written. */
  onJournalError: (error: TidemarkError) => void = () => {};

  constructor(directory: string, options: ResolvedOptions) {
    this.outside = withTypedErrors(options.fileSystem ?? nodeFileSystem);
    // A symbolic link may point elsewhere later, while the store is open.
    this.directory = this.outside.realPath?.(directory) ?? directory;
    this.journalDirectory = join(this.directory, 'journal');
    this.options = options;
    this.clock = options.clock;
    this.random = options.random;
    this.logger = guardLogger(options.logger);
    this.fileSystem = options.readOnly ? new OverlayFileSystem(this.outside, options.clock) : this.outside;
    this.stores = options.keyValueStores ?? levelStores;
    this.chunks = new MemoryChunks(
      this.table,
      this.slab,
      new ChunkAppender(this.slab, { defaultEncoding: options.encoding }),
    );
    this.cache = new ChunkCache(this.slab);
    this.inspection = new Inspection((error) =>
      this.logger.warn({ err: error }, 'An inspection observer failed and was removed.'),
    );
    this.seriesFiles = new SeriesFiles(this.fileSystem, this.directory, this.slab);
    const isReal = options.fileSystem === undefined && !options.readOnly;
    this.files = isReal
      ? startSeriesFileThread(this.directory, this.slab)
      : inlineSeriesFileWorker(this.fileSystem, this.directory, this.slab);
    this.slab.onBlockAdded = (buffer) => this.files.addBlock(buffer);
  }
}

export type StoreActor = Actor<typeof storeMachine>;
