/** The Explore page by axe, in light, in dark and on a phone; and by keyboard. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { inEachMode, violationsOf, widthsOf } from './axe.ts';
import { OpenPages } from './open-pages.ts';

const views = {
  chart: 'match=temperature&range=15m',
  'two queries': 'match=temperature&match=sum(temperature)&range=15m&patterns=1',
  stacked: 'match=temperature&range=15m&view=stacked',
  heatmap: 'match=latency_bucket&range=15m&view=heatmap',
  table: 'match=temperature&range=15m&view=table',
  samples: 'match=temperature&range=15m&view=samples',
  'an empty result': 'match=nothing&range=15m',
};

describe('Explore for everybody', function () {
  this.timeout(60_000);
  let pages: OpenPages;

  before(async function () {
    pages = await OpenPages.open(this);
    const now = systemClock.now();
    for (let i = 0; i < 100; i++) {
      for (let room = 0; room < 10; room++)
        pages.store.append({ __name__: 'temperature', room: `room ${room}` }, now - 600_000 + i * 5000, room + i / 100);
      for (const [n, le] of ['1', '2', '+Inf'].entries())
        pages.store.append({ __name__: 'latency_bucket', le }, now - 600_000 + i * 5000, (n + 1) * i);
    }
    await pages.store.flush();
    await pages.store.checkpoint();
  });

  after(() => pages?.close());

  let page: Page;

  inEachMode(
    () => pages,
    (next) => {
      page = next;
    },
    () => {
      for (const [name, query] of Object.entries(views))
        it(`has no violation that axe finds: ${name}`, async () => {
          await pages.show(page, `/explore?${query}`);
          await page.locator('.output > *').waitFor();
          expect(await violationsOf(page)).to.deep.equal([]);
        });

      it('has no violation that axe finds: with the editor and the builder open', async () => {
        await pages.show(page, '/explore?match=temperature&range=15m');
        await page.locator('.output > *').waitFor();
        await page.getByText('Builder', { exact: true }).click();
        await page.getByLabel('Metric', { exact: true }).fill('temperature');
        await page.getByRole('button', { name: 'Add a filter' }).click();
        await page.getByRole('textbox', { name: 'Query', exact: true }).focus();
        await page.locator('.cm-content').waitFor();
        await page.keyboard.type('{');
        await page.locator('.cm-tooltip-autocomplete').waitFor();
        expect(await violationsOf(page)).to.deep.equal([]);
      });

      it('is not wider than the window', async () => {
        for (const query of Object.values(views)) {
          await pages.show(page, `/explore?${query}`);
          await page.locator('.output > *').waitFor();
          const [inner, outer] = await widthsOf(page);
          expect(inner, query).to.be.at.most(outer);
        }
      });
    },
  );

  it('goes to the content by its first link, and through lists by arrows', async () => {
    const page = await pages.newPage();
    await pages.show(page, '/explore?match=temperature&range=15m');
    await page.locator('.legend tbody tr').first().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate<string>('document.activeElement.id')).to.equal('page');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.textContent');
    expect(await focused()).to.equal('temperature');
    await page.keyboard.press('ArrowUp');
    expect(await focused()).to.equal('latency_bucket');
    await page.keyboard.press('End');
    expect(await focused()).to.equal('temperature');
    await page.keyboard.press('Tab');
    await page.locator('.cm-editor.cm-focused').waitFor();
    await page.context().close();
  });

  it('says that the token is not valid any more, and nothing else', async () => {
    const page = await pages.newPage();
    await pages.show(page, '/explore?match=temperature&range=15m');
    await page.locator('.legend tbody tr').first().waitFor();
    await page.context().clearCookies();
    await page.getByRole('heading', { name: 'This page is locked' }).waitFor();
    await page.getByRole('alert').getByText('The token is missing or not valid any more').waitFor();
    expect(await page.getByText('Nothing is recorded').count()).to.equal(0);
    await page.context().close();
  });

  it('says that nothing is recorded only when the server has said so', async () => {
    const page = await pages.newPage();
    await page.route('**/label/__name__/values', (route) => route.abort());
    await page.goto(`${pages.origin}/explore`);
    await page.locator('aside .empty').getByText('The server does not answer.').waitFor();
    await page.unroute('**/label/__name__/values');
    await page.context().close();
  });
});
