/**
 * Prepares the end of a journal for writing: cuts off an unfinished last record, removes files that hold nothing, and
 * decides where the next record goes. Only the newest segment is read. Bytes that may not be durable are synced.
 *
 * The next segment starts after every byte that was ever written, valid or not, and after every position that other
 * files are known to mention. So no position is used twice. The segment's header states where the records before it
 * ended; the gap between is not damage. For example: the last valid record ends at 800, a torn one follows to 950, and
 * an index has reached 900. The file is cut at 800, and the next segment starts at 950 with "previous end" 800.
 */
import type { FileSystem } from '../../files/file-system.ts';
import { copyContent } from '../../files/read-write.ts';
import { TidemarkError } from '../../model/errors.ts';
import type { Position } from '../../model/events.ts';
import { parseSegmentName } from '../format/segment-header.ts';
import type { JournalFinding } from '../read/journal-findings.ts';
import { listSegments, physicalEnd, SET_ASIDE_SUFFIX, type SegmentEntry } from '../read/segment-list.ts';
import { SegmentReader } from '../read/segment-reader.ts';
import { journalDefaults } from './journal-options.ts';
import type { ClosedSegment } from './segment-files.ts';

/** Bytes that are written again with one write. */
const WRITE_AGAIN_BYTES = 1 << 20;

export interface JournalTail {
  /** `undefined` for a journal that does not exist yet. */
  readonly storeId: string | undefined;
  readonly segments: readonly ClosedSegment[];
  /** Where the last existing record ends. */
  readonly end: Position;
  /** Where the next record goes. */
  readonly start: Position;
  readonly findings: readonly JournalFinding[];
}

/** `isAfterCrash`: the previous process did not close the journal. */
export const prepareTail = (
  fileSystem: FileSystem,
  directory: string,
  notBefore: Position,
  isAfterCrash: boolean,
): JournalTail => {
  const { storeId, segments, findings: listed } = listSegments(fileSystem, directory);
  const findings = [...listed];
  refuseOtherVersions(listed);
  let start = notBefore;
  for (const finding of listed) {
    if (finding.kind !== 'emptySegment') continue;
    start = Math.max(start, parseSegmentName(finding.file) ?? 0);
    fileSystem.remove(`${directory}/${finding.file}`);
  }
  for (const segment of segments) start = Math.max(start, segment.start);
  const last = segments.at(-1);
  if (last === undefined) return { storeId, segments: [], end: start, start, findings };

  const { recordsEnd, bytesEnd, isBlank } = cutTail(fileSystem, last, findings);
  const closed = segments.map((segment, index) => ({
    start: segment.start,
    end: index + 1 < segments.length ? Math.min(segments[index + 1].start, physicalEnd(segment)) : recordsEnd,
    bytes: segment === last ? segment.headerBytes + recordsEnd - segment.start : segment.bytes,
  }));
  secureRecent(fileSystem, directory, segments, { recordsEnd, isWrittenAgain: isAfterCrash });
  if (recordsEnd === last.start) {
    // The last segment holds no records, and a new segment with the same start needs its name. If its header is damaged
    // it may hold records that a person can still recover, so it is renamed. It is removed if it is blank, as a crash
    // right after its creation leaves it.
    if (last.header === undefined && !isBlank) fileSystem.rename(last.path, last.path + SET_ASIDE_SUFFIX);
    else fileSystem.remove(last.path);
    closed.pop();
  }
  const end = recordsEnd === last.start ? last.previousEnd : recordsEnd;
  return { storeId, segments: closed, end, start: Math.max(start, bytesEnd), findings };
};

/** Refuses to continue a journal that a later version wrote. */
const refuseOtherVersions = (findings: readonly JournalFinding[]): void => {
  const other = findings.find((finding) => finding.kind === 'foreignFile' && finding.reason.startsWith('version '));
  if (other === undefined || other.kind !== 'foreignFile') return;
  throw new TidemarkError(
    'TIDEMARK_UNSUPPORTED_VERSION',
    `journal segment ${other.file} has ${other.reason}; this program writes version 1`,
    { details: { file: other.file } },
  );
};

const cutTail = (
  fileSystem: FileSystem,
  segment: SegmentEntry,
  findings: JournalFinding[],
): { recordsEnd: Position; bytesEnd: Position; isBlank: boolean } => {
  const reader = new SegmentReader(fileSystem, segment, (finding) => findings.push(finding));
  try {
    while (reader.next(Number.POSITIVE_INFINITY));
    const { offset, bytes, isPadding } = reader.tail();
    const recordsEnd = reader.position;
    const isBlank = recordsEnd === segment.start && (bytes === 0 || isPadding);
    if (bytes === 0) return { recordsEnd, bytesEnd: recordsEnd, isBlank };
    if (!isPadding) findings.push({ kind: 'tornTail', file: segment.file, offset, bytes, from: recordsEnd });
    if (segment.header === undefined && recordsEnd === segment.start) {
      return { recordsEnd, bytesEnd: recordsEnd + bytes, isBlank };
    }
    cut(fileSystem, segment.path, offset);
    return { recordsEnd, bytesEnd: isPadding ? recordsEnd : recordsEnd + bytes, isBlank };
  } finally {
    reader.close();
  }
};

/**
 * Makes the records durable that the previous process wrote last. After a crash they may be only in the page cache. New
 * records will be acknowledged in other files; without this, a loss of power could keep the new ones and lose the old.
 *
 * A sync alone is not enough. If a sync failed in the crashed process, the kernel reported the error there and may have
 * marked the pages clean, so a new sync would not write them. Therefore, after a crash, the same bytes are written once
 * more, which makes the pages dirty again.
 */
const secureRecent = (
  fileSystem: FileSystem,
  directory: string,
  segments: readonly SegmentEntry[],
  { recordsEnd, isWrittenAgain }: { readonly recordsEnd: Position; readonly isWrittenAgain: boolean },
): void => {
  const unconfirmedFrom = recordsEnd - journalDefaults.unconfirmedBytesMax;
  const buffer = new Uint8Array(isWrittenAgain ? WRITE_AGAIN_BYTES : 0);
  for (const segment of segments) {
    const isLast = segment === segments.at(-1);
    if (!isLast && physicalEnd(segment) < unconfirmedFrom) continue;
    const descriptor = fileSystem.open(segment.path, 'readWrite');
    try {
      if (isWrittenAgain) {
        const begin = unconfirmedFrom <= segment.start ? 0 : offsetOf(segment, unconfirmedFrom);
        const end = isLast ? offsetOf(segment, recordsEnd) : segment.bytes;
        copyContent(fileSystem, descriptor, descriptor, buffer, { begin, end });
      }
      fileSystem.dataSyncBlocking(descriptor);
    } finally {
      fileSystem.close(descriptor);
    }
  }
  fileSystem.syncDirectory(directory);
};

const offsetOf = ({ start, headerBytes }: SegmentEntry, position: Position): number => headerBytes + position - start;

const cut = (fileSystem: FileSystem, path: string, bytes: number): void => {
  const descriptor = fileSystem.open(path, 'readWrite');
  try {
    fileSystem.truncate(descriptor, bytes);
    fileSystem.dataSyncBlocking(descriptor);
  } finally {
    fileSystem.close(descriptor);
  }
};
