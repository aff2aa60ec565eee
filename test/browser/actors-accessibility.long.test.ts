/** The pages Actors and Storage by axe, in light, in dark and on a phone. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { inEachMode, violationsOf, widthsOf } from './axe.ts';
import { appendOld, damage } from './damaged-series.ts';
import { OpenPages } from './open-pages.ts';

const sensor = { __name__: 'sensor', unit: 'damaged' };
const job = { __name__: 'job_seconds', job: 'nightly-1' };

describe('Actors and Storage for everybody', function () {
  this.timeout(60_000);
  let pages: OpenPages;

  before(async function () {
    pages = await OpenPages.open(this);
    appendOld(pages.store, sensor, 3000);
    for (let i = 0; i < 30; i++) appendOld(pages.store, { ...job, job: `nightly-${i}` }, 3);
    await pages.store.maintain();
    await pages.store.maintain();
    for (const room of ['attic', 'cellar'])
      for (let i = 0; i < 20; i++)
        pages.store.append({ __name__: 'temperature', room }, systemClock.now() - 20_000 + i * 1000, i);
    await damage(pages.store, sensor);
    const subscription = pages.store.subscribe('mail', { from: 'start' });
    await subscription.close();
    await pages.store.checkpoint();
  });

  after(() => pages?.close());

  /** Addresses, and what is on the page when it shows everything. */
  const views = (): Readonly<Record<string, readonly [address: string, ready: string]>> => ({
    'the charts': ['/actors', '.statechart text.total'],
    'every state, and the regions open': ['/actors?depth=full&regions=phase,pressure,checkpoint', '.region g.active'],
    'the series in a state': ['/actors?state=archived', '.state-list .names button'],
    'a followed series': [`/actors?series=${encodeURIComponent(JSON.stringify(job))}`, '.detail .chunks rect'],
    'a quarantined series': [
      `/actors?quarantined=${pages.store.series(sensor).fingerprint}&state=quarantined`,
      '.detail .uplot canvas',
    ],
    storage: ['/storage', '.events a'],
  });

  let page: Page;

  inEachMode(
    () => pages,
    (next) => {
      page = next;
    },
    () => {
      for (const name of [
        'the charts',
        'every state, and the regions open',
        'the series in a state',
        'a followed series',
        'a quarantined series',
        'storage',
      ])
        it(`has no violation that axe finds, and is not wider than the window: ${name}`, async () => {
          const [address, ready] = views()[name];
          await pages.show(page, address);
          await page.locator(ready).first().waitFor();
          if (address.startsWith('/actors')) {
            await page.getByText('live', { exact: true }).waitFor();
            for (const summary of await page.locator('.state-table summary').all())
              if (await summary.isVisible()) await summary.click();
          }
          expect(await violationsOf(page)).to.deep.equal([]);
          const [inner, outer] = await widthsOf(page);
          expect(inner).to.be.at.most(outer);
        });
    },
  );
});
