import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { coloredPixels, coloredShare, OpenPages } from './open-pages.ts';

const hourMs = 3_600_000;

describe('the line of a chart', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;
  const now = systemClock.now();

  /** Appends from `fromMs` ago on, every `stepMs`, until now. */
  const fill = (
    name: string,
    { fromMs, toMs = 0, stepMs }: { readonly fromMs: number; readonly toMs?: number; readonly stepMs: number },
    valueAt: (i: number) => number,
  ): void => {
    for (let time = now - fromMs, i = 0; time < now - toMs; time += stepMs, i++)
      pages.store.append({ __name__: name }, time, valueAt(i));
  };

  /** Appends a sample a time until the page has drawn the newest. */
  const appendUntilDrawn = async (name: string, firstValue: number): Promise<void> => {
    const count = 30;
    for (let i = 0; i < count; i++) {
      pages.store.append({ __name__: name }, systemClock.now(), firstValue + i);
      await page.waitForTimeout(50);
    }
    const last = (firstValue + count - 1).toLocaleString('en-US');
    await page.locator('.legend tbody tr').getByText(last).first().waitFor();
  };

  before(async function () {
    pages = await OpenPages.open(this);
    fill('long_counter', { fromMs: 3 * hourMs, stepMs: 1000 }, (i) => i);
    fill('constant_gauge', { fromMs: 3 * hourMs, stepMs: 1000 }, () => 7);
    fill('faster', { fromMs: 2 * hourMs, toMs: hourMs, stepMs: 15_000 }, (i) => i);
    fill('faster', { fromMs: hourMs, stepMs: 1000 }, (i) => i);
    fill('paused', { fromMs: 3 * hourMs, toMs: 2 * hourMs, stepMs: 1000 }, (i) => i);
    fill('paused', { fromMs: hourMs, stepMs: 1000 }, (i) => i);
    fill('lone', { fromMs: 5 * hourMs, toMs: 4 * hourMs, stepMs: 15_000 }, () => 0);
    pages.store.append({ __name__: 'lone' }, now - 2 * hourMs, 100);
    fill('lone', { fromMs: hourMs, stepMs: 15_000 }, () => 0);
    await pages.store.flush();
    page = await pages.newPage();
  });

  after(() => pages?.close());

  const draw = async (query: string): Promise<void> => {
    await pages.show(page, `/explore?${query}`);
    await page.locator('.legend tbody tr').waitFor();
  };

  it('of a counter of three hours is whole at 6 h while it is followed live', async () => {
    await draw('match=long_counter&range=6h&rate=0');
    expect(await coloredShare(page)).to.be.greaterThan(0.98);
    await appendUntilDrawn('long_counter', 10_800);
    expect(await coloredShare(page)).to.be.greaterThan(0.98);
  });

  it('of a constant gauge is whole at 6 h and at 1 d while it is followed live', async () => {
    for (const range of ['6h', '1d']) {
      await draw(`match=constant_gauge&range=${range}`);
      await page.waitForTimeout(600);
      expect(await coloredShare(page), range).to.be.greaterThan(0.98);
    }
  });

  it('is whole where the interval changed from 15 s to 1 s', async () => {
    for (const live of ['', '&live=0']) {
      await draw(`match=faster&range=6h${live}`);
      expect(await coloredShare(page)).to.be.greaterThan(0.98);
    }
  });

  it('is broken where nothing was recorded', async () => {
    await draw('match=paused&range=6h');
    expect(await coloredShare(page)).to.be.within(0.6, 0.72);
  });

  it('is broken by a pause that ends while it is followed live', async () => {
    const append = (fromMs: number, toMs: number): void => {
      for (let ago = fromMs; ago > toMs; ago -= 200)
        pages.store.append({ __name__: 'resumed' }, systemClock.now() - ago, 5);
    };
    append(50_000, 35_000);
    await draw('match=resumed&range=1m');
    expect(await coloredShare(page)).to.be.greaterThan(0.98);
    append(20_000, 15_000);
    // Drawn four times a second.
    for (let i = 0; i < 40 && (await coloredShare(page)) > 0.7; i++) await page.waitForTimeout(100);
    expect(await coloredShare(page)).to.be.within(0.4, 0.7);
  });

  it('shows a sample that has no neighbours', async () => {
    await draw('match=lone&range=6h&live=0');
    // The lone sample is the only one above zero.
    expect(await coloredPixels(page)).to.be.greaterThan(0);
    const top = await page.evaluate<number>(`(() => {
      const canvas = document.querySelector('.uplot canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height / 2);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 100 && Math.abs(data[at] - 0x14) + Math.abs(data[at + 1] - 0x6c) + Math.abs(data[at + 2] - 0x7f) < 90) count++;
      return count;
    })()`);
    expect(top).to.be.greaterThan(4);
  });
});
