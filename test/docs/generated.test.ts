import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

interface Generator {
  readonly file?: string;
  readonly generate?: () => string;
}

/** The root of the project, from wherever the compiled tests are. */
const rootAbove = (folder: string): string =>
  existsSync(join(folder, 'package.json')) ? folder : rootAbove(join(folder, '..'));

describe('generated pages', () => {
  const folder = join(import.meta.dirname, 'generators');
  const root = rootAbove(import.meta.dirname);

  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.js'))) {
    it(`are as the code says: ${name.replace('.js', '')}`, async () => {
      const { file, generate }: Generator = await import(pathToFileURL(join(folder, name)).href);
      if (file === undefined || generate === undefined) return;
      const written = readFileSync(join(root, file), 'utf8');
      expect(written, `${file} is stale: run npm run docs`).to.equal(generate());
    });
  }
});
