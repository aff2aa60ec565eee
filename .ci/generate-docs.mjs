/**
 * Writes the pages that are generated from the code. Every module of test/docs/generators that exports `file`, a path from
 * the root, and `generate`, its whole text, is one page; test/docs/generated.test.ts fails when one is stale.
 *
 *     node .ci/generate-docs.mjs [FOLDER]      FOLDER holds the compiled code; dist if not given
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const generators = join(resolve(root, process.argv[2] ?? 'dist'), 'test', 'docs', 'generators');

for (const name of readdirSync(generators).sort()) {
  if (!name.endsWith('.js')) continue;
  const { file, generate } = await import(pathToFileURL(join(generators, name)).href);
  if (generate === undefined) continue;
  writeFileSync(join(root, file), generate());
  process.stderr.write(`${file}\n`);
}
