/**
 * The requests to a series-file worker, and its answers: plain data that can be sent between threads. {@link
 * runRequests} is the only place where requests become calls, for the thread and for the inline worker.
 */
import type { Slot } from '../../chunk/slab.ts';
import { codeOf, type ErrorCode, TidemarkError } from '../../model/errors.ts';
import type { LabelPairs } from '../../model/labels.ts';
import type { PersistResult } from './append-records.ts';
import type { ChecksumReport } from './chunk-checksums.ts';
import type { DropAndPersist, DropResult } from './drop-and-persist.ts';
import type { MergeRecords, MergeResult } from './merge-records.ts';
import type { SeriesDirectoryScan } from './series-directory.ts';
import type { LoadOptions, SeriesFiles } from './series-file.ts';
import type { Slots } from './series-file-access.ts';
import type { ChunkDescriptors, DoubtfulChunk, Verification } from './series-file-reader.ts';
import type { SeriesFileStat } from './series-record.ts';

interface OfSeries {
  readonly high: number;
  readonly low: number;
}

/** The slots in a request must not change until its outcome has arrived. */
export type SeriesFileRequest =
  | (OfSeries & {
      readonly kind: 'persist';
      readonly slots: Slots;
      readonly encodings: Uint8Array;
      readonly sync: boolean;
    })
  | (DropAndPersist & { readonly kind: 'dropAndPersist' })
  | (MergeRecords & { readonly kind: 'merge' })
  | (OfSeries & {
      readonly kind: 'load';
      readonly firstIndex: number;
      readonly slots: Slots;
    } & LoadOptions)
  | (OfSeries & {
      readonly kind: 'loadDoubtful';
      readonly index: number;
      readonly slot: Slot;
      /** Last time of the chunk before it, and first time of the chunk after it. */
      readonly after: number;
      readonly before: number;
      /** Whether comparing the file with its checksums found the chunk damaged. */
      readonly isDamaged?: boolean;
      readonly isVerified: boolean;
    })
  | (OfSeries & {
      readonly kind: 'descriptors';
      readonly skipFromEnd: number;
      readonly passOverTornEnd?: boolean;
      readonly verification?: Verification | undefined;
    })
  | (OfSeries & { readonly kind: 'remove' })
  | (OfSeries & { readonly kind: 'quarantine'; readonly reason: string; readonly pairs: LabelPairs | undefined })
  | (OfSeries & { readonly kind: 'stat' })
  | (OfSeries & { readonly kind: 'truncate'; readonly chunks: number })
  | (OfSeries & { readonly kind: 'sync' })
  | { readonly kind: 'syncDirectories' }
  | { readonly kind: 'syncChecksums' }
  | { readonly kind: 'scan'; readonly index: number }
  | { readonly kind: 'deleteJunk'; readonly index: number; readonly names: readonly string[] };

/** The answer to each kind of request; {@link SeriesFiles} documents the calls. */
export interface SeriesFileAnswers {
  readonly persist: PersistResult;
  readonly dropAndPersist: DropResult;
  readonly merge: MergeResult;
  /** Encodings of the chunks that are now in the slots. */
  readonly load: Uint8Array;
  readonly loadDoubtful: DoubtfulChunk;
  readonly descriptors: ChunkDescriptors;
  /** Chunks that the file had. */
  readonly remove: number;
  /** Path after the move, below the store's directory. */
  readonly quarantine: string | undefined;
  readonly stat: SeriesFileStat | undefined;
  readonly truncate: SeriesFileStat;
  readonly sync: undefined;
  readonly syncDirectories: undefined;
  readonly syncChecksums: ChecksumReport;
  readonly scan: SeriesDirectoryScan;
  /** Names that could not be deleted. */
  readonly deleteJunk: readonly string[];
}

export type SeriesFileRequestKind = SeriesFileRequest['kind'];

/** An error as data. */
export interface SeriesFileFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Code of the system's error, for example `ENOSPC`. */
  readonly systemCode: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

export type SeriesFileOutcome<Kind extends SeriesFileRequestKind = SeriesFileRequestKind> =
  | { readonly ok: true; readonly value: SeriesFileAnswers[Kind] }
  | { readonly ok: false; readonly error: SeriesFileFailure };

/** One outcome for each request, in their order. */
export type SeriesFileOutcomes<Requests extends readonly SeriesFileRequest[]> = {
  readonly [Index in keyof Requests]: SeriesFileOutcome<Requests[Index]['kind']>;
};

/**
 * Runs requests one after the other. A request that fails does not stop those after it.
 *
 * The syncs of appended chunks come after all other work. By then the operating system has begun to write, and one wait
 * for the disk covers many files. A batch then takes less than half the time.
 */
export const runRequests = (
  files: SeriesFiles,
  requests: readonly SeriesFileRequest[],
): readonly SeriesFileOutcome[] => {
  const outcomes = requests.map((request) =>
    runRequest(files, request.kind === 'persist' ? { ...request, sync: false } : request),
  );
  return requests.map((request, index) => {
    const outcome = outcomes[index];
    if (request.kind !== 'persist' || !request.sync || !outcome.ok) return outcome;
    return syncAppended(files, request, outcome as PersistOutcome);
  });
};

/** The value of an outcome. Throws the error of a failed one. */
export const answerOf = <Kind extends SeriesFileRequestKind>(
  outcome: SeriesFileOutcome<Kind>,
): SeriesFileAnswers[Kind] => {
  if (outcome.ok) return outcome.value;
  throw toError(outcome.error);
};

/** Makes an error of its data. */
export const toError = ({ code, message, systemCode: system, details }: SeriesFileFailure): TidemarkError =>
  new TidemarkError(code, message, { details: system === undefined ? details : { ...details, systemCode: system } });

type PersistOutcome = SeriesFileOutcome & { readonly value: PersistResult };

const syncAppended = (files: SeriesFiles, { high, low }: OfSeries, outcome: PersistOutcome): SeriesFileOutcome => {
  try {
    files.sync(high, low);
    return outcome;
  } catch (error) {
    files.takeBack(high, low, outcome.value.firstIndex);
    return { ok: false, error: toFailure(error) };
  }
};

const runRequest = (files: SeriesFiles, request: SeriesFileRequest): SeriesFileOutcome => {
  try {
    return { ok: true, value: call(files, request) };
  } catch (error) {
    return { ok: false, error: toFailure(error) };
  }
};

const call = (files: SeriesFiles, request: SeriesFileRequest): SeriesFileAnswers[SeriesFileRequestKind] => {
  switch (request.kind) {
    case 'persist':
      return files.persist(request.high, request.low, request.slots, request.encodings, request.sync);
    case 'dropAndPersist':
      return files.dropAndPersist(request);
    case 'merge':
      return files.merge(request);
    case 'load':
      return files.load(request.high, request.low, request.firstIndex, request.slots, request);
    case 'loadDoubtful':
      return files.loadDoubtful(request.high, request.low, request.index, request.slot, request, request.isVerified);
    case 'descriptors':
      return files.loadDescriptors(
        request.high,
        request.low,
        request.skipFromEnd,
        request.passOverTornEnd,
        request.verification,
      );
    case 'remove':
      return files.remove(request.high, request.low);
    case 'quarantine':
      return files.quarantine(request.high, request.low, request.reason, request.pairs);
    case 'stat':
      return files.stat(request.high, request.low);
    case 'truncate':
      return files.truncateTo(request.high, request.low, request.chunks);
    case 'sync':
      files.sync(request.high, request.low);
      return undefined;
    case 'syncDirectories':
      files.syncDirectories();
      return undefined;
    case 'syncChecksums':
      return files.syncChecksums();
    case 'scan':
      return files.scan(request.index);
    case 'deleteJunk':
      return files.deleteJunk(request.index, request.names);
  }
};

const toFailure = (error: unknown): SeriesFileFailure => {
  if (error instanceof TidemarkError) {
    return { code: error.code, message: error.message, systemCode: codeOf(error.cause), details: error.details };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'TIDEMARK_INTERNAL', message, systemCode: codeOf(error), details: {} };
};
