/**
 * Inspects the files of a LevelDB that nothing has open, before LevelDB opens it. LevelDB itself recovers silently from
 * a log or a manifest that lost batches, and reads table blocks without checking their checksums.
 * docs/formats/indexes.md
 *
 * The sequence number counts every operation that was written to the database since it was created. So a remembered
 * lower bound of it is enough to detect that the newest batches are gone.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../model/errors.ts';
import { readBatches } from './level/batches.ts';
import { type Manifest, readManifest } from './level/manifest.ts';
import { verifyTable } from './level/table-blocks.ts';

export interface LevelCondition {
  /**
   * Number of operations that were written to the database and are still there; `undefined` when there is no database.
   */
  readonly sequence: number | undefined;
  /**
   * Why entries must be missing from the log, although LevelDB will open the database; `undefined` when none are
   * missing.
   */
  readonly lostBatches?: string;
  /** Why LevelDB must not open it: it would delete data that can still be read. */
  readonly unopenable?: string;
  /** The tables with their sizes, oldest first. */
  readonly tables: readonly TableFile[];
}

export interface TableFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * A file of at most this size is read at once, in tens of microseconds. Its way through the thread pool would be four
 * turns of the event loop, and most databases of a small store have only such files.
 */
const READ_AT_ONCE_BYTES = 64 * 1024;

const EMPTY: LevelCondition = { sequence: undefined, tables: [] };

/** Reads the manifest and the logs, at most two write buffers of 4 MiB. */
export const inspectLevel = async (directory: string): Promise<LevelCondition> => {
  const names = namesIn(directory);
  const isThere = names.includes('CURRENT');
  const current = isThere ? (await contentOf(join(directory, 'CURRENT')))?.toString('latin1').trim() : undefined;
  if (current === undefined) {
    const isUsed = names.some((name) => tableName.test(name) || logName.test(name));
    return isUsed ? { ...EMPTY, unopenable: 'CURRENT is missing' } : EMPTY;
  }
  // LevelDB would open any file that the text names, and report the result as a disk error.
  if (!/^MANIFEST-\d+$/.test(current)) return { ...EMPTY, unopenable: 'CURRENT names no manifest' };
  const bytes = await contentOf(join(directory, current));
  // LevelDB itself refuses to open these.
  if (bytes === undefined) return EMPTY;
  const manifest = readManifest(bytes);
  if (manifest.isDamaged) return EMPTY;
  const tables = tablesOf(manifest, names);
  return { tables, ...(await inspectLogs(directory, names, manifest)) };
};

/** Returns what is wrong with a table, `undefined` when nothing is, or when the table no longer exists. */
export const inspectTable = async (
  directory: string,
  { name, bytes }: TableFile,
  turn: (bytes: number) => Promise<void> | undefined = () => undefined,
): Promise<string | undefined> => {
  const content = await contentOf(join(directory, name));
  if (content === undefined) return undefined;
  if (content.length < bytes) return `${name} has ${content.length} bytes of ${bytes}`;
  const blocks = verifyTable(content.subarray(0, bytes));
  for (;;) {
    const { done, value } = blocks.next();
    if (done === true) return value === undefined ? undefined : `${name}: ${value}`;
    await turn(value);
  }
};

const logName = /^(\d+)\.log$/;
const tableName = /^(\d+)\.(?:ldb|sst)$/;

const inspectLogs = async (
  directory: string,
  names: readonly string[],
  { logNumber, previousLogNumber, lastSequence }: Manifest,
): Promise<Pick<LevelCondition, 'sequence' | 'lostBatches'>> => {
  const logs = names
    .flatMap((name) => {
      const number = Number(logName.exec(name)?.[1] ?? Number.NaN);
      return number >= logNumber || (number === previousLogNumber && number > 0) ? [{ name, number }] : [];
    })
    .sort((a, b) => a.number - b.number);
  if (!logs.some(({ number }) => number === logNumber)) {
    return { sequence: lastSequence, lostBatches: `the log ${logNumber} is missing` };
  }
  let sequence = lastSequence;
  let end: number | undefined;
  for (const { name } of logs) {
    const batches = readBatches((await contentOf(join(directory, name))) ?? new Uint8Array(0));
    if (batches.count === 0) continue;
    if (batches.hasHole || (end !== undefined && batches.firstSequence !== end + 1)) {
      return { sequence: Math.max(sequence, batches.lastSequence), lostBatches: `${name} lacks batches` };
    }
    end = batches.lastSequence;
    sequence = Math.max(sequence, end);
  }
  return { sequence };
};

const tablesOf = ({ tables }: Manifest, names: readonly string[]): TableFile[] => {
  const byNumber = new Map(
    names.flatMap((name) => {
      const number = tableName.exec(name)?.[1];
      return number === undefined ? [] : [[Number(number), name] as const];
    }),
  );
  return [...tables].flatMap(([number, bytes]) => {
    const name = byNumber.get(number);
    return name === undefined ? [] : [{ name, bytes }];
  });
};

/** Names in a directory; none when it is missing. A file in its place is an error, not a missing database. */
export const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
};

const contentOf = async (path: string): Promise<Buffer | undefined> => {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() !== true) return undefined;
    return found.size <= READ_AT_ONCE_BYTES ? readFileSync(path) : await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EISDIR') return undefined;
    throw error;
  }
};
