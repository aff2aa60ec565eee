/** The pages of a store of its own in a browser, for one test file: opens all of it, and closes all of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';

/** Requests for the names of the metrics. */
export const METRIC_NAMES = '**/label/__name__/values';

/** The colour of the first series of a chart in light. */
export const firstColor = [0x14, 0x6c, 0x7f] as const;

export class OpenPages {
  readonly directory: string;
  readonly store: Store;
  readonly server: PagesServer;
  private readonly browser: Browser;
  /** What the browser complained about. */
  complaints: string[] = [];

  private constructor(directory: string, store: Store, server: PagesServer, browser: Browser) {
    this.directory = directory;
    this.store = store;
    this.server = server;
    this.browser = browser;
  }

  /** Skips the tests if there is no browser. */
  static async open(test: Mocha.Context): Promise<OpenPages> {
    if (!browserIsThere) {
      process.stderr.write(`skipped: ${browserIsMissing}\n`);
      test.skip();
    }
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-pages-'));
    const store = await openStore(directory, { retention: 'off' });
    const server = new PagesServer({ port: 0, clock: systemClock });
    await server.listen();
    server.showStore(store);
    return new OpenPages(directory, store, server, await launchBrowser());
  }

  get origin(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  async newPage(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      colorScheme: 'light',
      viewport: { width: 1280, height: 840 },
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    await page.goto(this.server.url);
    return page;
  }

  async show(page: Page, path: string): Promise<void> {
    await page.goto(this.origin + path);
    await page.locator('#connection.good').waitFor();
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.close();
    await this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Holds the answers with the names of the metrics until the returned function is called. */
export const holdMetricNames = async (page: Page): Promise<() => void> => {
  let letAnswer = (): void => {};
  const mayAnswer = new Promise<void>((resolve) => {
    letAnswer = resolve;
  });
  await page.route(METRIC_NAMES, async (route) => {
    await mayAnswer;
    await route.continue();
  });
  return letAnswer;
};

/** Which columns of a chart have a pixel of a colour: their share, from the first such column to the last. */
export const coloredShare = (page: Page, [red, green, blue]: readonly number[] = firstColor): Promise<number> =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector('.uplot canvas');
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
    const columns = new Set();
    for (let x = 0; x < width; x++)
      for (let y = 0; y < height; y++) {
        const at = 4 * (y * width + x);
        const far = Math.abs(data[at] - ${red}) + Math.abs(data[at + 1] - ${green}) + Math.abs(data[at + 2] - ${blue});
        if (data[at + 3] > 100 && far < 90) columns.add(x);
      }
    const sorted = [...columns];
    return sorted.length < 2 ? sorted.length : sorted.length / (sorted.at(-1) - sorted[0] + 1);
  })()`);

/** How many pixels of a chart have a colour. */
export const coloredPixels = (page: Page, [red, green, blue]: readonly number[] = firstColor): Promise<number> =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector('.uplot canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const far = Math.abs(data[at] - ${red}) + Math.abs(data[at + 1] - ${green}) + Math.abs(data[at + 2] - ${blue});
      if (data[at + 3] > 100 && far < 90) count++;
    }
    return count;
  })()`);
