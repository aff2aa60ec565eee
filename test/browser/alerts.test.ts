/** The page Alerts in a browser: rules that run on a store, an alert that fires and ends while the page is open. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { PagesServer } from '../../src/http/index.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import { type RuleGroup, type RunningRules, startRules } from '../../src/rules/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where screenshots for the documentation go; only when they are asked for. */
const imageFolder = process.env['UPDATE_DOCS'] ? join(process.cwd(), 'docs', 'images') : undefined;
const shotFolder = process.env['TIDEMARK_SHOTS'];

const minuteMs = 60_000;

const groups: readonly RuleGroup[] = [
  {
    name: 'rooms',
    interval: '1h',
    file: 'rooms.yml',
    rules: [
      { record: 'room:temperature_celsius:max', expr: 'max by (room) (temperature_celsius)' },
      {
        alert: 'RoomTooHot',
        expr: 'room:temperature_celsius:max > 30',
        labels: { severity: 'page' },
        annotations: { summary: '{{ $labels.room }} has {{ printf "%.1f" $value }} °C' },
      },
      { alert: 'RoomTooCold', expr: 'room:temperature_celsius:max < 5', for: '10m' },
      { alert: 'Contradiction', expr: 'temperature_celsius + on(room) group_left twins > 1' },
    ],
  },
];

describe('the page Alerts in a browser', function () {
  this.timeout(60_000);
  let store: Store;
  let rules: RunningRules;
  let server: PagesServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[] = [];
  let now = 0;

  const openPage = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<void> => {
    await context?.close();
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.url);
  };

  const show = async (path: string): Promise<void> => {
    await page.goto(`http://127.0.0.1:${server.port}${path}`);
    await page.locator('#connection.good').waitFor();
  };

  /** Appends a temperature for a minute, and has the rules evaluated at its end. */
  const pass = async (kitchen: number): Promise<void> => {
    now += minuteMs;
    store.append({ __name__: 'temperature_celsius', room: 'kitchen' }, now, kitchen);
    store.append({ __name__: 'temperature_celsius', room: 'cellar' }, now, 3.5);
    for (const twin of ['a', 'b']) store.append({ __name__: 'twins', room: 'kitchen', twin }, now, 1);
    await rules.evaluate(now);
  };

  const alertRow = (): ReturnType<Page['locator']> =>
    page.getByRole('region', { name: 'Active alerts' }).locator('tr').filter({ hasText: 'RoomTooHot' });

  const countOf = (state: string): ReturnType<Page['locator']> =>
    page
      .locator('.statechart g')
      .filter({ has: page.locator('text.name').getByText(state, { exact: true }) })
      .locator('text.count');

  before(async function () {
    if (!browserIsThere) {
      process.stderr.write(`skipped: ${browserIsMissing}\n`);
      this.skip();
    }
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    rules = await startRules(store, groups);
    server = new PagesServer({ port: 0, clock: systemClock, rules });
    await server.listen();
    server.showStore(store);
    now = systemClock.now() - 11 * minuteMs;
    for (let minute = 0; minute < 10; minute++) await pass(26 + minute * 0.3);
    browser = await launchBrowser();
    await openPage();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    await rules?.stop();
    await store?.close();
    removeTemporaryDirectories();
  });

  afterEach(() => {
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
    complaints = [];
  });

  it('lists the rules with their group, values, evaluations and errors', async () => {
    await show('/alerts');
    const table = page.getByRole('region', { name: 'Rules by group' });
    await table.getByText('rooms.yml, every').waitFor();
    const row = table.locator('tr').filter({ hasText: 'room:temperature_celsius:max' });
    await row.getByText('3.5 to 28.7, 2 series').waitFor();
    await row.getByText('ok', { exact: true }).waitFor();
    await row.getByText(/\d ms$/).waitFor();
    await table.locator('tr').filter({ hasText: 'Contradiction' }).getByText('failed').waitFor();
    await table.getByText(/many-to-many|multiple matches/).waitFor();
  });

  it('shows that an alert is pending, with the time since when', async () => {
    const cold = page.getByRole('region', { name: 'Active alerts' }).locator('tr').filter({ hasText: 'RoomTooCold' });
    await cold.getByText('pending').waitFor();
    await countOf('pending').getByText('1', { exact: true }).waitFor();
    expect(await alertRow().count()).to.equal(0);
  });

  it('shows an alert that fires while the page is open, and lights the arrow of its transition', async () => {
    await page.getByText('live', { exact: true }).waitFor();
    const lit = page.locator('.statechart g.lit').first().waitFor();
    await pass(31.5);
    await lit;
    await alertRow().getByText('firing', { exact: true }).waitFor();
    await alertRow().getByText('kitchen has 31.5 °C').waitFor();
    await countOf('active').getByText('2', { exact: true }).waitFor();
    await page.getByRole('status').getByText('2 firing').waitFor();
  });

  it('draws the expression of a picked rule with its threshold, and the history of its alerts', async () => {
    await page.getByRole('button', { name: 'RoomTooHot' }).click();
    await page.locator('.uplot canvas').waitFor();
    await page.getByText('threshold > 30').waitFor();
    const line = page.locator('.uplot .threshold');
    await line.getByText('30', { exact: true }).waitFor();
    const [place, plot] = await Promise.all([line.boundingBox(), page.locator('.uplot .u-over').boundingBox()]);
    expect(place!.y).to.be.within(plot!.y, plot!.y + plot!.height);
    // The compared side is drawn: also the room whose temperature does not pass the threshold.
    expect(await page.locator('.legend tbody tr').count()).to.equal(2);
    const history = page.getByRole('region', { name: 'History of the alerts' });
    await history.getByRole('cell', { name: 'alertFired' }).waitFor();
    expect(await page.evaluate<string>('location.search')).to.equal('?group=rooms&rule=RoomTooHot');
  });

  it('shows the end of the alert, in the list and in the history', async () => {
    await pass(22);
    await page
      .getByRole('region', { name: 'History of the alerts' })
      .getByRole('cell', { name: 'alertResolved' })
      .waitFor();
    await alertRow().waitFor({ state: 'detached' });
    await countOf('resolved').getByText('1', { exact: true }).waitFor();
    await pass(32);
    await alertRow().waitFor();
  });

  it('can be used by keyboard', async () => {
    await page.getByRole('button', { name: 'RoomTooHot' }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('threshold < 5').waitFor();
    expect(await page.evaluate<string>('document.activeElement.textContent')).to.equal('RoomTooCold');
  });

  it('shows the alerts on the page Actors, too', async () => {
    await show('/actors');
    const panel = page.getByRole('region', { name: 'Alerts' });
    await panel.locator('text.name').getByText('resolved').waitFor();
    await panel.locator('text.count').getByText('2', { exact: true }).waitFor();
  });

  for (const [name, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'light', viewport: { width: 390, height: 840 } }],
  ] as const)
    it(`has nothing to complain about for axe: ${name}`, async () => {
      await openPage({ ...options, reducedMotion: 'reduce' });
      await show('/alerts?group=rooms&rule=RoomTooHot');
      await page.locator('.uplot .threshold').waitFor();
      await page.getByRole('region', { name: 'History of the alerts' }).waitFor();
      if (imageFolder !== undefined && name !== 'phone') {
        // The documentation shows the directory of its examples, not one of a test.
        await page.getByText(store.directory, { exact: true }).evaluate((place) => {
          place.textContent = './data';
        });
        await page.screenshot({ path: join(imageFolder, `alerts-${name}.png`) });
      }
      if (shotFolder !== undefined)
        await page.screenshot({ path: join(shotFolder, `alerts-${name}.png`), fullPage: true });
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate<{
        violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
      }>('axe.run()');
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`);
      expect(found).to.deep.equal([]);
      const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate<number>(wider), 'pixels wider than the screen').to.equal(0);
    });

  it('explains how to start rules where there are none', async () => {
    const bare = new PagesServer({ port: 0, clock: systemClock });
    await bare.listen();
    bare.showStore(store);
    try {
      await page.goto(bare.url);
      await page.goto(`http://127.0.0.1:${bare.port}/alerts`);
      await page.getByText('No rules are evaluated').waitFor();
      await page.getByText('tidemark serve ./data --rules rules.yml').waitFor();
    } finally {
      await bare.close();
    }
  });
});
