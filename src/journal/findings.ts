/**
 * What can be wrong with a journal, by name. Each has one outcome, stated in docs/formats/journal.md, "Damage".
 */
import type { Position } from '../model/events.ts';

export type JournalFinding =
  /** The last record was not written whole: the crash came first. Nothing in it was acknowledged; it is cut off. */
  | {
      readonly kind: 'tornTail';
      readonly file: string;
      readonly offset: number;
      readonly bytes: number;
      readonly from: Position;
    }
  /** Bytes that are no valid record, with valid ones after them. What they held is lost, the rest is read. */
  | {
      readonly kind: 'badRecord';
      readonly file: string;
      readonly offset: number;
      readonly from: Position;
      readonly to: Position;
      readonly reason: string;
    }
  /** A whole record of a kind that this version does not know. It is passed over. */
  | {
      readonly kind: 'unknownRecord';
      readonly file: string;
      readonly offset: number;
      readonly from: Position;
      readonly to: Position;
      readonly recordKind: number;
    }
  /** Records that were there are in no file. */
  | { readonly kind: 'missingSegment'; readonly from: Position; readonly to: Position }
  /** Positions that a later segment holds as well. They are read there, once. */
  | { readonly kind: 'duplicatedSegment'; readonly file: string; readonly from: Position; readonly to: Position }
  /** A segment file without a whole header: the crash came right after it was created. It holds nothing. */
  | { readonly kind: 'emptySegment'; readonly file: string; readonly bytes: number }
  /** The header is damaged. Name and records stand in for it; carried references are lost. */
  | { readonly kind: 'damagedHeader'; readonly file: string; readonly reason: string }
  /** Not a segment of this journal. It is left alone. */
  | { readonly kind: 'foreignFile'; readonly file: string; readonly reason: string }
  /** Samples whose series can't be told, because the record that named it is lost. */
  | {
      readonly kind: 'unresolvedReference';
      readonly file: string;
      readonly from: Position;
      readonly to: Position;
      readonly samples: number;
    };

export type FindingListener = (finding: JournalFinding) => void;

/** One line about a finding, for people. */
export const describeFinding = (finding: JournalFinding): string => {
  switch (finding.kind) {
    case 'tornTail':
      return `${finding.file}: the last ${finding.bytes} bytes, from offset ${finding.offset} on, are an unfinished record`;
    case 'badRecord':
      return `${finding.file}: no valid record at offset ${finding.offset} (${finding.reason}); positions ${finding.from} to ${finding.to} are lost`;
    case 'unknownRecord':
      return `${finding.file}: record of unknown kind ${finding.recordKind} at offset ${finding.offset}, passed over`;
    case 'missingSegment':
      return `positions ${finding.from} to ${finding.to} are in no file`;
    case 'duplicatedSegment':
      return `${finding.file}: positions ${finding.from} to ${finding.to} are in a later segment too and read there`;
    case 'emptySegment':
      return `${finding.file}: ${finding.bytes} bytes, no whole header; it holds nothing`;
    case 'damagedHeader':
      return `${finding.file}: damaged header (${finding.reason}); its records are read by the file's name`;
    case 'foreignFile':
      return `${finding.file}: not a segment of this journal (${finding.reason}); left alone`;
    case 'unresolvedReference':
      return `${finding.file}: ${finding.samples} samples at positions ${finding.from} to ${finding.to} belong to series that a lost record named`;
    default:
      return finding satisfies never;
  }
};
