/** Replay of a journal: where it opens, filters, one event in detail, the axis, playing, live, the address. */
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { modes, violationsOf, widthsOf } from './axe.ts';
import { OpenPages } from './open-pages.ts';

const minuteMs = 60_000;

describe('Replay', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;
  const now = systemClock.now();

  /** Old samples are archived by the next visits. */
  const appendOld = (labels: Readonly<Record<string, string>>): void => {
    for (let i = 0; i < 20; i++) pages.store.append(labels, now - 120 * minuteMs + i * 1000, i);
  };
  const append = (labels: Readonly<Record<string, string>>): void => pages.store.append(labels, systemClock.now(), 1);
  const room = (n: number | string): Readonly<Record<string, string>> => ({ __name__: 'temperature', room: String(n) });
  const show = (query = ''): Promise<void> => pages.show(page, `/replay${query}`);
  const address = async (): Promise<URLSearchParams> =>
    new URLSearchParams(await page.evaluate<string>('location.search'));
  const where = (): Locator => page.locator('.where');
  const selected = (): Locator => page.locator('.event-row[aria-selected=true]');
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const chip = (type: string): Locator => page.locator(`.chip[data-type=${type}]`);
  const fact = (name: string, panel = '.moment'): Locator =>
    page.locator(`${panel} dt`, { hasText: new RegExp(`^${name}$`) }).locator('xpath=following-sibling::dd[1]');
  const typed = (type: string): Locator => page.locator('.event-row', { hasText: type });

  before(async function () {
    pages = await OpenPages.open(this);
    for (let i = 0; i < 8; i++) appendOld(room(i));
    appendOld({ __name__: 'humidity' });
    await pages.store.flush();
    // Idle heads are closed, then persisted, then archived.
    for (let i = 0; i < 3; i++) await pages.store.maintain();
    await pages.store.checkpoint();
    await pages.store.drop('temperature{room="7"}');
    append(room('new'));
    await pages.store.flush();
    pages.store.publishAlert({
      type: 'alertFired',
      time: systemClock.now(),
      episode: 'e-1',
      group: 'g',
      rule: 'HotRoom',
      labels: { alertname: 'HotRoom', room: '1' },
      annotations: {},
      value: '31',
      activeAt: now - minuteMs,
    });
    await pages.store.flush();
    page = await pages.newPage();
  });

  after(() => pages?.close());

  afterEach(() => {
    const { complaints } = pages;
    pages.complaints = [];
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
  });

  describe('opens', () => {
    it('at the end, and says that it is live', async () => {
      await show();
      await selected().getByText('alertFired').waitFor();
      await page.locator('.panel .badge.good').getByText('live', { exact: true }).waitFor();
      const [row, count] = (await where().textContent())!.split(/ of | {2}/).map(Number);
      expect(row).to.equal(count);
      expect([...(await address()).keys()]).to.deep.equal([]);
    });

    it('at the event of a link, with the states at that event', async () => {
      await show();
      await chip('seriesArchived').click();
      await where().getByText(/of 9 /).waitFor();
      await button('First event of the list').click();
      await where()
        .getByText(/^1 of 9/)
        .waitFor();
      await page.locator('.moment td').getByText('archived').waitFor();
      const shown = await where().textContent();
      const link = await page.evaluate<string>('location.href');
      await page.goto('about:blank');
      await page.goto(link);
      await page.locator('.moment td').getByText('archived').waitFor();
      expect(await where().textContent()).to.equal(shown);
      await page.locator('g.active > text.name').getByText('archived', { exact: true }).waitFor();
      expect(await chip('seriesArchived').getAttribute('aria-pressed')).to.equal('true');
    });

    it('at a mark of Explore', async () => {
      await pages.show(page, '/explore?match=humidity&range=3h');
      await page.locator('.store-events summary').click();
      await page.locator('.store-events a', { hasText: 'HotRoom fired' }).click();
      await page.waitForURL(/\/replay\?position=/);
      await selected().getByText('alertFired').waitFor();
      await page.locator('.moment').getByText('e-1').waitFor();
    });

    it('at the nearest event, if the address names none', async () => {
      await show('?position=1');
      await where().getByText(/^1 of/).waitFor();
      await selected().getByText('storeOpened').waitFor();
    });
  });

  describe('filters', () => {
    it('by a selector, also of series that are gone', async () => {
      await show();
      await page.getByLabel('Series', { exact: true }).fill('temperature{room="7"}');
      await button('Filter').click();
      await typed('seriesPurged').waitFor();
      expect((await address()).get('match')).to.equal('temperature{room="7"}');
      const types = await page.locator('.event-row > :nth-child(3)').allTextContents();
      expect(types[0]).to.equal('seriesCreated');
      expect(types).to.include('seriesArchived');
    });

    it('by a fingerprint', async () => {
      const { fingerprint } = pages.store.series({ __name__: 'humidity' });
      await show(`?match=${fingerprint}`);
      await where()
        .getByText(/of \d /)
        .waitFor();
      await page.locator('.series-at').getByText('humidity', { exact: true }).waitFor();
    });

    it('by types, with the number of events of each', async () => {
      await show();
      await chip('seriesCreated').getByText('seriesCreated 10', { exact: true }).waitFor();
      await chip('seriesCreated').click();
      await where()
        .getByText(/^10 of 10/)
        .waitFor();
      await chip('seriesPurged').click();
      await where()
        .getByText(/of 11 /)
        .waitFor();
      expect((await address()).get('types')).to.equal('seriesCreated,seriesPurged');
      await button('All events').click();
      await page.waitForURL(({ search }) => !search.includes('types'));
    });

    it('by time', async () => {
      await show();
      await page.getByLabel('From', { exact: true }).fill('2001-01-01 12:00');
      await page.getByLabel('Through', { exact: true }).fill('2001-01-01 13:00');
      await button('Filter').click();
      await page.getByText('No event passes the filter.').waitFor();
      await page.getByLabel('Through', { exact: true }).fill('2101-01-01');
      await button('Filter').click();
      await selected().waitFor();
      expect(Number((await address()).get('end'))).to.be.greaterThan(now);
    });

    it('and says what is wrong', async () => {
      await show();
      await page.getByLabel('From', { exact: true }).fill('yesterday');
      await button('Filter').click();
      await page.getByRole('alert').getByText('“yesterday” is no time').waitFor();
      await page.getByLabel('From', { exact: true }).fill('');
      await page.getByLabel('Series', { exact: true }).fill('temperature{');
      await button('Filter').click();
      await page.getByRole('alert').getByText('selector').waitFor();
      await page.getByLabel('Series', { exact: true }).fill('temperature{room="1"}');
      await button('Filter').click();
      await where()
        .getByText(/of \d /)
        .waitFor();
      expect(await page.getByRole('alert').count()).to.equal(0);
      pages.complaints = pages.complaints.filter((text) => !text.includes('400'));
    });
  });

  describe('shows an event', () => {
    const showFirst = async (type: string): Promise<void> => {
      await show(`?types=${type}&position=1`);
      await where().getByText(/^1 of/).waitFor();
      await fact('event').getByText(type).waitFor();
    };

    it('with all fields, and the states before and after', async () => {
      await showFirst('seriesPurged');
      expect(await fact('reason').textContent()).to.equal('dropped');
      expect(await fact('labels').textContent()).to.equal('temperature{room="7"}');
      expect(await fact('purged').textContent()).to.equal('0 → 1');
      expect(await fact('archived').textContent()).to.match(/^9 → 8$/);
      expect(await fact('phase').textContent()).to.equal('running');
      const cells = await page.locator('.changes tbody td').allTextContents();
      expect(cells).to.deep.equal(['temperature{room="7"}', 'archived', 'purged']);
    });

    it('with its time as a date', async () => {
      await showFirst('alertFired');
      expect(await fact('activeAt').textContent()).to.match(/^\d{4}-\d\d-\d\d \d\d:/);
    });

    it('of many series with the first ones, and the others on demand', async () => {
      const many = Array.from({ length: 40 }, (_, i) => ({ __name__: 'many', i: String(i) }));
      for (const labels of many) appendOld(labels);
      await pages.store.flush();
      await pages.store.maintain();
      await pages.store.flush();
      await show('?types=seriesFilesChanging&match=many');
      await page.locator('.changes tbody tr').nth(9).waitFor();
      const more = page.getByRole('button', { name: /^Show \d+ more of/ });
      const total = Number(/of (\d+) series/.exec((await more.textContent())!)![1]);
      await more.click();
      await page
        .locator('.changes tbody tr')
        .nth(total - 1)
        .waitFor();
      expect(await more.count()).to.equal(0);
    });

    it('with its series: samples and chunks up to then, and links', async () => {
      const { fingerprint } = pages.store.series(room(3));
      await show(`?match=${fingerprint}&types=seriesArchived`);
      await page.locator('.series-at .uplot canvas').waitFor();
      await page.locator('.series-at').getByText('temperature{room="3"}', { exact: true }).waitFor();
      expect(await fact('chunks in file', '.series-at').textContent()).to.match(/^1, as of/);
      await page
        .locator('.series-at')
        .getByText(/^Samples up to this event: the first at .*, the last at /)
        .waitFor();
      await page.getByRole('link', { name: 'Explore at this time' }).click();
      await page.waitForURL(/\/explore\?match=temperature.*start=\d+&end=\d+/);
      await page.goBack();
      await page.locator('.series-at').getByRole('link', { name: 'Actors' }).click();
      await page.waitForURL(/\/actors\?series=/);
    });

    it('and leads to the previous and the next event of its series', async () => {
      await showFirst('seriesPurged');
      await button('Previous event').click();
      await page.getByText('That event does not pass the filter.').waitFor();
      await button('All events').click();
      await where()
        .getByText(/seriesPurged/)
        .waitFor();
      await button('Previous event').click();
      await page.locator('.series-at .badge').getByText('archived').waitFor();
      await page.locator('.series-at').getByText('temperature{room="7"}', { exact: true }).waitFor();
      expect(await where().textContent()).not.to.contain('seriesPurged');
      await button('Next event').click();
      await where()
        .getByText(/seriesPurged/)
        .waitFor();
      await button('Only its events').click();
      await page.waitForURL(({ search }) => search.includes('match='));
    });
  });

  describe('has an axis of time', () => {
    const axis = (): Locator => page.getByRole('slider', { name: 'Time of the replay' });

    it('with density, marks and a text', async () => {
      await show();
      await page
        .locator('.axis-summary')
        .getByText(/^\d+ events from .* Marks: restart 1, .*alert fired 1\.$/)
        .waitFor();
      expect(await page.locator('.axis .density').getAttribute('d')).to.contain('M');
      expect(await page.locator('.axis-mark.bad').count()).to.equal(1);
    });

    it('that goes to a mark', async () => {
      await show();
      await page.locator('.axis-box summary').click();
      await page
        .locator('.axis-box')
        .getByRole('button', { name: /restart$/ })
        .click();
      await selected().getByText('storeOpened').waitFor();
    });

    it('that goes to a time by a click, and keeps a range by dragging', async () => {
      await show();
      await selected().waitFor();
      const box = (await axis().boundingBox())!;
      await page.mouse.click(box.x + 2, box.y + 30);
      await where()
        .getByText(/^\d+ of/)
        .waitFor();
      await page.waitForURL(({ search }) => search.includes('position='));
      const row = Number((await where().textContent())!.split(' of ')[0]);
      expect(row).to.be.below(20);
      await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.9, box.y + 30, { steps: 5 });
      await page.mouse.up();
      await page.waitForURL(/start=\d+&end=\d+/);
    });

    it('that is moved by keyboard', async () => {
      await show();
      await selected().waitFor();
      await axis().focus();
      await page.keyboard.press('Home');
      await where().getByText(/^1 of/).waitFor();
      await page.keyboard.press('ArrowRight');
      await where().getByText(/^2 of/).waitFor();
      expect(await axis().getAttribute('aria-valuetext')).to.contain('seriesCreated');
      await page.keyboard.press('PageUp');
      await where()
        .getByText(/^(?!2 of)/)
        .waitFor();
      await page.keyboard.press('End');
      await page.waitForURL(({ search }) => !search.includes('position='));
    });
  });

  describe('plays', () => {
    it('up to a breakpoint at a type, at a state, at a series', async () => {
      for (const stop of ['stopTypes=checkpointWritten', 'stopStates=archived', 'stopMatch=humidity']) {
        await show(`?position=1&speed=100&${stop}`);
        await where().getByText(/^1 of/).waitFor();
        await button('Play').click();
        await where().getByText('stopped at a breakpoint').waitFor();
        await button('Play').waitFor();
        const text = (await where().textContent())!;
        expect(text).to.match(/checkpointWritten|seriesArchived|seriesCreated/);
        expect(text).not.to.match(/^1 of/);
      }
    });

    it('with the speed and the breakpoints in the address', async () => {
      await show();
      await page.getByLabel('Speed').selectOption('x60');
      await page.getByText('Breakpoints', { exact: true }).click();
      await page.getByLabel('Stop at a state').selectOption('quarantined');
      await page.waitForURL(({ search }) => search.includes('stopStates'));
      const params = await address();
      expect(params.get('speed')).to.equal('x60');
      expect(params.get('stopStates')).to.equal('quarantined');
      await page.reload();
      await page.getByText('Breakpoints: quarantined').waitFor();
      expect(await page.getByLabel('Speed').inputValue()).to.equal('x60');
    });

    it('by the times of the events, to the end', async () => {
      await show('?position=1&speed=x3600');
      await where().getByText(/^1 of/).waitFor();
      await button('Play').click();
      await where()
        .getByText(/^(\d+) of \1 /)
        .waitFor();
      await button('Play').waitFor();
    });

    it('and pauses', async () => {
      await show('?position=1&speed=1');
      await where().getByText(/^1 of/).waitFor();
      await button('Play').click();
      await where().getByText(/^2 of/).waitFor();
      await button('Pause').click();
      await button('Play').waitFor();
      await page.waitForURL(({ search }) => search.includes('position='));
    });
  });

  describe('follows new events', () => {
    it('at the end, and not after a step back', async () => {
      await show('?types=seriesCreated');
      await selected().waitFor();
      append(room('followed'));
      await pages.store.flush();
      await selected().getByText('room="followed"').waitFor();
      await button('Back one event').click();
      await page.locator('.badge').getByText('not live').waitFor();
      const row = (await where().textContent())!.split(' of ')[0];
      append(room('not followed'));
      await pages.store.flush();
      await typed('room="not followed"').waitFor();
      expect((await where().textContent())!.split(' of ')[0]).to.equal(row);
      await button('Last event of the list').click();
      await selected().getByText('room="not followed"').waitFor();
      await page.locator('.badge').getByText('live', { exact: true }).waitFor();
    });
  });

  describe('by keyboard', () => {
    it('has the list of events as one stop, with arrows, Home and End', async () => {
      await show();
      await selected().waitFor();
      const list = page.getByRole('listbox', { name: 'Events' });
      await list.focus();
      await page.keyboard.press('Home');
      await where().getByText(/^1 of/).waitFor();
      await page.keyboard.press('ArrowDown');
      await where().getByText(/^2 of/).waitFor();
      await page.keyboard.press('PageDown');
      await where()
        .getByText(/^1\d of/)
        .waitFor();
      expect(await list.getAttribute('aria-activedescendant')).to.match(/^event-1\d$/);
      await page.keyboard.press('End');
      await page.waitForURL(({ search }) => !search.includes('position='));
    });

    it('steps with arrows from anywhere', async () => {
      await show('?position=1');
      await where().getByText(/^1 of/).waitFor();
      await page.locator('body').press('ArrowRight');
      await where().getByText(/^2 of/).waitFor();
      await page.locator('body').press('ArrowLeft');
      await where().getByText(/^1 of/).waitFor();
    });
  });

  describe('follows no new events', () => {
    it('while the first event is being loaded, which is then shown, also under another filter', async () => {
      for (let i = 0; i < 120; i++) append(room(`many ${i}`));
      await pages.store.flush();
      await show();
      await selected().waitFor();
      let release = (): void => {};
      const isReleased = new Promise<void>((resolve) => {
        release = resolve;
      });
      const isFirstPage = ({ pathname, searchParams }: URL): boolean =>
        pathname === '/ui/replay/rows' && searchParams.get('row') === '0';
      await page.route(isFirstPage, async (route) => {
        await isReleased;
        await route.continue();
      });
      try {
        const before = await where().textContent();
        const asked = page.waitForRequest((request) => isFirstPage(new URL(request.url())));
        await button('First event of the list').click();
        await asked;
        append(room('too late'));
        await pages.store.flush();
        await where().getByText(/^1 of/).waitFor();
        expect(await where().textContent()).not.to.equal(before);
        await page.locator('.badge').getByText('not live').waitFor();
        await chip('storeOpened').click();
      } finally {
        release();
        await page.unroute(isFirstPage);
      }
      await where()
        .getByText(/^1 of 1 /)
        .waitFor();
      await selected().getByText('storeOpened').waitFor();
      await page.locator('.badge').getByText('not live').waitFor();
    });
  });

  describe('of an empty list', () => {
    it('follows new events, whatever was pressed in it', async () => {
      await show('?match=humidity_of_tomorrow');
      await page.getByText('No event passes the filter.').waitFor();
      await page.locator('body').press('ArrowRight');
      await page.locator('.badge').getByText('live', { exact: true }).waitFor();
      append({ __name__: 'humidity_of_tomorrow' });
      await pages.store.flush();
      await selected().getByText('humidity_of_tomorrow').waitFor();
      await where()
        .getByText(/^1 of 1 /)
        .waitFor();
    });
  });

  for (const [mode, options] of Object.entries(modes))
    it(`has no violation that axe finds, and no more width than the window, in ${mode}`, async () => {
      const other = await pages.newPage(options);
      for (const query of [
        '',
        '?types=seriesArchived&position=1',
        '?match=nothing',
        '?match=temperature&stopStates=purged',
      ]) {
        await pages.show(other, `/replay${query}`);
        await other.locator('.event-row[aria-selected=true], .panel > .empty:not([hidden])').first().waitFor();
        if (query === '?types=seriesArchived&position=1') await other.locator('.series-at .uplot canvas').waitFor();
        await other.locator('.axis-box summary').click();
        if (query.includes('stopStates')) await other.getByText('Breakpoints: purged').click();
        expect(await violationsOf(other), query).to.deep.equal([]);
        const [inner, outer] = await widthsOf(other);
        expect(inner, query).to.be.at.most(outer);
      }
      await other.context().close();
    });
});
