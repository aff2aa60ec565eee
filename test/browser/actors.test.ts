/** The Actors page: picking series, the series in a state, the store's regions, a quarantined series, following one. */
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { PagesServer } from '../../src/http/server.ts';
import { type Labels, systemClock } from '../../src/index.ts';
import { waitUntil } from '../support/wait-until.ts';
import { appendOld as appendOldTo, damage } from './damaged-series.ts';
import { holdMetricNames, METRIC_NAMES, OpenPages } from './open-pages.ts';

const hour = 3_600_000;

describe('Actors', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;

  const appendOld = (labels: Labels, samples: number): void => appendOldTo(pages.store, labels, samples);

  const fingerprintOf = (labels: Labels): string => pages.store.series(labels).fingerprint;

  const address = (): Promise<string> => page.evaluate<string>('location.href');
  const seriesChart = (): Locator => page.getByRole('group', { name: /^Statechart of a series/ });
  const state = (name: string): Locator => seriesChart().getByRole('button', { name: new RegExp(`^${name}:`) });
  const names = (label: string): Locator => page.getByRole('list', { name: label }).getByRole('button');

  before(async function () {
    pages = await OpenPages.open(this);
    for (let i = 0; i < 130; i++) appendOld({ __name__: 'job_seconds', job: `nightly-${i}` }, 2);
    appendOld({ __name__: 'sensor', unit: 'damaged' }, 3000);
    appendOld({ __name__: 'sensor', unit: 'damaged live' }, 3000);
    await pages.store.maintain();
    await pages.store.maintain();
    for (const room of ['attic', 'cellar'])
      for (let i = 0; i < 20; i++)
        pages.store.append({ __name__: 'temperature', floor: '1', room }, systemClock.now() - 20_000 + i * 1000, i);
    await pages.store.flush();
    await damage(pages.store, { __name__: 'sensor', unit: 'damaged' });
    page = await pages.newPage();
  });

  after(() => pages?.close());

  afterEach(() => {
    const complaints = pages.complaints;
    pages.complaints = [];
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
  });

  it('has the picker at the top, with the labels in common once and each series by the label that differs', async () => {
    await pages.show(page, '/actors?match=temperature');
    await names('Series that match').first().waitFor();
    const [picker, chart] = await Promise.all([page.locator('.picker').boundingBox(), seriesChart().boundingBox()]);
    expect(picker!.y + picker!.height).to.be.below(chart!.y);
    expect(await names('Series that match').allTextContents()).to.deep.equal(['{room="attic"}', '{room="cellar"}']);
    await page.locator('.picker .in-common').getByText('temperature{floor="1"}').waitFor();
  });

  it('puts no name in front of what is typed while the names of metrics come', async () => {
    const letAnswer = await holdMetricNames(page);
    await pages.show(page, '/actors');
    const field = page.getByRole('combobox', { name: 'Which series' });
    await field.focus();
    const answered = page.waitForResponse(METRIC_NAMES);
    letAnswer();
    await (await answered).finished();
    // The page takes the answer in a task of its own; it has two frames later.
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
    expect(await field.inputValue()).to.equal('');
    await names('Series that match').first().waitFor();
    await page.keyboard.insertText('temperature{room="attic"}');
    await field.press('Enter');
    await page.locator('.picker').getByText('1 series', { exact: true }).waitFor();
    expect(await field.inputValue()).to.equal('temperature{room="attic"}');
    await page.unroute(METRIC_NAMES);
  });

  it('lists who is in a state that is clicked, a hundred at a time, with the number of all', async () => {
    await pages.show(page, '/actors');
    await state('archived').click();
    await page.getByText('100 of 131 series').waitFor();
    expect(await names('Series in this state').count()).to.equal(100);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('131 series', { exact: true }).waitFor();
    expect(await names('Series in this state').count()).to.equal(131);
    expect(await state('archived').getAttribute('aria-pressed')).to.equal('true');
    expect(await address()).to.contain('state=archived');
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await names('Series in this state').count()).to.equal(0);
    expect(await address()).not.to.contain('state=');
  });

  it('does the same by keyboard, and leads to the series', async () => {
    await pages.show(page, '/actors?match=temperature');
    await state('inMemory').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'inMemory' }).waitFor();
    await names('Series in this state').first().waitFor();
    expect(await page.evaluate<string>('document.activeElement.textContent')).to.equal('inMemory');
    expect(await names('Series in this state').allTextContents()).to.have.members([
      '{room="attic"}',
      '{room="cellar"}',
    ]);
    await names('Series in this state').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Followed series' }).waitFor();
    expect(decodeURIComponent(await address())).to.contain('"__name__":"temperature"');
  });

  it('says of states that nobody can be in why, and opens a state from the address', async () => {
    await pages.show(page, '/actors?state=purged');
    await page.getByText('Nothing is left of these series').waitFor();
    await pages.show(page, '/actors?state=asleep');
    await page.getByText('state is one of inMemory, persisting, archived, quarantined, not "asleep".').waitFor();
    pages.complaints = pages.complaints.filter((text) => !text.includes('status of 400'));
  });

  it('shows the number of now and the total of every state, in the chart and as a table', async () => {
    await pages.show(page, '/actors');
    await page.locator('.state-table summary').first().click();
    const row = (name: string): Locator => page.locator('.state-table').first().locator('tr', { hasText: name });
    // 130 jobs and two sensors were archived, and one of these was quarantined.
    await row('archived').getByText('132').waitFor();
    expect(await row('archived').locator('td').allTextContents()).to.deep.equal(['131', '132']);
    expect(await row('quarantined').locator('td').allTextContents()).to.deep.equal(['1', '1']);
    await state('archived').locator('text.total').getByText('×132').waitFor();
    await seriesChart().getByRole('button', { name: 'archived: 131 now, entered 132 times' }).waitFor();
  });

  it('lights success and failure apart: by colour, pattern and width', async () => {
    await pages.show(page, '/actors');
    await page.getByText('live', { exact: true }).waitFor();
    const looks = await page.evaluate<Record<string, string>[]>(`(() => {
      const arrows = [...document.querySelectorAll('.statechart')[0].querySelectorAll('g')];
      const lit = (label, fails) => {
        const arrow = arrows.find((g) => g.classList.contains('fails') === fails && g.querySelector('text.label[data-outcome=' + label + ']'));
        arrow.classList.add('lit');
        arrow.dataset.outcome = label;
        const { stroke, strokeWidth, strokeDasharray } = getComputedStyle(arrow.querySelector('path.edge'));
        arrow.classList.remove('lit');
        return { text: arrow.querySelector('text.label').textContent, stroke, strokeWidth, strokeDasharray };
      };
      return [lit('done', false), lit('failed', true)];
    })()`);
    const [done, failed] = looks;
    expect([done['text'], failed['text']]).to.deep.equal(['done', 'failed']);
    for (const look of ['stroke', 'strokeWidth', 'strokeDasharray'])
      expect(done[look], look).not.to.equal(failed[look]);
  });

  it('lights the arrow of a call that succeeded as such', async () => {
    await pages.show(page, '/actors');
    await page.getByText('live', { exact: true }).waitFor();
    const lit = page.locator('.statechart g.lit[data-outcome="done"]').first();
    let n = 0;
    await waitUntil(async () => {
      appendOld({ __name__: 'churn', n: String(n++) }, 2);
      await pages.store.maintain();
      return lit.isVisible();
    });
  });

  it('has the regions of the store as one strip, of which each opens to its chart', async () => {
    await pages.show(page, '/actors');
    const strip = page.locator('.regions');
    await strip.locator('.badge').getByText('running').waitFor();
    const texts = await strip.locator('.region > summary').allTextContents();
    expect(texts).to.have.length(6);
    for (const [name, value] of [
      ['phase', 'running'],
      ['pressure', 'normal'],
      ['health', 'healthy'],
      ['clock', 'trusted'],
    ])
      expect(texts).to.include(name + value);
    await strip.locator('.region > summary').getByText('pressure').click();
    await strip.locator('g.active > text.name').getByText('normal', { exact: true }).waitFor();
    expect(await address()).to.contain('regions=pressure');
    await page.reload();
    await strip.locator('g.active > text.name').getByText('normal', { exact: true }).waitFor();
  });

  it('reaches a quarantined series from its state: why, since when, which file, and what can be read', async () => {
    const fingerprint = fingerprintOf({ __name__: 'sensor', unit: 'damaged' });
    await pages.show(page, '/actors');
    await state('quarantined').click();
    const [listed] = await pages.store.quarantined();
    await names('Series in this state').getByText(listed.reason).waitFor();
    await names('Series in this state').first().click();
    await page.getByRole('heading', { name: 'Quarantined series' }).waitFor();
    expect(await address()).to.contain(`quarantined=${fingerprint}`);
    await page.reload();
    const detail = page.getByRole('region', { name: 'One series' });
    await detail.getByText(listed.reason, { exact: true }).waitFor();
    await detail.getByText(listed.file!, { exact: true }).waitFor();
    await detail.getByText(/^[12],\d{3} readable samples$/).waitFor();
    await detail.locator('.uplot canvas').waitFor();
    await detail.getByText("part can't be read").or(detail.getByText("parts can't be read")).first().click();
    await detail
      .locator('.problems li')
      .first()
      .getByText(/^byte \d+: /)
      .waitFor();
    await detail.getByRole('cell', { name: 'seriesQuarantined' }).waitFor();
  });

  it('says that nothing is in quarantine for a fingerprint', async () => {
    await pages.show(page, '/actors?quarantined=0123456789abcdef');
    await page.getByText('Nothing is in quarantine for the fingerprint 0123456789abcdef.').waitFor();
    pages.complaints = pages.complaints.filter((text) => !text.includes('status of 404'));
  });

  it('follows one series through waking, persisting, archiving and quarantine', async () => {
    const labels = { __name__: 'sensor', unit: 'damaged live' };
    await pages.show(page, `/actors?series=${encodeURIComponent(JSON.stringify(labels))}`);
    const detail = page.getByRole('region', { name: 'One series' });
    const badge = detail.locator('.badge[role=status]');
    await badge.getByText('archived').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    const moves = detail.getByRole('region', { name: 'Last transitions' }).locator('tbody tr');
    const cells = async (): Promise<string[]> =>
      (await moves.all()).length === 0
        ? []
        : Promise.all(
            (await moves.all()).map(async (row) => (await row.locator('td').allTextContents()).slice(1).join(' ')),
          );
    pages.store.append(labels, systemClock.now() - hour, 1);
    await badge.getByText('inMemory').waitFor();
    await detail.locator('.statechart g.lit').first().waitFor();
    await pages.store.maintain();
    await pages.store.maintain();
    await badge.getByText('archived').waitFor();
    await waitUntil(async () => (await cells()).length === 4);
    expect((await cells()).toReversed()).to.deep.equal([
      'archived.resting inMemory wake',
      'inMemory persisting maintain',
      'persisting inMemory persistChunks done',
      'inMemory archived maintain',
    ]);
    expect(await detail.locator('td[data-outcome=done]').textContent()).to.equal('persistChunks done');
    await damage(pages.store, labels);
    await badge.getByText('quarantined').waitFor();
    await waitUntil(async () => (await cells())[0] === 'quarantined.isolating quarantined.isolated isolateFile done');
    await detail.getByRole('link', { name: 'Why, and what can still be read of it' }).click();
    await detail.getByText(/readable samples$/).waitFor();
    expect(await address()).to.contain(`quarantined=${fingerprintOf(labels)}`);
  });

  it('leads from a quarantined series to the one that has its labels now, and back by its history', async () => {
    const labels = { __name__: 'sensor', unit: 'damaged' };
    pages.store.append(labels, systemClock.now(), 5);
    await pages.show(page, `/actors?quarantined=${fingerprintOf(labels)}`);
    const detail = page.getByRole('region', { name: 'One series' });
    await detail.getByRole('link', { name: 'the one that is inMemory' }).click();
    await detail.getByRole('heading', { name: 'Followed series' }).waitFor();
    await detail.getByRole('link', { name: 'what is left' }).click();
    await detail.getByRole('heading', { name: 'Quarantined series' }).waitFor();
  });

  it('says when the server is away, and goes on when it is back', async () => {
    await pages.show(page, '/actors?state=archived');
    await page.getByText('live', { exact: true }).waitFor();
    const { port } = pages.server;
    const token = new URL(pages.server.url).searchParams.get('token')!;
    await pages.server.close();
    await page.locator('#connection').getByText('no connection').waitFor();
    await page.getByText('reconnecting').waitFor();
    const again = new PagesServer({ port, clock: systemClock, token });
    await again.listen();
    again.showStore(pages.store);
    try {
      await page.locator('#connection').getByText('connected', { exact: true }).waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      await page.getByRole('heading', { name: 'archived' }).waitFor();
      pages.complaints = pages.complaints.filter((text) => !/ERR_|status of 503/.test(text));
      await page.context().clearCookies();
      await page.getByRole('heading', { name: 'This page is locked' }).waitFor();
      expect(await page.getByText('No series').count()).to.equal(0);
      pages.complaints = pages.complaints.filter((text) => !text.includes('status of 401'));
    } finally {
      await again.close();
    }
  });
});
