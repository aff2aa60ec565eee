/**
 * The files of the lifecycle history: the lifecycle events of segments that have been removed
 * (docs/formats/journal.md, "History").
 *
 *     offset  bytes  content
 *     0       8      magic 89 54 44 48 0d 0a 1a 0a ("\x89TDH\r\n\x1a\n")
 *     8       4      version, 1
 *     12      8      store id
 *     20      8      position of the first record
 *     28      4      CRC-32 of bytes 0 to 28
 *     32      …      records, framed as in a segment; the checksum's seed uses the file offset less 32 as position
 *
 * The payload is the record's journal position (int64, little endian), followed by the payload of an events record, as
 * it is or deflated (deflated-events.ts). The payload of a history mark is a position only: the journal before that
 * position has been moved into the history.
 */
import { crc32 } from 'node:zlib';
import type { FileSystem } from '../../files/file-system.ts';
import { readFile } from '../../files/read-write.ts';
import type { Position } from '../../model/events.ts';
import { readInt64LE, writeInt64LE } from '../../model/int64.ts';
import { DEFLATED_EVENTS, EVENTS, HISTORY_MARK } from '../format/record-frame.ts';
import type { FindingListener } from '../read/journal-findings.ts';
import { SegmentReader } from '../read/segment-reader.ts';
import { inflateEvents } from './deflated-events.ts';

export const HISTORY_HEADER_BYTES = 32;
/** Length of the journal position that begins each payload. */
export const HISTORY_POSITION_BYTES = 8;
const VERSION = 1;
const CRC_OFFSET = 28;
const MAGIC = Buffer.from([0x89, 0x54, 0x44, 0x48, 0x0d, 0x0a, 0x1a, 0x0a]);

export interface HistoryFile {
  readonly file: string;
  readonly path: string;
  readonly first: Position;
  readonly bytes: number;
  readonly storeId: string;
}

export const historyDirectory = (journalDirectory: string): string => `${journalDirectory}/history`;

export const historyFileName = (first: Position): string => `${first.toString(16).padStart(16, '0')}.history`;

export const encodeHistoryHeader = (storeId: string, first: Position): Buffer => {
  const bytes = Buffer.alloc(HISTORY_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.write(storeId, 12, 8, 'hex');
  writeInt64LE(bytes, 20, first);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_OFFSET)), CRC_OFFSET);
  return bytes;
};

/** Every history file, oldest first. Other files and directories are reported and left alone. */
export const listHistory = (
  fileSystem: FileSystem,
  journalDirectory: string,
  onFinding?: FindingListener,
): HistoryFile[] => {
  const directory = historyDirectory(journalDirectory);
  if (fileSystem.stat(directory) === undefined) return [];
  const files: HistoryFile[] = [];
  for (const { name, isDirectory } of fileSystem.readDirectory(directory)) {
    const path = `${directory}/${name}`;
    const header = isDirectory ? undefined : decodeHeader(readFile(fileSystem, path, HISTORY_HEADER_BYTES));
    if (header === undefined) {
      onFinding?.({ kind: 'foreignFile', file: `history/${name}`, reason: 'no header of a history file' });
      continue;
    }
    files.push({ ...header, file: `history/${name}`, path, bytes: fileSystem.stat(path)?.size ?? 0 });
  }
  return files.sort((a, b) => a.first - b.first);
};

/** Opens a history file to read its records. */
export const openHistory = (fileSystem: FileSystem, file: HistoryFile, onFinding?: FindingListener): SegmentReader =>
  new SegmentReader(
    fileSystem,
    { ...file, start: 0, previousEnd: 0, header: undefined, headerBytes: HISTORY_HEADER_BYTES },
    onFinding,
  );

/** Whether history files have records of this kind. */
export const isHistoryKind = (kind: number): boolean => isEventsKind(kind) || kind === HISTORY_MARK;

const isEventsKind = (kind: number): boolean => kind === EVENTS || kind === DEFLATED_EVENTS;

/** Whether the record that the reader of {@link openHistory} found is one of a history file. */
export const isHistoryRecord = ({ kind, payloadStart, payloadEnd }: SegmentReader): boolean =>
  isHistoryKind(kind) && payloadEnd - payloadStart >= HISTORY_POSITION_BYTES;

/** Whether the record that the reader found is one of a history file and has events. */
export const hasEvents = (reader: SegmentReader): boolean => isEventsKind(reader.kind) && isHistoryRecord(reader);

/**
 * The payload of the events record that the reader found, as it was in the journal. Throws {@link MalformedBytes}.
 * Valid until the reader moves on.
 */
export const historyPayload = ({ kind, buffer, payloadStart, payloadEnd }: SegmentReader): Buffer => {
  const payload = buffer.subarray(payloadStart + HISTORY_POSITION_BYTES, payloadEnd);
  return kind === DEFLATED_EVENTS ? inflateEvents(payload) : payload;
};

/** The journal position of the record that the reader found. */
export const historyPosition = ({ buffer, payloadStart }: SegmentReader): Position => readInt64LE(buffer, payloadStart);

const decodeHeader = (
  found: Uint8Array | undefined,
): { readonly storeId: string; readonly first: Position } | undefined => {
  if (found === undefined || found.length < HISTORY_HEADER_BYTES) return undefined;
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.length);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || bytes.readUInt32LE(8) !== VERSION) return undefined;
  if (crc32(bytes.subarray(0, CRC_OFFSET)) !== bytes.readUInt32LE(CRC_OFFSET)) return undefined;
  return { storeId: bytes.toString('hex', 12, 20), first: readInt64LE(bytes, 20) };
};
