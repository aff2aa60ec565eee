/**
 * Saves the sound chunks of a damaged series file:
 *
 *   1. The whole file is copied to quarantine, with a hint that says what is wrong.
 *   2. The sound chunks are written to a temporary file.
 *   3. The temporary file is renamed over the series file.
 *
 * Each step is durable before the next, and the series file is unchanged until the last step. After a crash in between,
 * the next recovery starts from step 1; at worst this leaves a second copy in quarantine.
 *
 * A chunk is sound when all its samples can be read and agree with its header. It need not begin after the end of the
 * chunk before: the original accepts older samples after its own recovery (merge-series.ts).
 */
import { join } from 'node:path';
import { SampleColumns, VARBIT } from '../chunk/chunk.ts';
import { decodeStored, usedBytesOf } from '../chunk/decode.ts';
import { copyToQuarantine } from '../disk/quarantine/quarantine-file.ts';
import { recordProblem } from '../disk/series-files/series-file-reader.ts';
import {
  BATCH_RECORDS,
  HEADER_BYTES,
  RECORD_BYTES,
  recordFirstTime,
  recordLastTime,
} from '../disk/series-files/series-record.ts';
import { seriesPath } from '../disk/series-path.ts';
import type { FileDescriptor, FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { closeAfter, closeQuietly, readFully, replaceFile, writeFully } from '../files/read-write.ts';
import { isDamage } from '../model/errors.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { RecoveryFindings } from './recovery-findings.ts';

/** Most problems that a hint describes. */
const PROBLEMS_MAX = 10;
/** Offset of the number of payload bits in a varbit chunk. */
const VARBIT_NEXT = 36;
/** Length of a varbit chunk's header. */
const VARBIT_HEADER_BYTES = 38;

export interface SalvageParts {
  readonly fileSystem: FileSystem;
  /** The store's directory. */
  readonly directory: string;
}

/** The problem of one record of a series file. */
export interface RecordProblem {
  readonly index: number;
  readonly problem: string;
}

export interface FileVerdict {
  readonly records: number;
  readonly samples: number;
  readonly problems: readonly RecordProblem[];
}

/** Reads all whole records of a file, and decodes each chunk to its end. Writes nothing. */
export const examineRecords = ({ fileSystem, directory }: SalvageParts, high: number, low: number): FileVerdict => {
  const problems: RecordProblem[] = [];
  const judge = new RecordJudge();
  let records = 0;
  eachRecord(fileSystem, join(directory, seriesPath(high, low)), (bytes, at, index) => {
    records++;
    const problem = judge.problemOf(bytes, at);
    if (problem !== undefined) problems.push({ index, problem });
  });
  return { records, samples: judge.samples, problems };
};

/** Copies the file to quarantine, rewrites it with its sound chunks only, and notes that. */
export const salvage = (
  { fileSystem, directory, findings }: SalvageParts & { readonly findings: RecoveryFindings },
  high: number,
  low: number,
  pairs: LabelPairs | undefined,
  { problems, records }: FileVerdict,
): void => {
  const path = seriesPath(high, low);
  const what = describeProblems(problems, records);
  const copy = copyToQuarantine(fileSystem, directory, path, what, pairs);
  const unsound = new Set(problems.map(({ index }) => index));
  const full = join(directory, path);
  try {
    replaceFile(
      fileSystem,
      full,
      (temporary) => fileSystem.open(temporary, 'truncate'),
      (fd) =>
        eachRecord(fileSystem, full, (bytes, at, index) => {
          if (!unsound.has(index)) writeFully(fileSystem, fd, bytes, at, RECORD_BYTES, null);
        }),
    );
    fileSystem.syncDirectory(join(full, '..'));
  } catch (error) {
    throw ioError(error, 'rewrite', full);
  }
  const message = `${what}. The others are kept; the file as it was is ${copy}.`;
  findings.noteSeries('salvaged', high, low, pairs, message);
};

/** Describes the problems of a file in one line. */
export const describeProblems = (problems: readonly RecordProblem[], records: number): string => {
  const shown = problems.slice(0, PROBLEMS_MAX).map(({ index, problem }) => `chunk ${index}: ${problem}`);
  const more = problems.length > PROBLEMS_MAX ? `, and ${problems.length - PROBLEMS_MAX} more` : '';
  return `${problems.length} of ${records} chunks are damaged (${shown.join('; ')}${more})`;
};

/**
 * Completes a file's torn last record if only its unused bytes are missing: a chunk that is not full does not use its
 * last bytes. The chunk must be readable to its end, agree with its header, and begin after the chunk before has ended.
 * Otherwise the file stays as it is, and the result is false.
 */
export const completeTail = (
  { fileSystem, directory }: SalvageParts,
  high: number,
  low: number,
  chunks: number,
  trailingBytes: number,
): boolean => {
  const path = join(directory, seriesPath(high, low));
  if (trailingBytes <= HEADER_BYTES) return false;
  const record = new Uint8Array(RECORD_BYTES);
  const start = chunks * RECORD_BYTES;
  try {
    const fd = fileSystem.open(path, 'readWrite');
    return closeAfter(fileSystem, fd, () => {
      if (readFully(fileSystem, fd, record, 0, trailingBytes, start) < trailingBytes) return false;
      if (new RecordJudge().problemOf(record, 0) !== undefined) return false;
      if (chunks > 0 && recordFirstTime(record, 0) <= lastTimeAt(fileSystem, fd, chunks - 1)) return false;
      if (HEADER_BYTES + meaningfulBytes(record) > trailingBytes) return false;
      writeFully(fileSystem, fd, record, trailingBytes, RECORD_BYTES - trailingBytes, start + trailingBytes);
      fileSystem.syncBlocking(fd);
      return true;
    });
  } catch (error) {
    throw ioError(error, 'complete', path);
  }
};

/** The last time in the header of a chunk in a file. */
const lastTimeAt = (fileSystem: FileSystem, fd: FileDescriptor, index: number): number => {
  const header = new Uint8Array(HEADER_BYTES);
  readFully(fileSystem, fd, header, 0, HEADER_BYTES, index * RECORD_BYTES);
  return recordLastTime(header, 0);
};

/** How many bytes of the record's chunk are needed to read it. */
const meaningfulBytes = (record: Uint8Array): number => {
  if (record[0] !== VARBIT) return usedBytesOf(record, HEADER_BYTES, record[0]);
  const bits = (record[HEADER_BYTES + VARBIT_NEXT] << 8) | record[HEADER_BYTES + VARBIT_NEXT + 1];
  return Math.max(VARBIT_HEADER_BYTES, Math.ceil(bits / 8));
};

/** Finds the problems of records, and counts the samples of sound ones. */
class RecordJudge {
  samples = 0;
  private readonly columns = new SampleColumns(1024);

  problemOf(bytes: Uint8Array, at: number): string | undefined {
    const problem = recordProblem(bytes, at) ?? this.unreadable(bytes, at);
    if (problem !== undefined) return problem;
    this.samples += this.columns.count;
    return undefined;
  }

  private unreadable(bytes: Uint8Array, at: number): string | undefined {
    const { columns } = this;
    columns.count = 0;
    try {
      decodeStored(bytes, at + HEADER_BYTES, bytes[at], columns);
    } catch (error) {
      if (isDamage(error)) return error.message;
      throw error;
    }
    return columns.count === 0 ? 'it has no samples' : undefined;
  }
}

const eachRecord = (
  fileSystem: FileSystem,
  path: string,
  visit: (bytes: Uint8Array, at: number, index: number) => void,
): void => {
  const buffer = new Uint8Array(BATCH_RECORDS * RECORD_BYTES);
  try {
    const fd = fileSystem.open(path, 'read');
    try {
      for (let index = 0; ; ) {
        const found = readFully(fileSystem, fd, buffer, 0, buffer.length, index * RECORD_BYTES);
        for (let at = 0; at + RECORD_BYTES <= found; at += RECORD_BYTES) visit(buffer, at, index++);
        if (found < buffer.length) return;
      }
    } finally {
      closeQuietly(fileSystem, fd);
    }
  } catch (error) {
    throw ioError(error, 'read', path);
  }
};
