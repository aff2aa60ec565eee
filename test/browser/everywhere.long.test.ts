/** What holds on every page: headings, controls that can be seen, a server that stops, restarts, or asks for another token. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { PagesServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/index.ts';
import { inEachMode, violationsOf, widthsOf } from './axe.ts';
import { OpenPages } from './open-pages.ts';

/** The pages, and what is there when they have loaded. */
const loaded: Readonly<Record<string, string>> = {
  '/explore?match=temperature&range=15m': '.legend tbody tr',
  '/alerts': '.panel',
  '/replay': '.event-row[aria-selected=true]',
};

/** The contrast of each visible control's edge, or of its text if it has no edge, to what is around it. */
const weakControls = `(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const around = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const color = channels(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const controls = [...document.querySelectorAll('button, select, input, summary, [role=slider]')];
  return controls
    .filter((control) => control.checkVisibility() && !control.disabled && control.ariaDisabled !== 'true')
    .filter((control) => control.type !== 'file')
    .map((control) => {
      const style = getComputedStyle(control);
      const hasEdge = style.borderTopStyle !== 'none' && parseFloat(style.borderTopWidth) > 0;
      const color = channels(hasEdge ? style.borderTopColor : style.color);
      return { name: control.textContent.slice(0, 30) || control.ariaLabel, ratio: contrast(color, around(control.parentElement)) };
    })
    .filter(({ ratio }) => ratio < 3)
    .map(({ name, ratio }) => name + ': ' + ratio.toFixed(2));
})()`;

describe('every page', function () {
  this.timeout(60_000);
  let pages: OpenPages;

  before(async function () {
    pages = await OpenPages.open(this);
    const now = systemClock.now();
    for (let i = 0; i < 100; i++)
      for (let room = 0; room < 3; room++)
        pages.store.append({ __name__: 'temperature', room: `room ${room}` }, now - 600_000 + i * 5000, room + i / 100);
    await pages.store.flush();
  });

  after(() => pages?.close());

  let page: Page;

  inEachMode(
    () => pages,
    (next) => {
      page = next;
    },
    () => {
      for (const [path, content] of Object.entries(loaded)) {
        const name = path.split('?')[0];

        it(`${name} has one h1, controls with a contrast of 3:1, and no violation that axe finds`, async () => {
          await pages.show(page, path);
          await page.locator(content).first().waitFor();
          expect(await page.locator('h1').count()).to.equal(1);
          expect(await page.evaluate<string[]>(weakControls)).to.deep.equal([]);
          expect(await violationsOf(page)).to.deep.equal([]);
          const [inner, outer] = await widthsOf(page);
          expect(inner).to.be.at.most(outer);
        });

        it(`${name} has the skip link first`, async () => {
          await pages.show(page, path);
          await page.locator(content).first().waitFor();
          await page.keyboard.press('Tab');
          expect(await page.evaluate<string>('document.activeElement.textContent')).to.equal('Skip to the content');
          await page.keyboard.press('Enter');
          expect(await page.evaluate<string>('document.activeElement.id')).to.equal('page');
        });
      }
    },
  );

  for (const path of Object.keys(loaded)) {
    const name = path.split('?')[0];

    it(`${name} says that the token is not valid any more, and nothing else`, async () => {
      const page = await pages.newPage();
      await pages.show(page, path);
      await page.locator(loaded[path]).first().waitFor();
      await page.context().clearCookies();
      await page.getByRole('heading', { name: 'This page is locked' }).waitFor();
      await page.getByRole('alert').getByText('The token is missing or not valid any more').waitFor();
      expect(await page.getByText(/Nothing is recorded|no lifecycle events|No rules/).count()).to.equal(0);
      await page.context().close();
    });
  }

  it('says that there is nothing only when the server has said so', async () => {
    const page = await pages.newPage();
    await page.route('**/ui/replay?**', (route) => route.abort());
    await page.goto(`${pages.origin}/replay`);
    await page.getByRole('alert').getByText('The server does not answer.').waitFor();
    expect(await page.getByText(/no lifecycle events/).count()).to.equal(0);
    await page.unroute('**/ui/replay?**');
    await page.locator('.event-row[aria-selected=true]').waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.context().close();
  });
});

describe('a page while the server stops and starts again', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let server: PagesServer | undefined;

  const start = async (port: number, token: string): Promise<void> => {
    server = new PagesServer({ port, token, clock: systemClock });
    await server.listen();
    server.showStore(pages.store);
  };

  before(async function () {
    pages = await OpenPages.open(this);
    pages.store.append({ __name__: 'temperature', room: 'hall' }, systemClock.now(), 1);
    await pages.store.flush();
  });

  after(() => pages?.close());

  afterEach(() => server?.close());

  for (const [path, content] of Object.entries(loaded))
    it(`says so, and goes on with the same token: ${path.split('?')[0]}`, async () => {
      await start(0, 'kept-token');
      const port = server!.port;
      const page = await pages.newPage();
      await page.goto(`http://127.0.0.1:${port}/explore?token=kept-token`);
      await page.goto(`http://127.0.0.1:${port}${path}`);
      await page.locator(content).first().waitFor();

      await server!.close();
      await page.locator('#connection.bad').getByText('no connection').waitFor();
      await start(port, 'kept-token');
      await page.locator('#connection.good').waitFor();
      await page.locator(content).first().waitFor();
      await page.getByRole('alert').waitFor({ state: 'detached' });

      await server!.close();
      await start(port, 'other-token');
      await page.getByRole('heading', { name: 'This page is locked' }).waitFor();
      await page.locator('#connection.bad').getByText('locked').waitFor();
      await page.context().close();
    });
});
