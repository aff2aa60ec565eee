/** The page Dashboards: making, keeping, importing and looking at dashboards. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page, Request } from 'playwright-core';
import { type Recording, recordRegistry, systemClock } from '../../src/index.ts';
import { OpenPages } from './open-pages.ts';

const encoded = (text: string): string => encodeURIComponent(text);

const grafana = {
  schemaVersion: 39,
  title: 'Rooms of Grafana',
  time: { from: 'now-15m', to: 'now' },
  templating: {
    list: [
      { name: 'room', type: 'query', query: 'label_values(room_celsius, room)', multi: true, includeAll: true },
      { name: 'source', type: 'datasource', query: 'prometheus' },
    ],
  },
  panels: [
    {
      type: 'timeseries',
      title: 'Warmth',
      gridPos: { x: 0, y: 0, w: 12, h: 8 },
      fieldConfig: { defaults: { unit: 'celsius' } },
      targets: [{ refId: 'A', expr: 'room_celsius{room=~"$room"}', legendFormat: 'the {{room}}' }],
    },
    {
      type: 'stat',
      title: 'Warmest',
      gridPos: { x: 12, y: 0, w: 6, h: 4 },
      fieldConfig: { defaults: { unit: 'celsius' } },
      targets: [{ refId: 'A', expr: 'max(room_celsius)' }],
    },
    { type: 'text', title: '<img src=x onerror=alert(1)>', gridPos: { x: 0, y: 8, w: 24, h: 4 } },
  ],
};

describe('the page Dashboards', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let recording: Recording;
  let page: Page;

  const panel = (title: string) =>
    page.locator('.dashboard-panel').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
  const keep = (id: string, dashboard: object): void => {
    mkdirSync(join(pages.directory, 'dashboards'), { recursive: true });
    writeFileSync(
      join(pages.directory, 'dashboards', `${id}.json`),
      JSON.stringify({ version: 1, title: id, ...dashboard }),
    );
  };
  const line = (title: string, expr: string, more: object = {}): object => ({ title, queries: [{ expr }], ...more });
  const params = (): Promise<URLSearchParams> =>
    page.evaluate<string>('location.search').then((search) => new URLSearchParams(search));

  before(async function () {
    pages = await OpenPages.open(this);
    const now = systemClock.now();
    for (let i = 0; i < 120; i++)
      for (const [n, room] of ['attic', 'cellar', 'hall'].entries()) {
        pages.store.append({ __name__: 'room_celsius', room }, now - 600_000 + i * 5000, 10 * (n + 1) + (i % 10) / 10);
        pages.store.append(
          { __name__: 'latency_bucket', le: ['1', '2', '+Inf'][n] },
          now - 600_000 + i * 5000,
          (n + 1) * i,
        );
      }
    await pages.store.flush();
    recording = recordRegistry(pages.store, pages.store.registry, { interval: 500, labels: { job: 'tidemark' } });
    page = await pages.newPage();
  });

  after(async () => {
    await recording?.stop();
    await pages?.close();
  });

  afterEach(() => {
    expect(pages.complaints, 'complaints of the browser').to.deep.equal([]);
  });

  it('is in the navigation, and lists the ready-made ones', async () => {
    await pages.show(page, '/explore');
    await page.getByRole('link', { name: 'Dashboards', exact: true }).click();
    for (const title of ['This process', 'This machine', 'The store'])
      await page.getByRole('link', { name: title, exact: true }).waitFor();
    await page.getByRole('link', { name: 'The store', exact: true }).click();
    await page.getByRole('heading', { name: 'The store', level: 1 }).waitFor();
    expect((await params()).get('id')).to.equal('the-store');
  });

  it('draws the ready-made dashboard of the store from what it records', async () => {
    await pages.show(page, '/dashboards?id=the-store&range=1m');
    await panel('Series in memory').locator('.value').getByText(/\d/).waitFor();
    await panel('Chunks').locator('.uplot canvas').waitFor();
    await panel('Chunks').locator('.legend').getByText('waiting').waitFor();
    await panel('Time of a commit of the journal').scrollIntoViewIfNeeded();
    await panel('Time of a commit of the journal').locator('.heatmap canvas').waitFor();
  });

  it('draws each kind of panel', async () => {
    keep('kinds', {
      range: '15m',
      panels: [
        line('Lines', 'room_celsius', { queries: [{ expr: 'room_celsius', legend: 'the {{room}}' }] }),
        line('Stacked', 'room_celsius', { kind: 'stacked' }),
        line('Figure', 'max(room_celsius)', { kind: 'stat', unit: 'celsius' }),
        line('Table', 'room_celsius', { kind: 'table' }),
        line('Heatmap', 'rate(latency_bucket[$__rate_interval])', { kind: 'heatmap' }),
      ],
    });
    await pages.show(page, '/dashboards?id=kinds');
    await panel('Lines').locator('.legend').getByText('the cellar').waitFor();
    await panel('Stacked').locator('.uplot canvas').waitFor();
    await panel('Figure').locator('.value').getByText('30.9 °C').waitFor();
    await panel('Figure').locator('.course').waitFor();
    await panel('Table').getByRole('cell', { name: 'attic', exact: true }).waitFor();
    await panel('Heatmap').scrollIntoViewIfNeeded();
    await panel('Heatmap').locator('canvas[aria-label^="Heatmap of 3 buckets"]').waitFor();
  });

  it('leads from a panel to Explore, with the same query and range', async () => {
    await pages.show(page, '/dashboards?id=kinds&range=5m');
    await panel('Heatmap').getByRole('link', { name: 'Explore' }).click();
    await page.waitForURL(/\/explore/);
    const shown = await params();
    expect([shown.get('match'), shown.get('range'), shown.get('view')]).to.deep.equal([
      'rate(latency_bucket[1m])',
      '5m',
      'heatmap',
    ]);
  });

  it('puts a query of Explore into a dashboard', async () => {
    await pages.show(page, `/explore?match=${encoded('sum(room_celsius)')}&range=15m&view=stacked`);
    await page.locator('.legend tbody tr').first().waitFor();
    await page.getByRole('link', { name: 'Add to a dashboard' }).click();
    await page.getByText('Choose where the query is added').waitFor();
    await page.getByRole('link', { name: 'kinds', exact: true }).click();
    await page.getByText('unsaved changes').waitFor();
    expect((await params()).has('add')).to.equal(false);
    const added = page.locator('.dashboard-panel').last();
    await added.getByRole('heading', { name: 'sum(room_celsius)' }).waitFor();
    await added.locator('.uplot canvas').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('status').getByText('saved', { exact: true }).waitFor();
    const { panels } = JSON.parse(readFileSync(join(pages.directory, 'dashboards', 'kinds.json'), 'utf8'));
    expect([panels.length, panels[5].kind, panels[5].queries[0].expr]).to.deep.equal([
      6,
      'stacked',
      'sum(room_celsius)',
    ]);
  });

  it('imports a dashboard of Grafana, says what is left out, and keeps it when it is saved', async () => {
    await pages.show(page, '/dashboards');
    await page.getByRole('textbox', { name: 'JSON of a dashboard' }).fill(JSON.stringify(grafana));
    await page.getByRole('button', { name: 'Read the text' }).click();
    const left = page.getByRole('region', { name: 'What is left out' });
    await left.getByText('<img src=x onerror=alert(1)>').waitFor();
    await left.getByText('a panel of the type "text"').waitFor();
    await left.getByText('a choice of data sources: there is one store here').waitFor();
    await page.getByRole('button', { name: 'Open it' }).click();
    await panel('Warmth').locator('.legend').getByText('the hall').waitFor();
    await panel('Warmest').locator('.value').getByText('30.9 °C').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/id=rooms-of-grafana/);
    await page.reload();
    await panel('Warmth').locator('.uplot canvas').waitFor();
  });

  it('imports a file, and says why another can not be imported', async () => {
    await pages.show(page, '/dashboards');
    const choose = (name: string, text: string): Promise<void> =>
      page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) });
    await choose('broken.json', '{"panels":');
    await page.getByRole('alert').getByText("This can't be imported: the text is no JSON").waitFor();
    await choose('wide.json', JSON.stringify({ version: 1, title: 'Wide', panels: [{ width: 13 }] }));
    // biome-ignore format: one text
    await page.getByText("This can't be imported: panels[0].width is 13; allowed: a whole number from 1 to 12.").waitFor();
    await choose('fine.json', JSON.stringify({ version: 1, title: 'Fine', panels: [line('A', 'room_celsius')] }));
    await page.getByText('1 panel. Nothing is left out.').waitFor();
  });

  it('asks for the values of variables, and puts those that are chosen into queries and the address', async () => {
    await pages.show(page, '/dashboards?id=rooms-of-grafana');
    await panel('Warmth').locator('.legend').getByText('the hall').waitFor();
    await page.locator('.variables summary').click();
    await page.getByRole('checkbox', { name: 'cellar' }).check();
    await panel('Warmth').locator('.legend').getByText('the attic').waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: 'attic' }).check();
    await panel('Warmth').locator('.legend').getByText('the attic').waitFor();
    expect(await panel('Warmth').locator('.legend tbody tr').count()).to.equal(2);
    expect((await params()).getAll('var-room')).to.deep.equal(['cellar', 'attic']);
    await page.reload();
    await panel('Warmth').locator('.legend').getByText('the attic').waitFor();
    expect(await panel('Warmth').locator('.legend tbody tr').count()).to.equal(2);
    await page.goBack();
    await panel('Warmth').locator('.legend').getByText('the attic').waitFor({ state: 'detached' });
  });

  it('exports what it imports', async () => {
    await pages.show(page, '/dashboards?id=rooms-of-grafana');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export', exact: true }).click(),
    ]);
    expect(download.suggestedFilename()).to.equal('rooms-of-grafana.json');
    const text = readFileSync(await download.path(), 'utf8');
    expect(text).to.equal(readFileSync(join(pages.directory, 'dashboards', 'rooms-of-grafana.json'), 'utf8'));
  });

  it('zooms all panels, and goes back', async () => {
    await pages.show(page, '/dashboards?id=kinds');
    await panel('Lines').locator('.uplot canvas').waitFor();
    const box = (await panel('Lines').locator('.u-over').boundingBox())!;
    await page.mouse.move(box.x + 100, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 55, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/start=\d+&end=\d+/);
    await page.getByText('Range: fixed').waitFor();
    await page.getByRole('button', { name: 'Back' }).click();
    await page.waitForURL(/^[^?]*\?id=kinds$/);
    await page.getByText('Range: fixed').waitFor({ state: 'detached' });
  });

  it('shows the error of a query in its panel, and the rest', async () => {
    keep('half', {
      panels: [line('Good', 'room_celsius'), line('Bad', 'sum(room_celsius'), line('None', 'nothing_here')],
    });
    pages.complaints = [];
    await pages.show(page, '/dashboards?id=half&range=15m');
    await panel('Good').locator('.uplot canvas').waitFor();
    await panel('Bad').getByRole('alert').getByText('unclosed left parenthesis').waitFor();
    await panel('None').getByText('No data in this time range.').waitFor();
    // The browser itself says that an answer was 400.
    expect(pages.complaints.every((text) => text.includes('400'))).to.equal(true);
    pages.complaints = [];
  });

  it('asks nothing for panels off the screen, and little at once', async () => {
    keep('long', {
      panels: Array.from({ length: 60 }, (_, i) => line(`Panel ${i}`, `room_celsius + ${i}`, { width: 3 })),
    });
    let running = 0;
    let most = 0;
    const asked = new Set<string>();
    const isQuery = (request: Request): boolean => request.url().includes('/query_range');
    const begun = (request: Request): void => {
      if (!isQuery(request)) return;
      asked.add(new URL(request.url()).searchParams.get('query') ?? '');
      most = Math.max(most, ++running);
    };
    // A request that the page gives up has ended, too.
    const ended = (request: Request): void => {
      if (isQuery(request)) running--;
    };
    page.on('request', begun).on('requestfinished', ended).on('requestfailed', ended);
    await pages.show(page, '/dashboards?id=long&range=15m&refresh=off');
    for (const shown of ['Panel 0', 'Panel 7']) await panel(shown).locator('.uplot canvas').waitFor();
    expect(asked.has('room_celsius + 0')).to.equal(true);
    expect(asked.has('room_celsius + 59')).to.equal(false);
    await panel('Panel 59').scrollIntoViewIfNeeded();
    await panel('Panel 59').locator('.uplot canvas').waitFor();
    expect(most).to.be.within(1, 4);
    page.off('request', begun).off('requestfinished', ended).off('requestfailed', ended);
  });

  it('reads again while it is shown, and not in a hidden tab', async () => {
    keep('live', { refresh: '5s', panels: [line('Live', 'room_celsius * 2')] });
    const own = await pages.newPage();
    await own.clock.install();
    let asked = 0;
    own.on('request', (request) => {
      if (request.url().includes('/query_range')) asked++;
    });
    const next = (): Promise<unknown> => own.waitForRequest((request) => request.url().includes('/query_range'));
    await Promise.all([next(), own.goto(`${pages.origin}/dashboards?id=live&range=15m`)]);
    await own.locator('.dashboard-panel .uplot canvas').waitFor();
    await Promise.all([next(), own.clock.runFor(5000)]);
    await own.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, value: true })");
    const before = asked;
    await own.clock.runFor(60_000);
    await own.evaluate('new Promise((resolve) => queueMicrotask(resolve))');
    expect(asked).to.equal(before);
    await own.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, value: false })");
    await Promise.all([next(), own.evaluate("document.dispatchEvent(new Event('visibilitychange'))")]);
    expect(asked).to.equal(before + 1);
    await own.context().close();
  });

  it('asks long queries, too', async () => {
    const values = Array.from({ length: 500 }, (_, i) => `a-room-with-a-long-name-${i}`);
    keep('many', {
      variables: [{ name: 'room', kind: 'list', values: [...values, 'attic'], multi: true, all: true }],
      panels: [line('Many', 'room_celsius{room=~"$room"}')],
    });
    await pages.show(page, '/dashboards?id=many&range=15m');
    await page.getByRole('alert').getByText('variables[0].values has 501 entries; allowed: at most 500').waitFor();
    pages.complaints = [];
    keep('many', {
      variables: [{ name: 'room', kind: 'list', values: [...values.slice(1), 'attic'], multi: true, all: true }],
      panels: [line('Many', 'room_celsius{room=~"$room"}')],
    });
    await page.reload();
    await panel('Many').locator('.uplot canvas').waitFor();
    expect(await panel('Many').locator('.legend tbody tr').count()).to.equal(1);
  });

  it('says what is wrong with a damaged file, and removes it', async () => {
    keep('broken', {});
    writeFileSync(join(pages.directory, 'dashboards', 'broken.json'), '{"version":1,');
    await pages.show(page, '/dashboards');
    const row = page.getByRole('row').filter({ hasText: 'broken' });
    await row.getByText('the text is no JSON').waitFor();
    page.once('dialog', (dialog) => void dialog.accept());
    await row.getByRole('button', { name: 'Remove broken' }).click();
    await row.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'kinds', exact: true }).waitFor();
  });

  it('says that there is no such dashboard, and leads to all', async () => {
    await pages.show(page, '/dashboards?id=nowhere');
    await page.getByRole('alert').getByText('There is no dashboard nowhere').waitFor();
    await page.getByRole('link', { name: 'All dashboards' }).click();
    await page.getByRole('link', { name: 'kinds', exact: true }).waitFor();
    expect(pages.complaints.every((text) => text.includes('404'))).to.equal(true);
    pages.complaints = [];
  });

  it('shows titles as text, whatever they are', async () => {
    keep('odd', { title: '<b onmouseover=alert(1)>', panels: [line('<script>alert(1)</script>', 'room_celsius')] });
    await pages.show(page, '/dashboards?id=odd');
    await page.getByRole('heading', { name: '<b onmouseover=alert(1)>', level: 1 }).waitFor();
    await panel('<script>alert(1)</script>').waitFor();
  });

  it('says that it is locked when the token is not valid any more', async () => {
    const own = await pages.newPage();
    await pages.show(own, '/dashboards?id=kinds');
    await own.locator('.dashboard-panel .uplot canvas').first().waitFor();
    await own.context().clearCookies();
    await own.getByRole('heading', { name: 'This page is locked' }).waitFor();
    await own.context().close();
    pages.complaints = [];
  });
});
