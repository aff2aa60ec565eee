/**
 * What it costs a busy store that somebody has the Actors page open, and how smoothly the page goes meanwhile. One run, in
 * which the page is opened and closed in turns, so that what else the machine does falls on both alike; the ratio is the
 * median over the pairs.
 *
 *     npm run bench:page [-- --series 100000 --pairs 10 --seconds 3 --rate 1000000]
 *
 * First the store takes as many samples as it can, which is where every stolen microsecond shows; then the given rate.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { median } from '../bench/measure.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';
import { StoreProcess, type WindowFigures } from './store-process.ts';

/** What a page needs to load, and a store to be without it again, before a window begins. */
const settleMs = 1000;

const ratioMin = 0.9;

interface Frames {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const { values: given } = parseArgs({
  options: {
    series: { type: 'string', default: '100000' },
    pairs: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '1000000' },
    path: { type: 'string', default: '/actors' },
  },
});
const [seriesCount, pairs, seconds, rate] = [given.series, given.pairs, given.seconds, given.rate].map(Number);

/** Notes, in the page, how far apart the frames are that the browser gets to draw. */
const noteFrames = (page: Page): Promise<unknown> =>
  page.evaluate(`{
    const gaps = (globalThis.frameGaps = []);
    let last = performance.now();
    const note = (now) => {
      gaps.push(now - last);
      last = now;
      if (globalThis.frameGaps === gaps) requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  }`);

const framesOf = async (page: Page): Promise<Frames> => {
  const gaps = await page.evaluate<number[]>('globalThis.frameGaps.slice(1)');
  const sorted = gaps.toSorted((a, b) => a - b);
  return {
    perSecond: (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0),
    medianMs: median(gaps),
    p99Ms: sorted[Math.floor(0.99 * sorted.length)],
    maxMs: sorted[sorted.length - 1],
  };
};

class PageCost {
  private readonly store: StoreProcess;
  private readonly page: Page;
  private readonly origin: string;

  constructor(store: StoreProcess, page: Page, origin: string) {
    this.store = store;
    this.page = page;
    this.origin = origin;
  }

  /** One window with the page closed. */
  async without(samplesPerSecond: number): Promise<WindowFigures> {
    await this.page.goto('about:blank');
    await this.store.ask({ ask: 'window', ms: settleMs, samplesPerSecond });
    return this.store.ask<WindowFigures>({ ask: 'window', ms: 1000 * seconds, samplesPerSecond });
  }

  /** One window with the page open. */
  async with(samplesPerSecond: number): Promise<WindowFigures & { readonly frames: Frames }> {
    await this.page.goto(this.origin + given.path);
    await this.page.locator('#connection.good').waitFor();
    await this.store.ask({ ask: 'window', ms: settleMs, samplesPerSecond });
    await noteFrames(this.page);
    const figures = await this.store.ask<WindowFigures>({ ask: 'window', ms: 1000 * seconds, samplesPerSecond });
    return { ...figures, frames: await framesOf(this.page) };
  }
}

type Pair = readonly [Awaited<ReturnType<PageCost['without']>>, Awaited<ReturnType<PageCost['with']>>];

/** Windows in turns, every other pair the other way round, so that a store that slows down favours neither. */
const runPairs = async (cost: PageCost, count: number, samplesPerSecond: number): Promise<Pair[]> => {
  const all: Pair[] = [];
  for (let n = 0; n < count; n++) {
    if (n % 2 === 0) {
      const closed = await cost.without(samplesPerSecond);
      all.push([closed, await cost.with(samplesPerSecond)]);
    } else {
      const open = await cost.with(samplesPerSecond);
      all.push([await cost.without(samplesPerSecond), open]);
    }
    const [without, open] = all[n].map(({ samplesPerSecond: rate }) => (rate / 1e6).toFixed(2));
    process.stderr.write(`pair ${n + 1} of ${count}: ${without} million samples a second without, ${open} with\n`);
  }
  return all;
};

const rows = [
  { title: 'samples a second', of: (one: WindowFigures) => one.samplesPerSecond, digits: 0 },
  {
    title: 'the same, without waiting for a processor',
    of: (one: WindowFigures) => one.samplesPerSecondRun,
    digits: 0,
  },
  { title: 'share of the time spent waiting for one', of: (one: WindowFigures) => one.waitedShare, digits: 3 },
  { title: 'main thread, ns a sample', of: (one: WindowFigures) => one.cpuNsPerSample, digits: 0 },
  { title: 'event loop held, 99th percentile, ms', of: (one: WindowFigures) => one.loopP99Ms, digits: 1 },
];

const frameRows = [
  { title: 'frames a second', of: (one: Frames) => one.perSecond },
  { title: 'from frame to frame, ms', of: (one: Frames) => one.medianMs },
  { title: 'the same, 99th percentile', of: (one: Frames) => one.p99Ms },
  { title: 'the same, longest', of: (one: Frames) => one.maxMs },
];

const ratioOf = (all: readonly Pair[], figure: (one: WindowFigures) => number): number =>
  median(all.map(([closed, open]) => figure(open) / figure(closed)));

const tableOf = (all: readonly Pair[]): string =>
  markdownTable(
    ['median of the windows', 'page closed', 'page open', 'ratio, median of the pairs'],
    [
      ...rows.map(({ title, of, digits }) => [
        title,
        median(all.map(([closed]) => of(closed))).toFixed(digits),
        median(all.map(([, open]) => of(open))).toFixed(digits),
        ratioOf(all, of).toFixed(3),
      ]),
      ...frameRows.map(({ title, of }) => [title, '', median(all.map(([, { frames }]) => of(frames))).toFixed(1), '']),
    ],
  );

const main = async (): Promise<void> => {
  if (!browserIsThere) throw new Error(browserIsMissing);
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-page-cost-'));
  const store = new StoreProcess();
  const browser = await launchBrowser();
  try {
    const address = await store.ask<string>({ ask: 'open', directory, seriesCount, rounds: 1 });
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 840 } })).newPage();
    await page.goto(address);
    const cost = new PageCost(store, page, new URL(address).origin);
    // The first pair finds series still being indexed and code that is not compiled yet: it is not counted.
    const [, ...unpaced] = await runPairs(cost, pairs + 1, 0);
    const paced = await runPairs(cost, Math.ceil(pairs / 3), rate);
    await store.ask({ ask: 'close' });
    process.stdout.write(`${seriesCount} series, as many samples as the store takes\n\n${tableOf(unpaced)}\n\n`);
    process.stdout.write(`${rate} samples a second\n\n${tableOf(paced)}\n`);
    const ratio = ratioOf(unpaced, (one) => one.samplesPerSecond);
    process.stdout.write(
      `\nappend rate with the page open over without: ${ratio.toFixed(3)}, to be at least ${ratioMin}\n`,
    );
    if (ratio < ratioMin) process.exitCode = 1;
  } finally {
    await browser.close();
    store.kill();
    rmSync(directory, { recursive: true, force: true });
  }
};

await main();
