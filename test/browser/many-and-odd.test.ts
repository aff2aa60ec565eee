/** Explore with many series, with names in any script, and with a series that a query finds damaged. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { OpenPages } from './open-pages.ts';

const minuteMs = 60_000;

describe('Explore', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;
  const now = systemClock.now();

  before(async function () {
    pages = await OpenPages.open(this);
    const { store } = pages;
    for (let i = 0; i < 60; i++) {
      const time = now - 10 * minuteMs + i * 10_000;
      for (let n = 0; n < 540; n++) store.append({ __name__: 'many', n: String(n) }, time, n + i / 60);
      store.append({ __name__: 'température.°C', 'salle à manger': 'l’étage "haut" \\ 部屋' }, time, 20 + i / 60);
    }
    for (let i = 0; i < 60; i++) store.append({ __name__: 'ancient' }, now - 5 * 60 * minuteMs + i * 1000, i);
    // Old enough to be only on disk after two visits; its values do not compress, so it has several chunks.
    for (let i = 0; i < 1500; i++)
      store.append({ __name__: 'worn' }, now - 3 * 60 * minuteMs + i * 1000, Math.sin(i) * 1e9);
    await store.flush();
    for (let i = 0; i < 3; i++) await store.maintain();
    page = await pages.newPage();
  });

  after(() => pages?.close());

  afterEach(() => {
    const { complaints } = pages;
    pages.complaints = [];
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
  });

  it('draws the highest 50 of 540 series, and says how many there are', async () => {
    await pages.show(page, '/explore?match=many&range=15m');
    await page.locator('.legend tbody tr').nth(49).waitFor();
    expect(await page.locator('.legend tbody tr').count()).to.equal(50);
    await page
      .getByText(/540 series/)
      .first()
      .waitFor();
    const names = await page.locator('.legend .toggle').allTextContents();
    expect(names.some((name) => name.includes('539'))).to.equal(true);
    expect(names.some((name) => /"1"|^1$/.test(name))).to.equal(false);
  });

  it('does not keep the range that it has chosen for old samples when another metric is picked', async () => {
    await pages.show(page, '/explore');
    await page.waitForURL(/match=ancient&start=\d+/);
    await page.locator('.legend tbody tr').waitFor();
    await page.getByRole('button', { name: 'many', exact: true }).click();
    await page.locator('.legend tbody tr').nth(49).waitFor();
    await page.waitForURL(/match=many&range=5m/);
    await page.getByRole('button', { name: 'Live', pressed: true }).waitFor();
  });

  it('picks a metric and quotes a label in any script', async () => {
    await pages.show(page, '/explore');
    await page.getByRole('button', { name: 'température.°C' }).click();
    await page.locator('.legend tbody tr').waitFor();
    expect(new URL(page.url()).searchParams.get('match')).to.equal('{"température.°C"}');
    const selector = '{"température.°C", "salle à manger"="l’étage \\"haut\\" \\\\ 部屋"}';
    await pages.show(page, `/explore?match=${encodeURIComponent(selector)}&range=15m`);
    await page.getByText('1 series').waitFor();
    // The same series, by the same selector, in Replay.
    await pages.show(page, `/replay?match=${encodeURIComponent(selector)}`);
    await page.locator('.event-row[aria-selected=true]').getByText('部屋').waitFor();
    await page.locator('.series-at .uplot canvas').waitFor();
  });

  it('tells that a query found a damaged series; its mark leads to Replay', async () => {
    // No other page reads it before, so that no chunk of it is in memory.
    await pages.show(page, '/alerts');
    const { fingerprint } = pages.store.series({ __name__: 'worn' });
    expect(pages.store.series({ __name__: 'worn' }).state).to.equal('archived');
    const folder = join(pages.directory, fingerprint.slice(0, 2));
    const file = readdirSync(folder).find((name) => name === `${fingerprint.slice(2)}.db`)!;
    const bytes = readFileSync(join(folder, file));
    // The encoding of the second chunk.
    bytes[1041] = 9;
    writeFileSync(join(folder, file), bytes);
    await pages.show(page, '/explore?match=worn&range=6h');
    await page
      .locator('p.warn')
      .getByText(/worn: .*unknown chunk encoding 9/)
      .waitFor();
    // The next answer has nothing of the series.
    await page.getByText('No series matches this selector').waitFor();
    await page
      .locator('p.warn')
      .getByText(/worn: .*unknown chunk encoding 9/)
      .waitFor();
    await page.locator('.store-events summary').waitFor();
    await page.locator('.store-events summary').click();
    await page.locator('.store-events a', { hasText: 'quarantined worn' }).click();
    await page.locator('.event-row[aria-selected=true]').getByText('seriesQuarantined').waitFor();
    await page
      .locator('.moment')
      .getByText(/encoding/)
      .waitFor();
    await page.locator('.changes td').getByText('quarantined', { exact: true }).waitFor();
    await page.locator('.counts').getByText('0 → 1').waitFor();
    await page.locator('g.active > text.name').getByText('quarantined', { exact: true }).waitFor();
  });
});
