import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, type Recording, recordRegistry, type Store, systemClock } from '../../src/index.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';
import { fillDemoStore } from './demo-store.ts';

const workingDirectory = process.cwd();
/** Where screenshots for the documentation go; only when they are asked for. */
const imageFolder = process.env['UPDATE_DOCS'] ? join(workingDirectory, 'docs', 'images') : undefined;

describe('the pages in a browser', function () {
  this.timeout(60_000);
  let directory: string;
  let store: Store;
  let server: PagesServer;
  let recording: Recording;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What the browser asked for, and what it complained about. */
  let requests: string[] = [];
  let complaints: string[] = [];

  /** What the address bar shows. Playwright hears of a change by the page's own script later than of the click's end. */
  const address = (): Promise<string> => page.evaluate<string>('location.href');
  const origin = (): string => `http://127.0.0.1:${server.port}`;

  const newPage = async (colorScheme: 'light' | 'dark' = 'light'): Promise<Page> => {
    context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 840 } });
    const opened = await context.newPage();
    opened.setDefaultTimeout(15_000);
    opened.on('request', (request) => requests.push(request.url()));
    opened.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    await opened.goto(server.url);
    return opened;
  };

  /** A screenshot after the page has come to rest; of the series in the lower part of the Actors page, that part. */
  const picture = async (name: string, path: string): Promise<void> => {
    await page.waitForTimeout(name === 'storage' ? 2500 : 1500);
    const back = page.getByRole('button', { name: 'Back one event' });
    if (name === 'replay') for (let i = 0; i < 12; i++) await back.click();
    if (name === 'series') {
      await page.locator('.detail .chunks rect').first().waitFor();
      await page.evaluate('scrollTo(0, document.querySelector(".detail").offsetTop - 60)');
      await page.waitForTimeout(300);
    }
    await page.screenshot({ path });
  };

  const show = async (path: string): Promise<void> => {
    await page.goto(origin() + path);
    await page.locator('#connection.good').waitFor();
  };

  before(async function () {
    if (!browserIsThere) {
      process.stderr.write(`skipped: ${browserIsMissing}\n`);
      this.skip();
    }
    directory = mkdtempSync(join(tmpdir(), 'tidemark-pages-'));
    process.chdir(directory);
    store = await openStore('data', { retention: 'off' });
    await fillDemoStore(store);
    mkdirSync('data/dashboards');
    writeFileSync('data/dashboards/house.json', JSON.stringify(pictured));
    recording = recordRegistry(store, store.registry, { interval: 500, labels: { job: 'tidemark' } });
    server = new PagesServer({ port: 0, clock: systemClock });
    await server.listen();
    server.showStore(store);
    browser = await launchBrowser();
    page = await newPage();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    await recording?.stop();
    await store?.close();
    process.chdir(workingDirectory);
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  afterEach(() => {
    const foreign = requests.filter((url) => !url.startsWith(`${origin()}/`) && !url.startsWith('data:'));
    expect(foreign, 'requests to elsewhere').to.deep.equal([]);
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
    requests = [];
    complaints = [];
  });

  describe('Explore', () => {
    it('opens from the printed address, without the token staying in it', async () => {
      await page.locator('.uplot canvas').waitFor();
      expect(await address()).not.to.contain('token');
      expect(await page.locator('.list button').count()).to.be.greaterThan(20);
    });

    it('draws the metric that was clicked, with a line and a row of values for each series', async () => {
      await page.getByRole('searchbox', { name: 'Filter metrics' }).fill('room');
      await page.getByRole('button', { name: 'room_temperature_celsius' }).click();
      await page.getByText('4 series').waitFor();
      expect(await page.locator('.legend tbody tr').count()).to.equal(4);
      expect(await address()).to.contain('match=room_temperature_celsius');
    });

    it('shows the values under the cursor', async () => {
      await page.getByRole('button', { name: '15 min' }).click();
      await page.getByText('4 series').waitFor();
      await page.locator('.u-over').hover({ position: { x: 600, y: 60 } });
      const cell = page.locator('.legend tbody tr').first().locator('td').nth(1);
      await cell.getByText(/\d/).waitFor();
    });

    it('draws counters per second, and plainly on demand', async () => {
      await show(`/explore?match=${encodeURIComponent('http_requests_total{path="/login"}')}&range=15m`);
      await page.getByText('1 series').waitFor();
      const rate = page.getByRole('button', { name: 'Per second' });
      expect(await rate.getAttribute('aria-pressed')).to.equal('true');
      await rate.click();
      expect(await address()).to.contain('rate=0');
      await rate.click();
      expect(await address()).not.to.contain('rate=0');
    });

    it('zooms into a range that is dragged, and the address holds it', async () => {
      await show(`/explore?match=${encodeURIComponent('http_requests_total{path="/login"}')}&range=15m`);
      await page.getByText('1 series').waitFor();
      const box = (await page.locator('.u-over').boundingBox())!;
      await page.mouse.move(box.x + 200, box.y + 50);
      await page.mouse.down();
      await page.mouse.move(box.x + 500, box.y + 60, { steps: 5 });
      await page.mouse.up();
      await page.waitForURL(/start=\d+&end=\d+/);
      const { searchParams } = new URL(await address());
      expect(Number(searchParams.get('end'))).to.be.greaterThan(Number(searchParams.get('start')));
      await page.reload();
      await page.getByText('1 series').waitFor();
      expect(await page.getByRole('textbox', { name: 'Query' }).inputValue()).to.contain('/login');
    });

    it('follows samples as they are appended', async () => {
      await show('/explore?match=live_signal&range=1m');
      await page.getByText('No series matches').waitFor();
      for (let i = 10; i > 0; i--) store.append({ __name__: 'live_signal' }, systemClock.now() - 100 * i, i);
      await show('/explore?match=live_signal&range=1m');
      await page.locator('.legend tbody tr').waitFor();
      store.append({ __name__: 'live_signal' }, systemClock.now(), 4242);
      await page.locator('.legend tbody tr').getByText('4,242').first().waitFor();
    });

    it('shows samples as a table', async () => {
      await show('/explore?match=room_temperature_celsius&range=15m&view=samples');
      await page.locator('main table tbody tr').first().waitFor();
      expect(await page.locator('main thead th').count()).to.equal(5);
    });

    it('hides a series by its name in the legend', async () => {
      await show('/explore?match=room_temperature_celsius&range=15m');
      const toggle = page.locator('.legend .toggle').first();
      await toggle.click();
      await page.locator('.legend tr.off').waitFor();
      expect(await page.locator('.legend .toggle').first().getAttribute('aria-pressed')).to.equal('false');
    });
  });

  describe('Actors', () => {
    it('shows how many series are in each state', async () => {
      await show('/actors');
      const counts = store.stateCounts();
      expect(counts.archived).to.be.greaterThan(20);
      await page.getByText('live', { exact: true }).waitFor();
      await page
        .locator('.statechart text.count')
        .getByText(String(counts.archived), { exact: true })
        .first()
        .waitFor();
    });

    it("marks the store's active states", async () => {
      for (const name of ['phase', 'pressure', 'health'])
        await page.locator('summary').getByText(name, { exact: true }).click();
      for (const name of ['running', 'normal', 'healthy'])
        await page.locator('g.active > text.name').getByText(name, { exact: true }).first().waitFor();
      for (const name of ['phase', 'pressure', 'health'])
        await page.locator('summary').getByText(name, { exact: true }).click();
    });

    it('lights the arrows of transitions as they happen, with their rate', async () => {
      const lit = page.locator('.statechart g.lit').first();
      const waking = (async () => {
        for (let i = 0; i < 30 && !(await lit.isVisible()); i++) {
          store.append({ __name__: 'job_duration_seconds', job: `nightly-${i}` }, systemClock.now(), i);
          await page.waitForTimeout(60);
        }
      })();
      await lit.waitFor();
      await page.locator('text.rate').filter({ hasText: '/s' }).first().waitFor({ state: 'attached' });
      await waking;
    });

    it('draws every state on demand', async () => {
      await page.getByRole('button', { name: 'Every state' }).click();
      await page.locator('text.name').getByText('dropAfter').first().waitFor();
      await page.getByRole('button', { name: 'Overview' }).click();
    });

    it('shows one series: state, samples, chunks on a time axis, history', async () => {
      const field = page.getByRole('combobox', { name: 'Which series' });
      await field.fill('job_duration_seconds{job="nightly-29"}');
      await field.press('Enter');
      await page.locator('.picker .list button').first().click();
      await page.locator('.chunks rect').first().waitFor();
      await page.getByRole('cell', { name: 'seriesCreated' }).waitFor();
      await page.locator('.detail .uplot canvas').waitFor();
      expect(await address()).to.contain('series=');
    });
  });

  describe('Storage', () => {
    it('shows the figures of now, and an empty quarantine', async () => {
      await show('/storage');
      for (const title of ['Pressure', 'Journal', 'Checkpoint', 'Indexing queue', 'Memory'])
        await page.locator('.tile').getByText(title, { exact: true }).waitFor();
      await page.getByText('Nothing is quarantined.').waitFor();
      await page.locator('.bars').first().waitFor();
    });

    it("draws the store's own metrics over time", async () => {
      await page.locator('.columns .uplot').nth(3).waitFor();
    });
  });

  describe('All of them', () => {
    it('can be walked through by keyboard', async () => {
      await show('/explore');
      await page.locator('.uplot canvas').waitFor();
      // The skip link, the name, Explore, Dashboards, Actors.
      for (let i = 0; i < 5; i++) await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/actors/);
      await page.getByText('live', { exact: true }).waitFor();
    });

    for (const colorScheme of ['light', 'dark'] as const)
      it(`are readable in ${colorScheme}`, async () => {
        await context.close();
        page = await newPage(colorScheme);
        await page.emulateMedia({ reducedMotion: 'reduce', colorScheme });
        for (const [name, path] of Object.entries(picturedViews)) {
          await show(path);
          await page.locator('.panel').nth(1).waitFor();
          if (imageFolder !== undefined) await picture(name, join(imageFolder, `${name}-${colorScheme}.png`));
          const paper = await page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
          const [red] = paper.match(/\d+/g)!.map(Number);
          expect(red < 128).to.equal(colorScheme === 'dark');
        }
      });
  });
});

const picturedViews: Readonly<Record<string, string>> = {
  explore: '/explore?match=http_requests_total&range=5m',
  actors: '/actors',
  series: `/actors?match=room_temperature_celsius&series=${encodeURIComponent('{"__name__":"room_temperature_celsius","room":"attic"}')}`,
  storage: '/storage',
  replay: '/replay',
  dashboards: '/dashboards?id=house&range=5m&refresh=off',
};

const pictured = {
  version: 1,
  title: 'House and shop',
  range: '5m',
  panels: [
    { title: 'Temperature', queries: [{ expr: 'room_temperature_celsius', legend: '{{room}}' }], width: 8 },
    { title: 'Warmest room', kind: 'stat', queries: [{ expr: 'max(room_temperature_celsius)' }], width: 4 },
    {
      title: 'Requests per second',
      kind: 'stacked',
      queries: [{ expr: 'sum by (path) (rate(http_requests_total[1m]))', legend: '{{path}}' }],
      width: 8,
    },
    { title: 'Now', kind: 'table', queries: [{ expr: 'room_temperature_celsius' }], width: 4 },
  ],
};
