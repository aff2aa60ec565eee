/** What a browser loads until the first chart: each page is a file of its own, and only that of the first one is loaded. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';

const folder = join(import.meta.dirname, '..', '..', 'src', 'ui', 'public');
const maxGzipBytes = 60_000;

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** A script and all that it imports at once. */
const withImports = (name: string, found = new Set<string>()): ReadonlySet<string> => {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, target] of read(name).matchAll(/(?:from|import)"\.\/([^"]+\.js)"/g)) withImports(target, found);
  return found;
};

describe('the files of the pages', () => {
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const pageScript = (page: string): string => scripts.find((name) => name.startsWith(`${page}-page-`)) ?? '';

  it('are few kilobytes until the first chart', () => {
    const loaded = [
      'index.html',
      'style.css',
      'icon.svg',
      ...new Set([...withImports('app.js'), ...withImports(pageScript('explore'))]),
    ];
    const bytes = loaded.map((name) => gzipSync(read(name)).length).reduce((sum, length) => sum + length, 0);
    expect(bytes).to.be.below(maxGzipBytes);
    expect(read('app.js')).to.contain(`import("./${pageScript('explore')}")`);
  });

  it('do not load another page before it is shown', () => {
    const loaded = new Set([...withImports('app.js'), ...withImports(pageScript('explore'))]);
    expect([...loaded].filter((name) => name.includes('-page-'))).to.deep.equal([pageScript('explore')]);
  });

  it('have no source of TypeScript beside them', () => {
    expect(
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')),
    ).to.deep.equal([]);
  });
});
