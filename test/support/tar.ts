/**
 * Unpacks the ustar archives of the fixtures: directories and plain files, with their modes and modification times.
 * The times matter because recovery compares those of series files with the checkpoint. In all fixtures they are whole
 * seconds.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fixtureBytes } from './fixtures.ts';

const BLOCK_BYTES = 512;

interface Entry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly mode: number;
  readonly mtimeSeconds: number;
  readonly content: Uint8Array;
}

/** Unpacks the archive below `directory`, which is created if missing. */
export const extractTar = (bytes: Uint8Array, directory: string): void => {
  const directories: Entry[] = [];
  for (const entry of entriesOf(bytes)) {
    const path = below(directory, entry.path);
    if (entry.isDirectory) {
      mkdirSync(path, { recursive: true });
      directories.push(entry);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, entry.content);
      chmodSync(path, entry.mode);
      utimesSync(path, entry.mtimeSeconds, entry.mtimeSeconds);
    }
  }
  // Writing files changes the times of their directories, so directories get their times last, the deepest first.
  for (const entry of directories.reverse()) {
    const path = below(directory, entry.path);
    chmodSync(path, entry.mode);
    utimesSync(path, entry.mtimeSeconds, entry.mtimeSeconds);
  }
};

/**
 * Unpacks the data directory of a fixture, for example `base`, into a temporary directory of its own. `remove` deletes
 * the temporary directory.
 */
export const extractFixture = (
  name: string,
  kind: 'dirs' | 'handed-over' = 'dirs',
): { readonly directory: string; readonly remove: () => void } => {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-fixture-'));
  extractTar(fixtureBytes(`${kind}/${name}/data.tar`), root);
  return { directory: join(root, 'data'), remove: () => rmSync(root, { recursive: true, force: true }) };
};

function* entriesOf(bytes: Uint8Array): Generator<Entry> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset + BLOCK_BYTES <= view.length && view[offset] !== 0) {
    const header = view.subarray(offset, offset + BLOCK_BYTES);
    const type = String.fromCharCode(header[156]);
    const byteCount = octal(header, 124, 12);
    const prefix = text(header, 345, 155);
    const name = text(header, 0, 100);
    if (type !== '0' && type !== '5') throw new Error(`unknown tar entry type ${type} at byte ${offset}`);
    offset += BLOCK_BYTES;
    if (offset + byteCount > view.length) throw new Error(`tar entry ${name} ends beyond the archive`);
    yield {
      path: prefix === '' ? name : `${prefix}/${name}`,
      isDirectory: type === '5',
      mode: octal(header, 100, 8),
      mtimeSeconds: octal(header, 136, 12),
      content: view.subarray(offset, offset + byteCount),
    };
    offset += Math.ceil(byteCount / BLOCK_BYTES) * BLOCK_BYTES;
  }
}

const text = (header: Buffer, start: number, length: number): string => {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
};

const octal = (header: Buffer, start: number, length: number): number =>
  Number.parseInt(text(header, start, length).trim() || '0', 8);

const below = (directory: string, path: string): string => {
  const full = join(directory, path);
  if (full !== directory && !full.startsWith(directory + sep)) throw new Error(`tar entry ${path} leaves ${directory}`);
  return full;
};
