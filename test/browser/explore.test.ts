import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { systemClock } from '../../src/index.ts';
import { coloredPixels, holdMetricNames, METRIC_NAMES, OpenPages } from './open-pages.ts';

const minuteMs = 60_000;
const buckets = ['0.1', '0.5', '1', '+Inf'];

describe('Explore with PromQL', function () {
  this.timeout(60_000);
  let pages: OpenPages;
  let page: Page;
  const now = systemClock.now();

  const fill = (labels: Readonly<Record<string, string>>, valueAt: (i: number) => number): void => {
    for (let i = 0; i < 120; i++) pages.store.append(labels, now - 10 * minuteMs + i * 5000, valueAt(i));
  };

  before(async function () {
    pages = await OpenPages.open(this);
    for (const [n, path] of ['/', '/login', '/cart'].entries())
      fill({ __name__: 'http_requests_total', method: 'GET', path }, (i) => (n + 1) * i);
    for (const [n, le] of buckets.entries())
      fill({ __name__: 'latency_seconds_bucket', le, job: 'shop' }, (i) => [1, 5, 9, 10][n] * i);
    fill({ __name__: 'memory_bytes', job: 'shop' }, (i) => 1e6 + i);
    fill({ __name__: 'room.temperature', 'the room': 'attic' }, (i) => 20 + i / 100);
    fill({ __name__: 'odd_values' }, (i) => [1, Number.NaN, Number.POSITIVE_INFINITY, -0][i % 4]);
    fill({ __name__: 'many', n: 'base' }, () => 1);
    for (let i = 0; i < 540; i++) fill({ __name__: 'many', n: String(i) }, () => i);
    for (let i = 0; i < 50; i++)
      pages.store.append({ __name__: 'imported', site: 'a' }, now - 400 * 86_400_000 + i * minuteMs, i);
    pages.store.describe({ metric: 'memory_bytes', type: 'gauge', help: 'What is resident.', unit: 'bytes' });
    await pages.store.flush();
    page = await pages.newPage();
  });

  after(() => pages?.close());

  afterEach(() => {
    // Chrome would put the style of a replaced text around the new one; the policy forbids it, and nothing is lost.
    const complaints = pages.complaints.filter((text) => !text.startsWith('Applying inline style'));
    pages.complaints = [];
    expect(complaints, 'complaints of the browser').to.deep.equal([]);
  });

  const query = (name = 'Query'): Locator => page.getByRole('textbox', { name, exact: true });

  const show = async (params: Readonly<Record<string, string>> | string[][]): Promise<void> =>
    pages.show(page, `/explore?${new URLSearchParams(params as Record<string, string>)}`);

  /** The editor, which takes the place of the text field when it is focused. */
  const editor = async (name = 'Query'): Promise<Locator> => {
    await query(name).focus();
    const field = page.locator(`.cm-content[aria-label="${name}"]`);
    await field.waitFor();
    return field;
  };

  /** Puts a text into the editor, in place of what is there. */
  const type = async (text: string): Promise<void> => {
    await editor();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(text);
  };

  /** Accepts the first offer, which has this name. The list takes keys a moment after it opened. */
  const accept = async (name: string | RegExp): Promise<void> => {
    await page.getByRole('option', { name, selected: true }).waitFor();
    await page.waitForTimeout(150);
    await page.keyboard.press('Enter');
    await page.locator('.cm-tooltip-autocomplete').waitFor({ state: 'detached' });
  };

  const ask = async (text: string): Promise<void> => {
    await type(text);
    await page.getByRole('button', { name: 'Draw' }).click();
  };

  const rows = (): Locator => page.locator('.legend tbody tr');

  describe('the editor', () => {
    it('is loaded when the field is focused, and keeps the text and the focus', async () => {
      const loaded: string[] = [];
      page.on('request', (request) => loaded.push(request.url()));
      await show({ match: 'memory_bytes', range: '15m' });
      await rows().waitFor();
      expect(loaded.filter((url) => url.includes('editor'))).to.deep.equal([]);
      const field = await editor();
      expect(await field.textContent()).to.equal('memory_bytes');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('sum(http_requests_total)');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await page.waitForURL(/match=sum/);
      page.removeAllListeners('request');
    });

    it('completes metrics, functions, labels and values by keyboard', async () => {
      const field = await editor();
      await page.keyboard.press('Control+A');
      await page.keyboard.type('http_req');
      await accept(/http_requests_total/);
      await page.keyboard.type('{pa');
      await accept(/^path/);
      await page.keyboard.type('="/lo');
      await accept('/login');
      expect(await field.textContent()).to.equal('http_requests_total{path="/login"}');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await page.getByText('1 series').waitFor();
    });

    it('quotes the name of a metric that is no identifier', async () => {
      const field = await editor();
      await page.keyboard.press('Control+A');
      await page.keyboard.type('room');
      await accept(/room\.temperature/);
      expect(await field.textContent()).to.equal('{"room.temperature"}');
    });

    it('marks mistakes while typing, and says what the server found wrong', async () => {
      await type('sum by (path (http_requests_total)');
      await page.locator('.cm-lintRange-error').first().waitFor();
      await page.getByRole('button', { name: 'Draw' }).click();
      await page.getByRole('alert').getByText('parse error').waitFor();
      pages.complaints = pages.complaints.filter((text) => !text.includes('400'));
    });

    it('is reached with a slash', async () => {
      await show({ match: 'memory_bytes', range: '15m' });
      await rows().waitFor();
      await page.keyboard.press('/');
      await page.locator('.cm-editor.cm-focused').waitFor();
      await page.keyboard.type('/2');
      expect(await page.locator('.cm-content').textContent()).to.equal('memory_bytes/2');
    });
  });

  it('puts no query under the cursor while the names of metrics come', async () => {
    const letAnswer = await holdMetricNames(page);
    await show({});
    const field = await editor();
    letAnswer();
    // The list of the metrics shows that the answer came; the query would be drawn in the same moment.
    await page.getByRole('button', { name: 'memory_bytes' }).waitFor();
    await page.keyboard.insertText('latency_seconds_bucket');
    expect(await field.textContent()).to.equal('latency_seconds_bucket');
    await page.unroute(METRIC_NAMES);
  });

  it('draws an expression as lines, a step apart', async () => {
    await show({ match: 'sum by (path) (rate(http_requests_total[1m]))', range: '15m' });
    await page.getByText('3 series').waitFor();
    await page.getByText(/step 2s/).waitFor();
    expect(await rows().count()).to.equal(3);
    expect(await coloredPixels(page)).to.be.greaterThan(100);
  });

  it('draws several queries in one view, and the address holds them', async () => {
    await show({ match: 'memory_bytes', range: '15m' });
    await rows().waitFor();
    await page.getByRole('button', { name: 'Add a query' }).click();
    await page.locator('.cm-content[aria-label="Query B"]').waitFor();
    await page.keyboard.type('memory_bytes * 2');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.getByText('2 series').waitFor();
    expect(await rows().first().textContent()).to.match(/^A /);
    expect(new URL(page.url()).searchParams.getAll('match')).to.deep.equal(['memory_bytes', 'memory_bytes * 2']);
    await page.getByRole('button', { name: 'Remove query A' }).click();
    await page.getByText('1 series').waitFor();
    expect(new URL(page.url()).searchParams.getAll('match')).to.deep.equal(['memory_bytes * 2']);
  });

  it('stacks series, of counters their rates', async () => {
    await show({ match: 'http_requests_total', range: '15m', view: 'stacked' });
    await page.getByText('3 series').waitFor();
    const link = await page.getByRole('link', { name: 'API' }).getAttribute('href');
    expect(link).to.contain('query_range').and.to.contain('rate%28http_requests_total');
    await page.locator('.uplot canvas').waitFor();
  });

  it('draws the buckets of a histogram as a heatmap, and its quantiles as lines', async () => {
    await show({ match: 'latency_seconds_bucket', range: '15m', view: 'heatmap' });
    await page.getByRole('img', { name: /Heatmap of 4 buckets up to \+Inf/ }).waitFor();
    await page.locator('.heatmap canvas').hover({ position: { x: 500, y: 200 } });
    await page.locator('.heatmap p').getByText(/up to/).waitFor();
    await page.getByRole('button', { name: 'Quantiles' }).click();
    await page.getByText('3 series').waitFor();
    expect(
      await rows()
        .allTextContents()
        .then((texts) => texts.join()),
    ).to.contain('quantile="0.99"');
    // The unit is that of the buckets' bounds.
    expect(await rows().first().textContent()).to.match(/ms|s/);
  });

  it('says when a heatmap has no buckets', async () => {
    await show({ match: 'memory_bytes', range: '15m', view: 'heatmap' });
    await page.getByText('A heatmap needs a histogram').waitFor();
  });

  it('shows the values of now as a table that can be sorted', async () => {
    await show({ match: 'http_requests_total', range: '5m', view: 'table', rate: '0' });
    await page.locator('table.instant tbody tr').first().waitFor();
    const values = (): Promise<string[]> => page.locator('table.instant tbody td:last-child').allTextContents();
    await page.getByRole('button', { name: 'Value', exact: true }).click();
    expect(await values()).to.deep.equal(['357', '238', '119']);
    await page.getByRole('button', { name: 'Value', exact: true }).click();
    expect(await values()).to.deep.equal(['119', '238', '357']);
  });

  it('has a logarithmic axis', async () => {
    await show({ match: 'http_requests_total', range: '15m', rate: '0' });
    await page.getByText('3 series').waitFor();
    await page.getByRole('button', { name: 'Log', exact: true }).click();
    await page.waitForURL(/log=1/);
    expect(await coloredPixels(page)).to.be.greaterThan(100);
  });

  it('lets the step be chosen', async () => {
    await show({ match: 'sum(http_requests_total)', range: '15m' });
    await page.getByText(/step 2s/).waitFor();
    await page.getByLabel('Step').selectOption('1m');
    await page.getByText(/step 1m/).waitFor();
    expect(page.url()).to.contain('step=60000ms');
  });

  it('keeps the queries that were drawn', async () => {
    await show({ match: 'memory_bytes', range: '15m' });
    await rows().waitFor();
    await ask('max(memory_bytes)');
    await page.getByText('1 series').waitFor();
    await ask('min(memory_bytes)');
    await page.getByText('History').click();
    await page.locator('.popover').getByRole('button', { name: 'max(memory_bytes)' }).click();
    await page.waitForURL(/match=max/);
  });

  it('builds a query from fields', async () => {
    await show({ match: 'memory_bytes', range: '15m' });
    await page.getByText('Builder', { exact: true }).click();
    await page.getByLabel('Metric', { exact: true }).fill('http_requests_total');
    await page.getByLabel('Metric', { exact: true }).press('Tab');
    await page.getByRole('checkbox', { name: 'path' }).check();
    await page.getByLabel('Series together').selectOption('sum');
    await page.getByRole('button', { name: 'Add a filter' }).click();
    await page.getByLabel('Label', { exact: true }).fill('path');
    await page.getByLabel('Comparison').selectOption('=~');
    await page.getByLabel('Value', { exact: true }).fill('/.+');
    const text = 'sum by (path) (rate(http_requests_total{path=~"/.+"}[5m]))';
    await page.locator('output').getByText(text).waitFor();
    await page.getByRole('button', { name: 'Use this query' }).click();
    await page.getByText('2 series').waitFor();
    expect(new URL(page.url()).searchParams.get('match')).to.equal(text);
  });

  describe('time', () => {
    it('takes a range from fields, and goes back', async () => {
      await show({ match: 'memory_bytes', range: '15m' });
      await rows().waitFor();
      await page.getByText('Range', { exact: true }).click();
      await page.getByLabel('From', { exact: true }).fill('now-8m');
      await page.getByLabel('Through', { exact: true }).fill('now-3m');
      await page.getByRole('button', { name: 'Show this range' }).click();
      await page.waitForURL(/start=\d+&end=\d+/);
      const { searchParams } = new URL(page.url());
      expect(Number(searchParams.get('end')) - Number(searchParams.get('start'))).to.equal(5 * minuteMs);
      await page.getByRole('button', { name: 'Zoom out' }).click();
      await page.waitForFunction(
        `new URLSearchParams(location.search).get('end') - new URLSearchParams(location.search).get('start') === ${10 * minuteMs}`,
      );
      await page.getByRole('button', { name: 'Back', exact: true }).click();
      await page.waitForURL(new RegExp(`start=${searchParams.get('start')}`));
      await page.getByRole('button', { name: 'Back', exact: true }).click();
      await page.waitForURL(/range=15m/);
    });

    it('goes back as often as there was another view, and keeps what is typed and not drawn', async () => {
      const back = page.getByRole('button', { name: 'Back', exact: true });
      await show({ match: 'memory_bytes', range: '15m' });
      await rows().waitFor();
      expect(await back.isDisabled()).to.equal(true);
      await type('max(memory_bytes)');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: '1 h', exact: true }).click();
      await page.waitForURL(/range=1h/);
      expect(await page.locator('.cm-content').textContent()).to.equal('max(memory_bytes)');
      expect(new URL(page.url()).searchParams.get('match')).to.equal('memory_bytes');
      await back.click();
      await page.waitForURL(/range=15m/);
      await rows().waitFor();
      expect(await back.isDisabled()).to.equal(true);
    });

    it('says what is no time', async () => {
      await page.getByText('Range', { exact: true }).click();
      await page.getByLabel('From', { exact: true }).fill('yesterday');
      await page.getByRole('button', { name: 'Show this range' }).click();
      await page.getByRole('alert').getByText('“yesterday” is no time.').waitFor();
    });

    it('is shown in UTC on demand', async () => {
      await show({ match: 'memory_bytes', start: String(Date.UTC(2020, 0, 1)), end: String(Date.UTC(2020, 0, 2)) });
      await page.locator('main button[title*="UTC"]').click();
      await page.waitForURL(/tz=utc/);
      await page.getByText('Range: fixed').click();
      const from = page.getByLabel('From', { exact: true });
      // The fields are filled when the range has opened.
      await page.waitForFunction(
        (field) => (field as { value?: string } | null)?.value !== '',
        await from.elementHandle(),
      );
      expect(await from.inputValue()).to.equal('2020-01-01 00:00:00.000');
    });

    it('is where the samples are, if they are old and the address names no range', async () => {
      await show({ match: 'imported' });
      await page.getByText('1 series').waitFor();
      expect(new URL(page.url()).searchParams.get('start')).to.equal(String(now - 400 * 86_400_000));
    });

    it('says of each selector anew where its samples are', async () => {
      await show({ match: 'imported', range: '5m' });
      await page.getByText('Its samples are from').waitFor();
      await ask('{__name__="nothing"}');
      await page.waitForURL(/nothing/);
      await page.getByText('Its samples are from').waitFor({ state: 'detached' });
      await page.getByText('No series matches this selector in this time range.').waitFor();
    });

    it('leads to old samples, if the address names another range', async () => {
      await show({ match: 'imported', range: '5m' });
      await page.getByText('No series matches this selector in this time range. Its samples are from').waitFor();
      await page.getByRole('button', { name: 'Show them' }).click();
      await page.getByText('1 series').waitFor();
    });
  });

  describe('events of the store', () => {
    it('are marks on the chart that lead to their place in Replay', async () => {
      await pages.store.checkpoint();
      await show({ match: 'memory_bytes', range: '15m' });
      await rows().waitFor();
      await page.locator('.mark').first().waitFor();
      await page.getByText('Events of the store in this range: 2').click();
      const links = page.locator('.store-events a');
      expect(await links.allTextContents().then((texts) => texts.map((text) => text.slice(25)))).to.deep.equal([
        'store created',
        'checkpoint',
      ]);
      await links.nth(1).click();
      await page.waitForURL(/replay\?position=\d+/);
      await page.locator('main [role=status].mono').getByText('checkpointWritten').waitFor();
    });
  });

  describe('the chart', () => {
    it('tells the time and the nearest series beside the cursor', async () => {
      await show({ match: 'http_requests_total', range: '15m', rate: '0' });
      await page.getByText('3 series').waitFor();
      await page.locator('.u-over').hover({ position: { x: 500, y: 10 } });
      await page.locator('.tooltip').getByText('{path="/cart"}').waitFor();
      expect(await page.locator('.tooltip').textContent()).to.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/);
    });

    it('has a legend that is searched, sorted by value, and isolates a series', async () => {
      await show({ match: 'many', range: '15m' });
      await page.getByText('50 of 541 series').waitFor();
      expect(await rows().count()).to.equal(50);
      // Chosen by value: 490 through 539.
      expect((await rows().allTextContents()).some((text) => text.includes('n="539"'))).to.equal(true);
      await page.getByText('All: many').waitFor();
      await page.getByRole('button', { name: 'Highest' }).click();
      expect(await rows().first().textContent()).to.contain('n="539"');
      await page.getByRole('searchbox', { name: 'Search series' }).fill('n="53');
      expect(await rows().count()).to.equal(10);
      await rows().first().getByRole('button').dblclick();
      await page.locator('.legend tr.off').first().waitFor();
      expect(await page.locator('.legend tr:not(.off) .toggle').count()).to.equal(1);
    });

    it('writes values with the unit of the metric, and says what the metric is', async () => {
      await show({ match: 'memory_bytes', range: '15m' });
      await page.getByText('gauge: What is resident.').waitFor();
      await rows().getByText('1.00 MB').first().waitFor();
    });

    it('names values that are not numbers', async () => {
      await show({ match: 'odd_values', range: '15m', view: 'samples' });
      await page.locator('table tbody tr').first().waitFor();
      const texts = new Set(await page.locator('main table tbody td:last-child').allTextContents());
      expect([...texts].sort()).to.deep.equal(['+Inf', '-0', '1', 'NaN']);
    });

    it('is told as text', async () => {
      await show({ match: 'memory_bytes', range: '15m' });
      await page
        .getByRole('img', { name: /Chart of 1 series from .* memory_bytes\{job="shop"\}: last 1.00 MB/ })
        .waitFor();
    });

    it('picks a metric that is no identifier in quotes', async () => {
      await page.getByRole('button', { name: 'room.temperature' }).click();
      await page.getByText('1 series').waitFor();
      expect(new URL(page.url()).searchParams.get('match')).to.equal('{"room.temperature"}');
    });

    it('is saved as CSV and as PNG', async () => {
      await show({ match: 'http_requests_total', range: '15m', rate: '0' });
      await page.getByText('3 series').waitFor();
      const saved = async (name: string): Promise<Buffer> => {
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name, exact: true }).click(),
        ]);
        return readFileSync(await download.path());
      };
      const [head, first] = (await saved('CSV')).toString().split('\n');
      expect(head).to.equal(
        'time,"http_requests_total{method=""GET"", path=""/""}","http_requests_total{method=""GET"", path=""/cart""}","http_requests_total{method=""GET"", path=""/login""}"',
      );
      expect(first).to.equal(`${new Date(now - 10 * minuteMs).toISOString()},0,0,0`);
      expect((await saved('PNG')).subarray(1, 4).toString()).to.equal('PNG');
    });

    it('has a link to the same query in the API', async () => {
      await show({ match: 'sum(memory_bytes)', range: '15m' });
      const href = await page.getByRole('link', { name: 'API' }).getAttribute('href');
      const answer = await page.request.get(new URL(href!, page.url()).href);
      expect((await answer.json()).data.resultType).to.equal('matrix');
    });
  });
});
