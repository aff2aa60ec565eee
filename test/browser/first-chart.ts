/**
 * What Explore costs a browser: the time until the first chart, the bytes until then, and the load of the main thread
 * while 50 series are live. With another built checkout, both are measured in turns and the ratios are printed.
 *
 *     npm run bench:first-chart [-- --against ../other --runs 5]
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { median } from '../bench/measure.ts';
import { pause, type Server, startTidemarkOf, stopServer } from '../bench/servers.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';

const SERIES = 50;
const STEP_MS = 1000;
/** An hour before the page is opened. */
const STEPS = 3600;
const LIVE_SECONDS = 10;

const { values: given } = parseArgs({
  options: { against: { type: 'string' }, runs: { type: 'string', default: '5' } },
});

interface Figures {
  readonly firstChartMs: number;
  readonly bytes: number;
  /** Of one core, while the page is live. */
  readonly mainThreadLoad: number;
}

const linesAt = (time: number): string =>
  Array.from(
    { length: SERIES },
    (_, i) => `live_value{n="${i}"} ${Math.sin(time / 60_000 + i).toFixed(3)} ${time}\n`,
  ).join('');

const send = async ({ origin, headers }: Server, text: string): Promise<void> => {
  const response = await fetch(`${origin}/api/v1/import/prometheus`, { method: 'POST', headers, body: text });
  if (!response.ok) throw new Error(`${origin} answers ${response.status}: ${await response.text()}`);
};

const start = (checkout: string, directory: string): Promise<Server> =>
  startTidemarkOf(join(checkout, 'dist', 'src', 'cli', 'main.js'), directory, ['--write', '--no-record']);

/** A directory with an hour of history, closed. */
const fill = async (checkout: string, directory: string): Promise<void> => {
  const server = await start(checkout, directory);
  const now = Date.now();
  for (let step = 0; step < STEPS; step += 300) {
    const times = Array.from({ length: 300 }, (_, i) => now - (STEPS - step - i) * STEP_MS);
    await send(server, times.map(linesAt).join(''));
  }
  await stopServer(server);
};

const measure = async (browser: Browser, server: Server): Promise<Figures> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 840 } });
  const page = await context.newPage();
  const devTools = await context.newCDPSession(page);
  let bytes = 0;
  devTools.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await devTools.send('Network.enable');
  await devTools.send('Performance.enable');
  const token = new URLSearchParams({ token: server.headers['authorization'].replace('Bearer ', '') });
  await page.goto(`${server.origin}/explore?match=live_value&range=5m&${token}`);
  await page.locator('.uplot canvas').waitFor();
  const firstChartMs = await page.evaluate<number>('performance.now()');
  const figures = { firstChartMs, bytes };
  const busySeconds = async (): Promise<number> => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const [busy, started] = [await busySeconds(), performance.now()];
  for (let second = 0; second < LIVE_SECONDS; second++) {
    await send(server, linesAt(Date.now()));
    await pause(STEP_MS);
  }
  const mainThreadLoad = ((await busySeconds()) - busy) / ((performance.now() - started) / 1000);
  await context.close();
  return { ...figures, mainThreadLoad };
};

const rows = [
  { title: 'until the first chart, ms', of: (one: Figures) => one.firstChartMs, digits: 0 },
  { title: 'bytes until then, kB', of: (one: Figures) => one.bytes / 1000, digits: 0 },
  { title: 'load of the main thread at 50 live series', of: (one: Figures) => one.mainThreadLoad, digits: 3 },
];

const main = async (): Promise<void> => {
  if (!browserIsThere) throw new Error(browserIsMissing);
  const checkouts = [process.cwd(), ...(given.against === undefined ? [] : [resolve(given.against)])];
  const parent = mkdtempSync(join(tmpdir(), 'tidemark-first-chart-'));
  const browser = await launchBrowser();
  const figures: Figures[][] = checkouts.map(() => []);
  try {
    for (const [i, checkout] of checkouts.entries()) await fill(checkout, join(parent, `filled${i}`));
    for (let run = 0; run < Number(given.runs); run++) {
      for (const [i, checkout] of checkouts.entries()) {
        const directory = join(parent, 'run');
        cpSync(join(parent, `filled${i}`), directory, { recursive: true });
        const server = await start(checkout, directory);
        figures[i].push(await measure(browser, server));
        await stopServer(server);
        rmSync(directory, { recursive: true });
      }
    }
  } finally {
    await browser.close();
    rmSync(parent, { recursive: true, force: true });
  }
  const medians = (of: (one: Figures) => number): number[] => figures.map((all) => median(all.map(of)));
  const cells = rows.map(({ title, of, digits }) => {
    const [ours, theirs] = medians(of);
    const ratio = theirs === undefined ? [] : [theirs.toFixed(digits), (ours / theirs).toFixed(2)];
    return [title, ours.toFixed(digits), ...ratio];
  });
  const head = ['median', 'this checkout', ...(checkouts.length > 1 ? ['the other one', 'ratio'] : [])];
  process.stdout.write(`${markdownTable(head, cells)}\n`);
};

await main();
