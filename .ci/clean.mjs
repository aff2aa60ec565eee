/** Removes what building and testing leave behind: the compiled tree, coverage, packed tarballs. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

for (const name of ['dist', 'coverage', ...readdirSync(root).filter((name) => name.endsWith('.tgz'))]) {
  rmSync(join(root, name), { recursive: true, force: true });
}
