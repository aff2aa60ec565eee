/** Bytes on disk by part of the directory, for `info`, the pages and retention by size. */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { entriesOf } from '../files/read-write.ts';

export interface DirectorySizes {
  readonly seriesFiles: number;
  readonly heads: number;
  readonly journal: number;
  readonly indexes: number;
  readonly quarantine: number;
  readonly total: number;
  /** Number of series files. */
  readonly files: number;
}

type Part = 'seriesFiles' | 'heads' | 'journal' | 'indexes' | 'quarantine' | 'other';

const parts: Readonly<Record<string, Part>> = {
  'heads.db': 'heads',
  'heads.db.tmp': 'heads',
  journal: 'journal',
  orphaned: 'quarantine',
  archived_fingerprint_to_metric: 'indexes',
  archived_fingerprint_to_timerange: 'indexes',
  labelname_to_labelvalues: 'indexes',
  labelpair_to_fingerprints: 'indexes',
};

const partOf = (name: string): Part => parts[name] ?? (/^[0-9a-f]{2}$/.test(name) ? 'seriesFiles' : 'other');

/**
 * Adds up the sizes of all files in the directory. `breathe` is awaited between folders, because there may be many
 * files. A file that is removed meanwhile is not counted.
 */
export const directorySizes = async (
  fileSystem: FileSystem,
  directory: string,
  breathe: () => Promise<void>,
): Promise<DirectorySizes> => {
  const bytes: Record<Part, number> = { seriesFiles: 0, heads: 0, journal: 0, indexes: 0, quarantine: 0, other: 0 };
  let files = 0;
  const pending: { path: string; part: Part }[] = [];
  const visit = (path: string, partFor: (name: string) => Part): void => {
    for (const { name, isDirectory } of entriesOf(fileSystem, path)) {
      const part = partFor(name);
      const child = join(path, name);
      if (isDirectory) {
        pending.push({ path: child, part });
        continue;
      }
      bytes[part] += sizeOf(fileSystem, child);
      if (part === 'seriesFiles') files++;
    }
  };
  visit(directory, partOf);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, part } = next;
    visit(path, () => part);
    await breathe();
  }
  const { other, ...named } = bytes;
  const total = Object.values(named).reduce((sum, size) => sum + size, other);
  return { ...named, total, files };
};

const sizeOf = (fileSystem: FileSystem, path: string): number => fileSystem.stat(path)?.size ?? 0;
