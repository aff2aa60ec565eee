/**
 * Lists the segments of a journal's directory: each one with its header, ordered by start. Other files are returned as
 * findings. Only headers are read.
 */
import type { FileSystem } from '../../files/file-system.ts';
import { ioError, isMissing } from '../../files/io-error.ts';
import { openIfPresent, readFully } from '../../files/read-write.ts';
import { RESERVE_FILE } from '../../files/reserve-file.ts';
import type { Position } from '../../model/events.ts';
import {
  decodeSegmentHeader,
  hasMagic,
  isKnownVersion,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  storeIdOf,
} from '../format/segment-header.ts';
import type { JournalFinding } from './journal-findings.ts';
import { SETTLED_DAMAGE_FILE } from './settled-damage.ts';

export interface SegmentEntry {
  readonly file: string;
  readonly path: string;
  readonly start: Position;
  /** Where the journal's records ended when the segment was begun; the segment's start when its header is damaged. */
  readonly previousEnd: Position;
  /** Size of the file when it was listed. */
  readonly bytes: number;
  /** `undefined` when the header is damaged. */
  readonly header: SegmentHeader | undefined;
  readonly headerBytes: number;
  readonly storeId: string;
}

export interface SegmentList {
  /** `undefined` when there is no segment. */
  readonly storeId: string | undefined;
  /** Ordered by start; no two start at the same position. */
  readonly segments: readonly SegmentEntry[];
  readonly findings: readonly JournalFinding[];
}

/** Other files and directories that belong in a journal's directory. */
const KNOWN_NAMES = new Set([
  'history',
  'subscriptions',
  RESERVE_FILE,
  SETTLED_DAMAGE_FILE,
  `${SETTLED_DAMAGE_FILE}.tmp`,
]);

/** Appended to the name of a segment that could not be read. The file is kept so that a person can examine it. */
export const SET_ASIDE_SUFFIX = '.damaged';

export const listSegments = (fileSystem: FileSystem, directory: string): SegmentList => {
  const findings: JournalFinding[] = [];
  const candidates: SegmentEntry[] = [];
  if (fileSystem.stat(directory) === undefined) return { storeId: undefined, segments: [], findings };
  for (const { name, isDirectory } of fileSystem.readDirectory(directory)) {
    if (KNOWN_NAMES.has(name) || name.endsWith(`.journal${SET_ASIDE_SUFFIX}`)) continue;
    if (isDirectory || !name.endsWith('.journal')) {
      findings.push({ kind: 'foreignFile', file: name, reason: 'not the name of a segment' });
      continue;
    }
    const result = readEntry(fileSystem, directory, name);
    // The process that writes the journal may have removed the file meanwhile.
    if (result === undefined) continue;
    if ('kind' in result) findings.push(result);
    else candidates.push(result);
  }
  const storeId = prevailingStoreId(candidates);
  const segments = withoutDuplicates(ownSegments(candidates, storeId, findings), findings);
  return { storeId, segments, findings };
};

/** The position at the end of a segment's file, whether its bytes are valid records or not. */
export const physicalEnd = (segment: SegmentEntry): Position =>
  segment.start + Math.max(0, segment.bytes - segment.headerBytes);

const readEntry = (
  fileSystem: FileSystem,
  directory: string,
  file: string,
): SegmentEntry | JournalFinding | undefined => {
  const path = `${directory}/${file}`;
  const descriptor = openIfPresent(fileSystem, path);
  if (descriptor === undefined) return undefined;
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  let fileBytes: number;
  try {
    fileBytes = fileSystem.statOpen(descriptor).size;
    readFully(fileSystem, descriptor, bytes, 0, bytes.length, 0);
  } catch (error) {
    // A file system that opens a file at its first read finds only now that the file is gone.
    if (isMissing(error)) return undefined;
    throw ioError(error, 'read', path);
  } finally {
    fileSystem.close(descriptor);
  }
  if (fileBytes < SEGMENT_HEADER_BYTES) return { kind: 'emptySegment', file, bytes: fileBytes };
  const header = decodeSegmentHeader(bytes);
  if (header === undefined) return withoutHeader(file, path, fileBytes, bytes);
  if (!isKnownVersion(header)) return { kind: 'foreignFile', file, reason: `version ${header.version}` };
  const headerBytes = SEGMENT_HEADER_BYTES + 8 * header.carriedCount;
  const { start, previousEnd, storeId } = header;
  return { file, path, start, previousEnd, bytes: fileBytes, header, headerBytes, storeId };
};

/** The entry of a segment whose header is damaged. The start comes from the file's name. */
const withoutHeader = (file: string, path: string, fileBytes: number, bytes: Buffer): SegmentEntry | JournalFinding => {
  const start = parseSegmentName(file);
  if (start === undefined) {
    return {
      kind: 'foreignFile',
      file,
      reason: hasMagic(bytes) ? 'damaged header and no position in its name' : 'no segment header',
    };
  }
  return {
    file,
    path,
    start,
    previousEnd: start,
    bytes: fileBytes,
    header: undefined,
    headerBytes: SEGMENT_HEADER_BYTES,
    storeId: storeIdOf(bytes),
  };
};

/**
 * The store id that most segments have; between equal counts, that of the newest segment. Segments with a damaged
 * header count only if no header is whole.
 */
const prevailingStoreId = (candidates: readonly SegmentEntry[]): string | undefined => {
  const whole = candidates.filter(({ header }) => header !== undefined);
  const counts = new Map<string, { segments: number; newest: Position }>();
  for (const { storeId, start } of whole.length > 0 ? whole : candidates) {
    const count = counts.get(storeId) ?? { segments: 0, newest: 0 };
    counts.set(storeId, { segments: count.segments + 1, newest: Math.max(count.newest, start) });
  }
  const ranked = [...counts].sort(([, a], [, b]) => b.segments - a.segments || b.newest - a.newest);
  return ranked[0]?.[0];
};

const ownSegments = (
  candidates: readonly SegmentEntry[],
  storeId: string | undefined,
  findings: JournalFinding[],
): SegmentEntry[] => {
  const own: SegmentEntry[] = [];
  for (const entry of candidates) {
    if (entry.header === undefined) {
      findings.push({ kind: 'damagedHeader', file: entry.file, reason: 'checksum mismatch' });
      own.push({ ...entry, storeId: storeId ?? entry.storeId });
    } else if (entry.storeId === storeId) {
      own.push(entry);
    } else {
      findings.push({ kind: 'foreignFile', file: entry.file, reason: `it belongs to the store ${entry.storeId}` });
    }
  }
  return own.sort((a, b) => a.start - b.start);
};

/**
 * Keeps one of the segments that start at the same position: first choice is a segment with a whole header, then one
 * whose name states its start, then the longest.
 */
const withoutDuplicates = (sorted: readonly SegmentEntry[], findings: JournalFinding[]): SegmentEntry[] => {
  const kept: SegmentEntry[] = [];
  for (const entry of sorted) {
    const previous = kept.at(-1);
    if (previous?.start !== entry.start) {
      kept.push(entry);
      continue;
    }
    const better = rank(entry) > rank(previous) ? entry : previous;
    const other = better === entry ? previous : entry;
    kept[kept.length - 1] = better;
    findings.push({ kind: 'duplicatedSegment', file: other.file, from: other.start, to: physicalEnd(other) });
  }
  return kept;
};

const rank = (entry: SegmentEntry): number =>
  (entry.header === undefined ? 0 : 2 ** 51) +
  (parseSegmentName(entry.file) === entry.start ? 2 ** 50 : 0) +
  entry.bytes;
