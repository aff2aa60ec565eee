/**
 * `checksums/manifest`: which checksum file of each series directory is valid, and how long it was at the last
 * checkpoint. Up to that length a file must be whole. Otherwise it has lost changes, and none of its checksums may be
 * used. The bytes after that length were written since the checkpoint. A loss of power may have torn them, but recovery
 * examines the series that they are about.
 *
 *     offset  bytes  content
 *     0       8      "TMcsum1\n"
 *     8       2048   256 entries: generation and length of the file, uint32 little endian each
 *     2056    4      CRC-32 of all bytes before it
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { FileSystem } from '../../files/file-system.ts';
import { readFile, writeFileAtomically } from '../../files/read-write.ts';

export const CHECKSUMS = 'checksums';
export const MANIFEST = 'manifest';
/**
 * The checksums of heads.db (heads-sums.ts). They are written and removed with heads.db, not with the checksums of the
 * series files.
 */
export const HEADS_SUMS = 'heads';
export const BUCKETS = 256;

const MAGIC = 'TMcsum1\n';
const BYTES = MAGIC.length + 8 * BUCKETS + 4;
const PERMISSIONS = 0o640;

export interface ManifestEntry {
  readonly generation: number;
  /** Bytes; 0 when there is no file. */
  readonly size: number;
}

export interface ManifestRead {
  /** When the manifest is missing or damaged, no checksum file is used. */
  readonly status: 'ok' | 'missing' | 'damaged';
  readonly entries: readonly ManifestEntry[];
}

const NO_FILE: ManifestEntry = { generation: 0, size: 0 };

export const readManifest = (fileSystem: FileSystem, directory: string): ManifestRead => {
  const none = Array.from({ length: BUCKETS }, () => NO_FILE);
  const found = readFile(fileSystem, join(directory, CHECKSUMS, MANIFEST), BYTES + 1);
  if (found === undefined) return { status: 'missing', entries: none };
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.length);
  const isSound =
    bytes.length === BYTES &&
    bytes.toString('latin1', 0, MAGIC.length) === MAGIC &&
    crc32(bytes.subarray(0, BYTES - 4)) === bytes.readUInt32LE(BYTES - 4);
  if (!isSound) return { status: 'damaged', entries: none };
  const entries = none.map((_, i) => {
    const at = MAGIC.length + 8 * i;
    return { generation: bytes.readUInt32LE(at), size: bytes.readUInt32LE(at + 4) };
  });
  return { status: 'ok', entries };
};

/** Replaces the manifest, durably. The folder must exist. */
export const writeManifest = (fileSystem: FileSystem, directory: string, entries: readonly ManifestEntry[]): void => {
  const bytes = Buffer.alloc(BYTES);
  bytes.write(MAGIC, 'latin1');
  for (const [i, { generation, size }] of entries.entries()) {
    bytes.writeUInt32LE(generation, MAGIC.length + 8 * i);
    bytes.writeUInt32LE(size, MAGIC.length + 8 * i + 4);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, BYTES - 4)), BYTES - 4);
  writeFileAtomically(fileSystem, join(directory, CHECKSUMS), MANIFEST, bytes, PERMISSIONS);
};
