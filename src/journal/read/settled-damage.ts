/**
 * journal/SETTLED_DAMAGE lists damage in the journal's files that has been handled. Opening a store for writing reads
 * the sound records, reports the lost ones and goes on. The damaged bytes stay until their segment is removed, because
 * readers still need the sound records around them. Without this list, each opening and each check would report the
 * same damage again.
 *
 * Nothing depends on the file: if it is missing or damaged, the damage is reported once more.
 */
import { join } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { readFile, removeIfPresent, writeFileAtomically } from '../../files/read-write.ts';
import type { JournalFinding } from './journal-findings.ts';

export const SETTLED_DAMAGE_FILE = 'SETTLED_DAMAGE';

const VERSION = 1;
const FILE_BYTES_MAX = 1 << 20;
/** Findings beyond this number are not saved, so they are reported again. */
export const FINDINGS_MAX = 4096;

/** The findings in the file of the journal's directory; none when it is missing or damaged. */
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

/** Replaces the saved findings durably. */
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
  for (let count = FINDINGS_MAX >> 1; bytes.length > FILE_BYTES_MAX; count >>= 1)
    bytes = encode(findings.slice(0, count));
  writeFileAtomically(fileSystem, directory, SETTLED_DAMAGE_FILE, bytes);
};

const encode = (findings: readonly JournalFinding[]): Buffer =>
  Buffer.from(`${JSON.stringify({ version: VERSION, findings })}\n`);

/**
 * Whether a finding is among the saved ones: a saved one has the same kind and file, and its range contains that of the
 * finding. The reason is not compared: the position at which a reader begins decides which record is the first bad one.
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
