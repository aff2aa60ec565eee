/** What axe finds wrong with a page, and the ways in which pages are looked at. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { OpenPages } from './open-pages.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** One text for each violation. */
export const violationsOf = async (page: Page): Promise<string[]> => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: readonly Violation[] }>('axe.run()');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.replace(/\s+/g, ' ')}`),
  );
};

/** How pages are shown: each has to be without violations in all of them. */
export const modes: Readonly<Record<string, BrowserContextOptions>> = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 } },
};

/** The tests, once for each mode, on a page of their own. `show` takes the page before they begin. */
export const inEachMode = (pages: () => OpenPages, show: (page: Page) => void, tests: () => void): void => {
  for (const [mode, options] of Object.entries(modes))
    describe(`in ${mode}`, () => {
      let page: Page;

      before(async () => {
        page = await pages().newPage(options);
        show(page);
      });

      after(() => page.context().close());

      tests();
    });
};

/** The width of the content and that of the window. */
export const widthsOf = (page: Page): Promise<[content: number, window: number]> =>
  page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]');
