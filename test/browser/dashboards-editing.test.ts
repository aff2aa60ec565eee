/** Changing dashboards: by mouse and by keyboard, saving, undoing, and what is asked before changes are lost. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Dialog, Locator, Page } from 'playwright-core';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, systemClock } from '../../src/index.ts';
import { OpenPages } from './open-pages.ts';

describe('changing a dashboard', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;

  const folder = (): string => join(pages.directory, 'dashboards');
  const kept = (id: string) => JSON.parse(readFileSync(join(folder(), `${id}.json`), 'utf8'));
  const keep = (id: string, ...titles: string[]): void => {
    mkdirSync(folder(), { recursive: true });
    const panels = titles.map((title) => ({ title, queries: [{ expr: 'room_celsius' }] }));
    writeFileSync(join(folder(), `${id}.json`), JSON.stringify({ version: 1, title: id, range: '15m', panels }));
  };
  const titles = (): Promise<string[]> => page.locator('.dashboard-panel h2').allTextContents();
  const panel = (title: string): Locator =>
    page.locator('.dashboard-panel').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
  const menu = async (title: string): Promise<Locator> => {
    await panel(title).locator('summary').click();
    return panel(title).locator('.popover');
  };
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const unsaved = (): Locator => page.getByRole('status').getByText('unsaved changes');
  /** Answers the next question of the browser; resolves with its text. */
  const answer = (isAccepted: boolean): Promise<string> =>
    new Promise((resolve) => {
      page.once('dialog', (dialog: Dialog) => {
        resolve(dialog.message());
        void (isAccepted ? dialog.accept() : dialog.dismiss());
      });
    });
  const focused = (): Promise<string> =>
    page.evaluate<string>('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent');

  before(async function () {
    pages = await OpenPages.open(this);
    const now = systemClock.now();
    for (let i = 0; i < 100; i++)
      for (const room of ['attic', 'cellar'])
        pages.store.append({ __name__: 'room_celsius', room }, now - 500_000 + i * 5000, 20 + (i % 7));
    await pages.store.flush();
    page = await pages.newPage();
  });

  after(() => pages?.close());

  afterEach(() => {
    expect(pages.complaints, 'complaints of the browser').to.deep.equal([]);
  });

  it('makes one with two panels, saves it, and shows it after a reload', async () => {
    await pages.show(page, '/dashboards');
    await page.getByRole('link', { name: 'New dashboard' }).click();
    await page.getByText('No panels yet').waitFor();
    for (const [title, expr, kind] of [
      ['Rooms', 'room_celsius', 'Lines'],
      ['Warmest', 'max(room_celsius)', 'Figure'],
    ]) {
      await button('Add a panel').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Title').fill(title);
      await dialog.getByLabel('Shown as').selectOption(kind);
      await dialog.getByRole('textbox', { name: 'Query 1', exact: true }).focus();
      await dialog.locator('.cm-content').waitFor();
      await page.keyboard.type(expr);
      await page.keyboard.press('Escape');
      await dialog
        .locator('.preview')
        .locator(kind === 'Lines' ? '.uplot canvas' : '.value')
        .waitFor();
      await dialog.getByRole('button', { name: 'Done' }).click();
      await panel(title).waitFor();
    }
    await unsaved().waitFor();
    await button('Save').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Title').fill('My rooms!');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/id=my-rooms/);
    await page.reload();
    await panel('Rooms').locator('.uplot canvas').waitFor();
    await panel('Warmest').locator('.value').getByText('21').waitFor();
    expect(kept('my-rooms').panels.map(({ kind }: { kind: string }) => kind)).to.deep.equal(['lines', 'stat']);
    await page.getByRole('link', { name: 'All dashboards' }).click();
    await page.getByRole('link', { name: 'My rooms!' }).waitFor();
  });

  it('gives a second one of the same title another id', async () => {
    await pages.show(page, '/dashboards?id=my-rooms');
    await button('Save as…').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/id=my-rooms-2/);
    expect(readdirSync(folder()).sort()).to.deep.equal(['my-rooms-2.json', 'my-rooms.json']);
  });

  it('moves, widens, duplicates and removes panels by mouse, and takes it back', async () => {
    keep('four', 'a', 'b', 'c', 'd');
    await pages.show(page, '/dashboards?id=four');
    await (await menu('c')).getByRole('button', { name: 'Move earlier' }).click();
    expect(await titles()).to.deep.equal(['a', 'c', 'b', 'd']);
    await panel('d').locator('summary').click();
    expect(await panel('d').getByRole('button', { name: 'Move later' }).isDisabled()).to.equal(true);
    await panel('d').getByLabel('Width').selectOption('12 of 12');
    const { width } = (await panel('d').boundingBox())!;
    expect(width).to.be.greaterThan((await panel('a').boundingBox())!.width * 1.8);
    await (await menu('a')).getByRole('button', { name: 'Duplicate' }).click();
    expect(await titles()).to.deep.equal(['a', 'a', 'c', 'b', 'd']);
    await (await menu('b')).getByRole('button', { name: 'Remove' }).click();
    expect(await titles()).to.deep.equal(['a', 'a', 'c', 'd']);
    await button('Undo').click();
    expect(await titles()).to.deep.equal(['a', 'a', 'c', 'b', 'd']);
    await button('Revert').click();
    expect(await titles()).to.deep.equal(['a', 'b', 'c', 'd']);
    await unsaved().waitFor({ state: 'detached' });
    await button('Undo').click();
    await button('Save').click();
    await page.getByRole('status').getByText('saved', { exact: true }).waitFor();
    expect(kept('four').panels.map(({ title }: { title: string }) => title)).to.deep.equal(['a', 'a', 'c', 'b', 'd']);
    expect(await button('Undo').isDisabled()).to.equal(true);
  });

  it('does all of it by keyboard', async () => {
    keep('keys', 'a', 'b');
    await pages.show(page, '/dashboards?id=keys');
    await panel('a').locator('.uplot canvas').waitFor();
    await panel('a').locator('summary').focus();
    await page.keyboard.press('Enter');
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
    // Edit, Duplicate; the first panel can't be earlier.
    expect(await focused()).to.equal('Move later');
    await page.keyboard.press('Enter');
    expect(await titles()).to.deep.equal(['b', 'a']);
    expect(await focused()).to.equal('Change the panel a');
    await page.keyboard.press('Escape');
    expect(await panel('a').locator('details').getAttribute('open')).to.equal(null);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Edit the panel' }).waitFor();
    expect(await focused()).to.not.equal('Change the panel a');
    await page.getByRole('dialog').getByLabel('Title').press('ControlOrMeta+a');
    await page.keyboard.type('renamed');
    await page.keyboard.press('Enter');
    await panel('renamed').waitFor();
    expect(await focused()).to.equal('Change the panel renamed');
    await page.keyboard.press('Enter');
    for (let i = 0; i < 4; i++) await page.keyboard.press('Tab');
    // Edit, Duplicate, Move earlier, Width.
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(
      "document.querySelectorAll('.dashboard-panel')[1].style.getPropertyValue('--columns') === '7'",
    );
    await button('Save').press('Enter');
    await page.getByRole('status').getByText('saved', { exact: true }).waitFor();
    expect(
      kept('keys').panels.map(({ title, width }: { title: string; width: number }) => [title, width]),
    ).to.deep.equal([
      ['b', 6],
      ['renamed', 7],
    ]);
  });

  it('leaves a panel as it was when its dialog is cancelled', async () => {
    keep('cancelled', 'a');
    await pages.show(page, '/dashboards?id=cancelled');
    await (await menu('a')).getByRole('button', { name: 'Edit…' }).click();
    await page.getByRole('dialog').getByLabel('Title').fill('other');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await titles()).to.deep.equal(['a']);
    expect(await unsaved().count()).to.equal(0);
  });

  it('has variables of its own, and says what is wrong with them', async () => {
    keep('variables', 'a');
    await pages.show(page, '/dashboards?id=variables');
    await button('Settings…').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Add a variable' }).click();
    await dialog.getByLabel('Name').fill('1st');
    await dialog.getByLabel('Values').fill('label_values(room_celsius, room)');
    await dialog.getByLabel('all').check();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await dialog.getByRole('alert').getByText('variables[0].name is "1st"').waitFor();
    await dialog.getByLabel('Name').fill('room');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.locator('.variables select').selectOption('cellar');
    await page.waitForURL(/var-room=cellar/);
    await button('Save').click();
    await page.getByRole('status').getByText('saved', { exact: true }).waitFor();
    expect(kept('variables').variables[0]).to.include({
      name: 'room',
      query: 'label_values(room_celsius, room)',
      all: true,
    });
  });

  it('asks before changes are lost: by a link, by going back, by closing', async () => {
    keep('asked', 'a');
    await pages.show(page, '/dashboards');
    await page.getByRole('link', { name: 'asked', exact: true }).click();
    await (await menu('a')).getByRole('button', { name: 'Duplicate' }).click();
    await unsaved().waitFor();
    let question = answer(false);
    await page.getByRole('link', { name: 'Storage', exact: true }).click();
    expect(await question).to.contain('changes that are not saved');
    expect(await titles()).to.deep.equal(['a', 'a']);
    question = answer(false);
    await page.evaluate('history.back()');
    await question;
    await page.waitForURL(/id=asked/);
    expect(await titles()).to.deep.equal(['a', 'a']);
    question = answer(false);
    await page.close({ runBeforeUnload: true });
    await question;
    question = answer(true);
    await page.getByRole('link', { name: 'Storage', exact: true }).click();
    await question;
    await page.locator('.tile').first().waitFor();
    await pages.show(page, '/dashboards?id=asked');
    await panel('a').waitFor();
    expect(await titles()).to.deep.equal(['a']);
  });

  it('keeps changes while the range changes, and while the server is away', async () => {
    keep('away', 'a');
    await pages.show(page, '/dashboards?id=away');
    await (await menu('a')).getByRole('button', { name: 'Duplicate' }).click();
    await button('6 h').click();
    await page.waitForURL(/range=6h/);
    await page.goBack();
    await page.waitForURL(/id=away$/);
    expect(await titles()).to.deep.equal(['a', 'a']);
    await page.route('**/-/ready', (route) => route.abort());
    await page.getByText('no connection').waitFor();
    await page.unroute('**/-/ready');
    await page.locator('#connection.good').waitFor();
    await unsaved().waitFor();
    expect(await titles()).to.deep.equal(['a', 'a']);
    await button('Revert').click();
    pages.complaints = [];
  });

  it('does not save over what another page has saved, unless it is told to', async () => {
    keep('shared', 'a');
    await pages.show(page, '/dashboards?id=shared');
    await (await menu('a')).getByRole('button', { name: 'Duplicate' }).click();
    keep('shared', 'from elsewhere');
    await button('Save').click();
    await page.getByRole('alert').getByText('The dashboard shared was changed meanwhile; nothing was saved.').waitFor();
    expect(kept('shared').panels[0].title).to.equal('from elsewhere');
    await unsaved().waitFor();
    await button('Save mine nevertheless').click();
    await page.getByRole('status').getByText('saved', { exact: true }).waitFor();
    expect(kept('shared').panels).to.have.length(2);
    pages.complaints = [];
  });

  it('saves a changed ready-made one under another name only', async () => {
    await pages.show(page, '/dashboards?id=this-machine');
    await (await menu('Free space')).getByRole('button', { name: 'Remove' }).click();
    await button('Save').click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByLabel('Title').inputValue()).to.equal('This machine, changed');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/id=this-machine-changed/);
    expect(kept('this-machine-changed').panels).to.have.length(11);
    await page.getByText('ready-made').waitFor({ state: 'hidden' });
  });

  it('of a store that only reads, shows and exports dashboards, and says why it does not save', async () => {
    keep('only', 'a');
    const reader = await openStore(pages.directory, { retention: 'off', readOnly: true });
    const server = new PagesServer({ port: 0, clock: systemClock });
    await server.listen();
    server.showStore(reader);
    const own = await pages.newPage();
    try {
      await own.goto(server.url);
      await own.goto(`http://127.0.0.1:${server.port}/dashboards`);
      await own.getByText('The store was opened read-only').waitFor();
      expect(await own.getByRole('button', { name: /^Remove/ }).count()).to.equal(0);
      await own.getByRole('link', { name: 'only', exact: true }).click();
      await own.locator('.dashboard-panel summary').click();
      await own.getByRole('button', { name: 'Duplicate' }).click();
      await own.getByRole('button', { name: 'Save', exact: true }).click();
      await own.getByRole('alert').getByText('The store was opened read-only').waitFor();
      expect(kept('only').panels).to.have.length(1);
    } finally {
      await own.context().close();
      await server.close();
      await reader.close();
      pages.complaints = [];
    }
  });
});
