/**
 * Makes the end of a journal ready for writing: cuts an unfinished last record, removes files that hold nothing, and
 * says where the next record goes. Only the newest segment with a header is read; what may not be on the disk is synced.
 *
 * The next segment starts behind every byte that was ever written, valid or not, and behind every position that other
 * files are known to have seen, so that no position is ever given out twice. Its header remembers where the records
 * before it ended; the gap between is not damage.
 */
import type { FileSystem } from '../disk/file-system.ts';
import { copyContent } from '../disk/read-write.ts';
import { TidemarkError } from '../errors.ts';
import type { Position } from '../model/events.ts';
import type { JournalFinding } from './findings.ts';
import { journalDefaults } from './journal-options.ts';
import type { ClosedSegment } from './segment-files.ts';
import { parseSegmentName } from './segment-header.ts';
import { listSegments, physicalEnd, SET_ASIDE_SUFFIX, type SegmentEntry } from './segment-list.ts';
import { SegmentReader } from './segment-reader.ts';

/** Written again at a stretch. */
const WRITE_AGAIN_BYTES = 1 << 20;

export interface JournalTail {
  /** `undefined` for a journal that does not exist yet. */
  readonly storeId: string | undefined;
  readonly segments: readonly ClosedSegment[];
  /** Where the records that are there end. */
  readonly end: Position;
  /** Where the next record goes. */
  readonly start: Position;
  readonly findings: readonly JournalFinding[];
}

/** `isAfterCrash`: the process before did not close it. */
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
    // It would keep its name from the segment that starts where it does. One whose header is damaged may hold records
    // that somebody can still make sense of; a crash right after it was created leaves no bytes of any.
    if (last.header === undefined && !isBlank) fileSystem.rename(last.path, last.path + SET_ASIDE_SUFFIX);
    else fileSystem.remove(last.path);
    closed.pop();
  }
  const end = recordsEnd === last.start ? last.previousEnd : recordsEnd;
  return { storeId, segments: closed, end, start: Math.max(start, bytesEnd), findings };
};

/** A directory that a later version wrote is not to be continued by this one. */
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
 * What a process that died had written may be nowhere but in the page cache. The records that follow are acknowledged
 * on top of it, in other files: without this, a loss of power could leave them and take what came before. To sync is not
 * enough: if that failed in the process that died, the system has told nobody else and takes the pages for written. So
 * after a crash the bytes are written once more, as they are, which makes them due again.
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
