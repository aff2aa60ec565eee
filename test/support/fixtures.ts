/**
 * Files that the real Prometheus 1.x storage wrote, copied into test/fixtures as one brotli-compressed file each.
 * test/fixtures/README.md describes them. Paths are relative to the repository's root, where the tests run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const root = join(process.cwd(), 'test', 'fixtures');

/** The bytes of a fixture, decompressed: `fixtureBytes('chunks-0.bin')`. */
export const fixtureBytes = (name: string): Buffer => brotliDecompressSync(readFileSync(join(root, `${name}.br`)));

/** A JSON fixture: `fixtureJson('chunks.json')`, `fixtureJson('dirs/base/expected.json')`. */
export const fixtureJson = <T>(name: string): T => JSON.parse(fixtureBytes(name).toString('utf8')) as T;
