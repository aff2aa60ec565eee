/**
 * Everything that can be wrong with a journal. Each kind of finding has one outcome, which docs/formats/journal.md,
 * "Damage", states.
 */
import type { Position } from '../../model/events.ts';

export type JournalFinding =
  /** A crash interrupted the writing of the last record. Nothing in it was acknowledged; it is cut off. */
  | {
      readonly kind: 'tornTail';
      readonly file: string;
      readonly offset: number;
      readonly bytes: number;
      readonly from: Position;
    }
  /** Bytes that are no valid record, followed by valid ones. Their content is lost; the other records are read. */
  | {
      readonly kind: 'badRecord';
      readonly file: string;
      readonly offset: number;
      readonly from: Position;
      readonly to: Position;
      readonly reason: string;
    }
  /** A whole record of a kind that this version does not know. It is skipped. */
  | {
      readonly kind: 'unknownRecord';
      readonly file: string;
      readonly offset: number;
      readonly from: Position;
      readonly to: Position;
      readonly recordKind: number;
    }
  /** Records between these positions existed, but no file has them. */
  | { readonly kind: 'missingSegment'; readonly from: Position; readonly to: Position }
  /** Positions that a later segment has too. They are read once, from the later segment. */
  | { readonly kind: 'duplicatedSegment'; readonly file: string; readonly from: Position; readonly to: Position }
  /** A segment file without a whole header: a crash came right after the file was created. It holds nothing. */
  | { readonly kind: 'emptySegment'; readonly file: string; readonly bytes: number }
  /** The header is damaged. The file's name gives the start instead; carried references are lost. */
  | { readonly kind: 'damagedHeader'; readonly file: string; readonly reason: string }
  /** Not a segment of this journal. It is left alone. */
  | { readonly kind: 'foreignFile'; readonly file: string; readonly reason: string }
  /** Samples whose series is unknown, because the record that defined its reference is lost. */
  | {
      readonly kind: 'unresolvedReference';
      readonly file: string;
      readonly from: Position;
      readonly to: Position;
      readonly samples: number;
    };

export type FindingListener = (finding: JournalFinding) => void;

/** Whether records were lost that the journal once had. */
export const losesRecords = ({ kind }: JournalFinding): boolean => kind === 'badRecord' || kind === 'missingSegment';

/** Describes a finding in one line of text. */
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
      return `${finding.file}: damaged header (${finding.reason}); the file's name gives its position`;
    case 'foreignFile':
      return `${finding.file}: not a segment of this journal (${finding.reason}); left alone`;
    case 'unresolvedReference':
      return `${finding.file}: ${finding.samples} samples at positions ${finding.from} to ${finding.to} are of unknown series: the record that named them is lost`;
    default:
      return finding satisfies never;
  }
};
