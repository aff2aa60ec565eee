/** Replay of files: small ones, large ones, and ones with mistakes. */
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { fingerprint, one, opened } from '../timeline/some-events.ts';
import { OpenPages } from './open-pages.ts';

/** More rows than a scroll bar can have with a row height each. */
const manyEvents = 320_000;

describe('Replay of a file', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;
  let folder: string;

  const where = (): Locator => page.locator('.where');
  const selected = (): Locator => page.locator('.event-row[aria-selected=true]');
  const openFile = async (name: string, lines: readonly (object | string)[]): Promise<void> => {
    const texts = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
    const buffer = Buffer.from(texts.join(''));
    await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/plain', buffer });
  };

  before(async function () {
    pages = await OpenPages.open(this);
    page = await pages.newPage();
    folder = mkdtempSync(join(tmpdir(), 'tidemark-files-'));
  });

  after(async () => {
    await pages?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await pages.show(page, '/replay');
    await selected().waitFor();
  });

  it('shows its events and states, and goes back to the journal', async () => {
    await openFile('run.jsonl', [
      opened(1),
      one('seriesCreated', 10, 2),
      { type: 'samplesAppended', time: 3 },
      one('seriesArchived', 10, 4),
    ]);
    await page.getByText('run.jsonl, 3 lifecycle events').waitFor();
    await where()
      .getByText(/^3 of 3/)
      .waitFor();
    await page.locator('g.active > text.name').getByText('archived', { exact: true }).waitFor();
    await page.locator('.changes').getByText('up{n="10"}').waitFor();
    await page.getByRole('button', { name: 'Back one event' }).click();
    await where()
      .getByText(/^2 of 3/)
      .waitFor();
    await page.getByRole('button', { name: 'Back to the journal' }).click();
    await page.getByText(/^The journal of this store, /).waitFor();
  });

  it('is filtered by a fingerprint or by a part of the labels', async () => {
    await openFile('run.jsonl', [
      opened(1),
      ...[1, 2, 12].map((n) => one('seriesCreated', n, n)),
      one('seriesPurged', 2),
    ]);
    await where().getByText(/of 5 /).waitFor();
    const series = page.getByLabel('Series', { exact: true });
    await series.fill('n="2"');
    await series.press('Enter');
    await where().getByText(/of 2 /).waitFor();
    await series.fill(fingerprint(12));
    await series.press('Enter');
    await where().getByText(/of 1 /).waitFor();
    await selected().getByText('up{n="12"}').waitFor();
  });

  it('tells bad lines with their numbers, and shows the others', async () => {
    await openFile('odd.jsonl', [
      opened(1),
      'no JSON',
      '',
      '[1]',
      { type: 'seriesCreated', time: 'today' },
      { type: 'seriesCreated', time: 5, fingerprint: 'a' },
      { time: 5 },
      '{"type": "seriesPurged", "time": 6, "labels": {"a": 1}}',
      one('seriesCreated', 1, 9),
    ]);
    await page.getByText('odd.jsonl, 2 lifecycle events').waitFor();
    await page.getByText('What could not be read: 6').click();
    const problems = await page.locator('.problems li').allTextContents();
    expect(problems).to.deep.equal([
      'Line 2 is not JSON; it was left out.',
      'Line 4 has no "type"; it was left out.',
      'Line 5 has no "time" in milliseconds; it was left out.',
      'Line 6 has a "fingerprint" that is not 16 hex digits; it was left out.',
      'Line 7 has no "type"; it was left out.',
      '6 lines in all are not events.',
    ]);
  });

  it('says that it has no events, and the replay before stays', async () => {
    await openFile('notes.txt', ['Dear diary', 'today']);
    await page.getByRole('alert').getByText('notes.txt has no lifecycle events').waitFor();
    await page.getByRole('alert').getByText('Line 1 is not JSON').waitFor();
    await page.getByText(/^The journal of this store, /).waitFor();
  });

  it('shows markup in texts as text', async () => {
    const labels = { __name__: '<img src=x onerror=alert(1)>' };
    await openFile('evil.jsonl', [{ ...one('seriesCreated', 1, 1), labels, extra: '<b>bold</b>' }]);
    await page.locator('.moment').getByText('<b>bold</b>').waitFor();
    expect(await page.locator('main img, main b').count()).to.equal(0);
  });

  it('may be large: any place of it is reached, with few rows in the document', async () => {
    const path = join(folder, 'large.jsonl');
    const file = createWriteStream(path);
    file.write(`${JSON.stringify(opened(0))}\n`);
    for (let i = 1; i < manyEvents; i++)
      if (
        !file.write(
          `${JSON.stringify(one(i % 4 === 0 ? 'seriesPurged' : 'seriesCreated', i % 4 === 0 ? i - 1 : i, i))}\n`,
        )
      )
        await once(file, 'drain');
    file.end();
    await finished(file);
    await page.locator('input[type=file]').setInputFiles(path);
    await where().getByText('320,000 of 320,000').waitFor();
    await selected().getByText('320,000', { exact: true }).waitFor();
    expect(await page.locator('.event-row').count()).to.be.below(60);
    await page.evaluate(
      '{ const list = document.querySelector(".event-list"); list.scrollTop = list.scrollHeight / 2; }',
    );
    await page
      .locator('.event-row')
      .getByText(/^(159|160),\d{3}$/)
      .first()
      .waitFor();
    const row = page.locator('.event-row', { hasText: 'seriesPurged' }).nth(3);
    const number = Number((await row.locator('span').first().textContent())!.replaceAll(',', ''));
    await row.click();
    // Of four events, one purges the series before.
    const purged = Math.floor((number - 1) / 4);
    await page
      .locator('.counts')
      .getByText(`${(purged - 1).toLocaleString('en-US')} → ${purged.toLocaleString('en-US')}`)
      .waitFor();
    await page.getByRole('button', { name: 'First event of the list' }).click();
    await where()
      .getByText(/^1 of 320,000/)
      .waitFor();
    await page.locator('.chip[data-type=seriesPurged]').click();
    await where()
      .getByText(/of 79,999 /)
      .waitFor();
  });
});
