/** The page Dashboards by axe, in light, in dark and on a phone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { inEachMode, violationsOf, widthsOf } from './axe.ts';
import { OpenPages } from './open-pages.ts';

const dashboard = {
  version: 1,
  title: 'Everything',
  range: '15m',
  variables: [
    { name: 'room', kind: 'query', query: 'label_values(room_celsius, room)', multi: true, all: true },
    { name: 'kind', kind: 'list', values: ['a', 'b'] },
    { name: 'broken', kind: 'query', query: 'label_values({, room)' },
  ],
  panels: [
    { title: 'Lines', queries: [{ expr: 'room_celsius{room=~"$room"}', legend: '{{room}}' }] },
    { title: 'Stacked', kind: 'stacked', queries: [{ expr: 'room_celsius' }] },
    { title: 'Figure', kind: 'stat', width: 3, height: 'small', queries: [{ expr: 'max(room_celsius)' }] },
    { title: 'Figures', kind: 'stat', width: 9, height: 'small', queries: [{ expr: 'room_celsius' }] },
    { title: 'Table', kind: 'table', queries: [{ expr: 'room_celsius' }] },
    { title: 'Heatmap', kind: 'heatmap', queries: [{ expr: 'rate(latency_bucket[1m])' }] },
    { title: 'Empty', queries: [{ expr: 'nothing' }] },
    { title: 'Wrong', queries: [{ expr: 'sum(' }] },
  ],
};

describe('Dashboards for everybody', function () {
  this.timeout(60_000);
  let pages: OpenPages;

  before(async function () {
    pages = await OpenPages.open(this);
    const now = systemClock.now();
    for (let i = 0; i < 100; i++)
      for (const [n, le] of ['1', '2', '+Inf'].entries()) {
        pages.store.append({ __name__: 'room_celsius', room: `room ${n}` }, now - 600_000 + i * 5000, n + i / 100);
        pages.store.append({ __name__: 'latency_bucket', le }, now - 600_000 + i * 5000, (n + 1) * i);
      }
    await pages.store.flush();
    mkdirSync(join(pages.directory, 'dashboards'));
    writeFileSync(join(pages.directory, 'dashboards', 'everything.json'), JSON.stringify(dashboard));
    writeFileSync(join(pages.directory, 'dashboards', 'broken.json'), '{');
  });

  after(() => pages?.close());

  let page: Page;

  inEachMode(
    () => pages,
    (next) => {
      page = next;
    },
    () => {
      const isAsWideAsTheWindow = async (): Promise<void> => {
        const [content, window] = await widthsOf(page);
        expect(content).to.be.at.most(window);
      };

      const drawn = async (): Promise<void> => {
        await pages.show(page, '/dashboards?id=everything');
        for (const title of ['Lines', 'Wrong']) {
          const panel = page.getByRole('region', { name: title, exact: true });
          await panel.scrollIntoViewIfNeeded();
          await panel.locator(title === 'Lines' ? '.uplot canvas' : '.failure').waitFor();
        }
      };
      it('the list, with an import that leaves something out', async () => {
        await pages.show(page, '/dashboards?add=up');
        await page.getByRole('row').filter({ hasText: 'broken' }).waitFor();
        const text = JSON.stringify({
          schemaVersion: 39,
          panels: [{ type: 'text' }, { type: 'graph', targets: [{ expr: 'up' }] }],
        });
        await page.getByRole('textbox', { name: 'JSON of a dashboard' }).fill(text);
        await page.getByRole('button', { name: 'Read the text' }).click();
        await page.getByRole('region', { name: 'What is left out' }).waitFor();
        expect(await violationsOf(page)).to.deep.equal([]);
        await isAsWideAsTheWindow();
      });

      it('a dashboard of all kinds of panels', async () => {
        await drawn();
        expect(await violationsOf(page)).to.deep.equal([]);
        await isAsWideAsTheWindow();
      });

      it('its menus', async () => {
        await drawn();
        await page.locator('.variables summary').click();
        expect(await violationsOf(page)).to.deep.equal([]);
        await page.locator('.variables summary').click();
        await page.getByRole('region', { name: 'Lines', exact: true }).locator('summary').click();
        expect(await violationsOf(page)).to.deep.equal([]);
        await isAsWideAsTheWindow();
      });

      it('the dialog of a panel, with the editor', async () => {
        await drawn();
        await page.getByRole('region', { name: 'Lines', exact: true }).locator('summary').click();
        await page.getByRole('button', { name: 'Edit…' }).click();
        await page.getByRole('dialog').locator('.preview .uplot canvas').waitFor();
        await page.getByRole('textbox', { name: 'Query 1', exact: true }).focus();
        await page.locator('.cm-content').waitFor();
        expect(await violationsOf(page)).to.deep.equal([]);
        await isAsWideAsTheWindow();
      });

      it('the dialogs of the settings and of the title', async () => {
        await drawn();
        await page.getByRole('button', { name: 'Settings…' }).click();
        await page.getByRole('dialog').getByLabel('Title').fill('');
        await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
        await page.getByRole('dialog').getByRole('alert').waitFor();
        expect(await violationsOf(page)).to.deep.equal([]);
        await page.getByRole('button', { name: 'Cancel' }).click();
        await page.getByRole('button', { name: 'Save as…' }).click();
        expect(await violationsOf(page)).to.deep.equal([]);
      });
    },
  );
});
