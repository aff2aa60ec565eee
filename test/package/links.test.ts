import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { anchorsOf, linksOf, pages } from './markdown.ts';

const problemWith = (page: string, link: string): string | undefined => {
  const [path, anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(target)) return `${page}: ${link} leads to no file`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? undefined : `${page}: ${link} leads to no heading`;
};

describe('the documentation', () => {
  it('links only to files and headings that exist', () => {
    const problems = pages().flatMap((page) =>
      linksOf(readFileSync(page, 'utf8')).flatMap((link) => problemWith(page, link) ?? []),
    );
    expect(problems).to.deep.equal([]);
  });

  it('can be reached, page by page, from the README', () => {
    const reached = new Set<string>();
    const follow = (page: string): void => {
      if (reached.has(page) || !existsSync(page)) return;
      reached.add(page);
      for (const link of linksOf(readFileSync(page, 'utf8'))) {
        const target = join(dirname(page), link.split('#')[0]);
        if (target.endsWith('.md')) follow(target);
      }
    };
    follow('README.md');
    expect(pages().filter((page) => !reached.has(page))).to.deep.equal([]);
  });
});
