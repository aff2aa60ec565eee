/** Replay of a journal with 60,000 lifecycle events. */
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { systemClock, TidemarkError } from '../../src/index.ts';
import { OpenPages } from './open-pages.ts';

const seriesCount = 40_000;
const alertCount = 20_000;

describe('Replay of a long journal', function () {
  this.timeout(120_000);
  let pages: OpenPages;
  let page: Page;
  /** What the page has asked for. */
  const requests: string[] = [];
  /** Bytes of all answers for Replay. */
  let received = 0;

  const where = (): Locator => page.locator('.where');
  const selected = (): Locator => page.locator('.event-row[aria-selected=true]');

  const fill = async (): Promise<void> => {
    const { store } = pages;
    for (let i = 0; i < seriesCount; i++) {
      try {
        store.append({ __name__: 'many', i: String(i) }, systemClock.now(), i);
      } catch (error) {
        if (!(error instanceof TidemarkError && error.code === 'TIDEMARK_THROTTLED')) throw error;
        await store.ready();
        i--;
      }
      if (i % 5000 === 0) await store.flush();
    }
    await store.flush();
    for (let i = 0; i < alertCount; i++) {
      const facts = {
        time: systemClock.now(),
        episode: `e-${i >> 1}`,
        group: 'g',
        rule: 'R',
        annotations: {},
        value: '1',
      };
      const alert = { ...facts, labels: { alertname: 'R', n: String(i >> 1) }, activeAt: facts.time };
      store.publishAlert(
        i % 2 === 0 ? { ...alert, type: 'alertFired' } : { ...alert, type: 'alertResolved', was: 'firing' },
      );
    }
    await store.drop('many{i="20000"}');
    await store.flush();
  };

  before(async function () {
    pages = await OpenPages.open(this);
    await fill();
    page = await pages.newPage();
    page.on('response', async (response) => {
      if (!response.url().includes('/ui/replay')) return;
      requests.push(response.url());
      received += (await response.body().catch(() => Buffer.alloc(0))).length;
    });
  });

  after(() => pages?.close());

  it('opens at the end, with little loaded', async () => {
    await pages.show(page, '/replay');
    // The store may go on with its own work meanwhile.
    await where()
      .getByText(/^([\d,]+) of \1 /)
      .waitFor();
    await page.locator('.moment dl').first().waitFor();
    const count = Number((await where().textContent())!.split(' of ')[0].replaceAll(',', ''));
    expect(count).to.be.at.least(seriesCount + alertCount);
    expect(await page.locator('.event-row').count()).to.be.below(60);
    expect(received).to.be.below(300_000);
  });

  it('knows the states at any place, and does not load what is before it', async () => {
    received = 0;
    await page.evaluate('document.querySelector(".event-list").scrollTop = 20000 * 26');
    const row = page.locator('#event-20010');
    await row.getByText('seriesCreated').waitFor();
    await row.click();
    await page.locator('.counts').getByText('20,009 → 20,010').waitFor();
    expect(received).to.be.below(150_000);
    const link = await page.evaluate<string>('location.href');
    await page.goto('about:blank');
    received = 0;
    await page.goto(link);
    await where()
      .getByText(/^20,011 of/)
      .waitFor();
    await page.locator('.counts').getByText('20,009 → 20,010').waitFor();
    expect(received).to.be.below(300_000);
  });

  it('goes from the last event of a series to its first one', async () => {
    await pages.show(page, `/replay?match=${encodeURIComponent('many{i="20000"}')}`);
    await selected().getByText('seriesPurged').waitFor();
    await page.getByRole('button', { name: 'First event of the list' }).click();
    await selected().getByText('seriesCreated').waitFor();
    await page
      .locator('.series-at')
      .getByText(/^1 of \d up to here$/)
      .waitFor();
  });

  it('stops at a breakpoint far away', async () => {
    await pages.show(page, '/replay?position=1&speed=x3600&stopTypes=alertFired');
    await where().getByText(/^1 of/).waitFor();
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    // The page draws each step of the way, which takes nine seconds, and more on a busy machine.
    await where().getByText('alertFired  stopped at a breakpoint').waitFor({ timeout: 60_000 });
    expect(await where().textContent()).to.match(/^40,002 of/);
  });
});
