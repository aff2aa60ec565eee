/** The Storage page: what it shows links to where it can be seen. And Explore leads to a quarantined series. */
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { recordRegistry, systemClock } from '../../src/index.ts';
import { waitUntil } from '../support/wait-until.ts';
import { appendOld, damage } from './damaged-series.ts';
import { OpenPages } from './open-pages.ts';

const sensor = { __name__: 'sensor', unit: 'damaged' };

describe('Storage', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;

  before(async function () {
    pages = await OpenPages.open(this);
    appendOld(pages.store, sensor, 3000);
    await pages.store.maintain();
    await pages.store.maintain();
    await damage(pages.store, sensor);
    const recording = recordRegistry(pages.store, pages.store.registry, { interval: 100, labels: { job: 'tidemark' } });
    await waitUntil(async () => (await pages.store.metrics('tidemark_memory_used_bytes')).length > 0);
    await recording.stop();
    const subscription = pages.store.subscribe('mail', { from: 'start' });
    await subscription.close();
    await pages.store.checkpoint();
    await pages.store.flush();
    page = await pages.newPage();
  });

  after(() => pages?.close());

  afterEach(() => {
    const complaints = pages.complaints;
    pages.complaints = [];
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
  });

  const address = (): Promise<string> => page.evaluate<string>('location.href');
  const show = (): Promise<void> => pages.show(page, '/storage');
  const tile = (name: string): Locator => page.getByRole('group', { name, exact: true });
  const goTo = async (link: Locator): Promise<URL> => {
    await link.click();
    return new URL(await address());
  };

  it('leads from each figure to its metric in Explore, and it is there', async () => {
    await show();
    const url = await goTo(tile('Memory').getByRole('link', { name: 'Memory: over time' }));
    expect(url.searchParams.get('match')).to.equal('tidemark_memory_used_bytes');
    await page.locator('.legend tbody tr').first().waitFor();
  });

  it('has no figure without such a link, and none that leads nowhere', async () => {
    await show();
    await tile('Samples taken').waitFor();
    const recorded = new Set((await pages.store.metrics([])).map((labels) => labels['__name__']));
    const hrefs = await page
      .locator('.tile')
      .evaluateAll((tiles) =>
        (tiles as unknown as { querySelectorAll(text: string): { href: string }[] }[]).map((one) =>
          [...one.querySelectorAll('a')].map(({ href }) => href),
        ),
      );
    expect(hrefs.length).to.be.at.least(12);
    for (const links of hrefs) {
      const toExplore = links.map((href) => new URL(href)).filter(({ pathname }) => pathname === '/explore');
      expect(toExplore.length, links.join()).to.be.at.least(1);
      for (const { searchParams } of toExplore)
        for (const match of searchParams.getAll('match')) expect(recorded, match).to.include(match);
    }
  });

  it('leads from the checkpoint to its place in Replay', async () => {
    await show();
    await goTo(tile('Checkpoint').getByRole('link', { name: 'Checkpoint: in Replay' }));
    await page.locator('.event-row[aria-selected=true]').getByText('checkpointWritten').waitFor();
  });

  it('leads from the pressure to its chart, and from the series to those of a state', async () => {
    await show();
    await goTo(tile('Pressure').getByRole('link', { name: 'Pressure: chart' }));
    await page.locator('.region[open] g.active > text.name').getByText('normal', { exact: true }).waitFor();
    await show();
    await goTo(tile('Series in memory').getByRole('link', { name: 'Series in memory: quarantined' }));
    await page.getByRole('list', { name: 'Series in this state' }).getByRole('button').first().waitFor();
  });

  it('leads from a quarantined series to its reason and its readable samples', async () => {
    await show();
    await goTo(page.getByRole('link', { name: 'sensor{unit="damaged"}' }));
    await page.getByRole('heading', { name: 'Quarantined series' }).waitFor();
    await page.getByText(/readable samples$/).waitFor();
  });

  it('leads from a subscription to its place in Replay and its lag over time', async () => {
    await show();
    const row = page.getByRole('row', { name: /^mail/ });
    const [position, lag] = await Promise.all([
      row.getByRole('link').nth(0).getAttribute('href'),
      row.getByRole('link').nth(1).getAttribute('href'),
    ]);
    expect(position).to.equal(`./replay?position=${pages.store.subscriptions()[0].position}`);
    expect(new URL(lag!, pages.origin).searchParams.get('match')).to.equal(
      'tidemark_subscription_lag_bytes{name="mail"}',
    );
  });

  it('leads from each chart to Explore, with its range', async () => {
    await show();
    const link = page.getByRole('link', { name: 'Series in memory in Explore' });
    await page.getByRole('button', { name: '15 min' }).click();
    await waitUntil(async () => ((await link.getAttribute('href')) ?? '').includes('range=15m'));
    expect(new URL((await link.getAttribute('href'))!, pages.origin).searchParams.getAll('match')).to.deep.equal([
      'prometheus_local_storage_memory_series',
      'prometheus_local_storage_memory_dirty_series',
    ]);
  });

  it('keeps the focus on a link while the figures change', async () => {
    await show();
    const link = tile('Samples taken').getByRole('link').first();
    await link.focus();
    const value = await tile('Samples taken').locator('.value').textContent();
    pages.store.append({ __name__: 'one_more' }, systemClock.now(), 1);
    await waitUntil(async () => (await tile('Samples taken').locator('.value').textContent()) !== value);
    expect(
      await link.evaluate(
        (element) =>
          element === (globalThis as unknown as { document: { activeElement: unknown } }).document.activeElement,
      ),
    ).to.equal(true);
  });

  it('does not say that nothing is quarantined before the server has said so', async () => {
    await page.route('**/ui/storage', (route) => route.abort());
    await show();
    await page.getByRole('alert').getByText('The server does not answer.').waitFor();
    expect(await page.getByText('Nothing is quarantined.').count()).to.equal(0);
    await page.unroute('**/ui/storage');
    pages.complaints = pages.complaints.filter((text) => !text.includes('ERR_FAILED'));
  });

  it('is reached from the events of Explore, too: a quarantined series', async () => {
    await pages.show(page, '/explore?match=tidemark_memory_used_bytes&range=15m');
    await page.locator('.store-events summary').click();
    await goTo(page.locator('.store-events').getByRole('link', { name: 'What is left of it' }));
    await page.getByRole('heading', { name: 'Quarantined series' }).waitFor();
  });
});
