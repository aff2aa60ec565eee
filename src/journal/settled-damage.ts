/**
 * journal/SETTLED_DAMAGE: what is damaged in the journal's files and has been dealt with. An opening for writing reads what
 * is sound, tells what is lost and goes on; the damaged bytes stay until their segment is removed, because readers still need
 * the sound records around them. Without this note they would be reported as new damage for as long.
 *
 * The file is a note, not a source of truth: when it is missing or damaged, everything is told once more.
 */
import { join } from 'node:path';
import type { FileSystem } from '../disk/file-system.ts';
import { readFile, removeIfPresent, writeFileAtomically } from '../disk/read-write.ts';
import type { JournalFinding } from './findings.ts';

export const SETTLED_DAMAGE_FILE = 'SETTLED_DAMAGE';

const VERSION = 1;
const FILE_BYTES_MAX = 1 << 20;
/** More than this many findings are not noted: they are reported again. */
export const FINDINGS_MAX = 4096;

/** The findings that are noted in the journal's directory. */
export const readSettledDamage = (fileSystem: FileSystem, directory: string): readonly JournalFinding[] => {
  const bytes = readFile(fileSystem, join(directory, SETTLED_DAMAGE_FILE), FILE_BYTES_MAX);
  if (bytes === undefined) return [];
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as { version?: unknown; findings?: unknown } | null;
    if (value?.version !== VERSION || !Array.isArray(value.findings)) return [];
    return value.findings.filter(isFinding);
  } catch {
    return [];
  }
};

/** Notes these findings, durably, in place of those before. */
export const writeSettledDamage = (
  fileSystem: FileSystem,
  directory: string,
  findings: readonly JournalFinding[],
): void => {
  if (findings.length === 0) {
    removeIfPresent(fileSystem, join(directory, SETTLED_DAMAGE_FILE));
    return;
  }
  let bytes = encode(findings.slice(0, FINDINGS_MAX));
  for (let count = FINDINGS_MAX; bytes.length > FILE_BYTES_MAX; count >>= 1) bytes = encode(findings.slice(0, count));
  writeFileAtomically(fileSystem, directory, SETTLED_DAMAGE_FILE, bytes);
};

const encode = (findings: readonly JournalFinding[]): Buffer =>
  Buffer.from(`${JSON.stringify({ version: VERSION, findings })}\n`);

/**
 * Whether a finding is noted: of the same kind, in the same file, within the same range. How it was worded does not
 * matter: which record is the first bad one depends on where a reader begins.
 */
export const isSettled = (settled: readonly JournalFinding[], finding: JournalFinding): boolean =>
  settled.some(
    (one) => one.kind === finding.kind && fileOf(one) === fileOf(finding) && covers(rangeOf(one), rangeOf(finding)),
  );

const fileOf = (finding: JournalFinding): string => ('file' in finding ? finding.file : '');

interface Range {
  readonly from: number;
  readonly to: number;
}

const EVERYTHING: Range = { from: 0, to: Number.MAX_SAFE_INTEGER };

const rangeOf = (finding: JournalFinding): Range =>
  'from' in finding && 'to' in finding ? { from: finding.from, to: finding.to } : EVERYTHING;

const covers = (outer: Range, inner: Range): boolean => outer.from <= inner.from && inner.to <= outer.to;

const isFinding = (value: unknown): value is JournalFinding =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  typeof value.kind === 'string' &&
  (!('file' in value) || typeof value.file === 'string') &&
  (!('from' in value) || typeof value.from === 'number') &&
  (!('to' in value) || typeof value.to === 'number');
