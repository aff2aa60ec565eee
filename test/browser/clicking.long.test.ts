import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';
import { type MemoryFigures, StoreProcess } from './store-process.ts';

/** Clicks until everything that is made once is there, and clicks after which nothing may have been added. */
const clicksBefore = 50;
const clicks = 300;
/** The list of the Actors page shows 200 series at most: several lists give more to choose from. */
const lists = ['200', '201', '202', '203', '204'].map((status) => `{status="${status}"}`);

const MB = 1e6;

interface Memory extends MemoryFigures {
  readonly pageHeapBytes: number;
  readonly pageNodes: number;
  readonly pageListeners: number;
}

describe('clicking through the series of the Actors page', function () {
  this.timeout(120_000);
  let directory: string;
  let store: StoreProcess;
  let browser: Browser;
  let page: Page;
  let devTools: CDPSession;

  before(async function () {
    if (!browserIsThere) {
      process.stderr.write(`skipped: ${browserIsMissing}\n`);
      this.skip();
    }
    directory = mkdtempSync(join(tmpdir(), 'tidemark-clicking-'));
    store = new StoreProcess();
    const address = await store.ask<string>({ ask: 'open', directory, seriesCount: 2000, rounds: 200 });
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.goto(address);
    await page.goto(`${new URL(address).origin}/actors`);
    devTools = await page.context().newCDPSession(page);
    await devTools.send('Performance.enable');
  });

  after(async () => {
    await browser?.close();
    store?.kill();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  /** Clicks random series of a list, each when the one before is shown; returns how many different ones. */
  const clickThrough = async (selector: string, count: number, seed: number): Promise<number> => {
    const field = page.getByRole('combobox', { name: 'Which series' });
    await field.fill(selector);
    await field.press('Enter');
    await page.locator('.picker .list button').nth(199).waitFor();
    return page.evaluate<number>(`(async () => {
      const buttons = [...document.querySelectorAll('.picker .list button')];
      const clicked = new Set();
      let random = ${seed};
      for (let i = 0; i < ${count}; i++) {
        random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
        const button = buttons[Math.floor((random / 2 ** 32) * buttons.length)];
        clicked.add(button);
        button.click();
        while (document.querySelector('.detail .chunks rect') === null)
          await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return clicked.size;
    })()`);
  };

  const clickAll = async (count: number, seed: number): Promise<number> => {
    let different = 0;
    for (const [i, selector] of lists.entries())
      different += await clickThrough(selector, count / lists.length, seed + i);
    return different;
  };

  const remember = async (): Promise<Memory> => {
    const figures = await store.ask<MemoryFigures>({ ask: 'memory' });
    for (let n = 0; n < 3; n++) await devTools.send('HeapProfiler.collectGarbage');
    const { metrics } = await devTools.send('Performance.getMetrics');
    const metric = (name: string): number => metrics.find((one) => one.name === name)!.value;
    return {
      ...figures,
      pageHeapBytes: metric('JSHeapUsedSize'),
      pageNodes: metric('Nodes'),
      pageListeners: metric('JSEventListeners'),
    };
  };

  it('adds no actor and no memory, neither to the store nor to the page', async () => {
    await clickAll(clicksBefore, 1);
    const before = await remember();
    expect(await clickAll(clicks, 100)).to.be.greaterThan(200);
    const after = await remember();
    expect(after.liveActors, 'live actors').to.equal(before.liveActors);
    // What one click leaves behind, at least, if it leaves anything: a node, a listener, a chart's or an exchange's objects.
    expect(after.pageNodes - before.pageNodes, 'more nodes in the page').to.be.lessThan(clicks);
    expect(after.pageListeners - before.pageListeners, 'more listeners in the page').to.be.lessThan(clicks / 3);
    expect(after.pageHeapBytes - before.pageHeapBytes, 'more heap of the page').to.be.lessThan(2 * MB);
    expect(after.heapBytes - before.heapBytes, 'more heap of the store').to.be.lessThan(2 * MB);
  });
});
