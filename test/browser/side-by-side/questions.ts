/**
 * Ten everyday questions, and what a person does for the answer on Explore and on Prometheus' page, each from the page as
 * it opens. Each way ends when the answer is on the screen. Where a page cannot give the answer, it has no way.
 */
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { coloredPixels } from '../open-pages.ts';
import type { Gestures } from './gestures.ts';

export interface Question {
  readonly text: string;
  readonly explore: (person: Gestures) => Promise<void>;
  readonly prometheus?: (person: Gestures) => Promise<void>;
}

const TEMPERATURE = 'room_temperature_celsius';
const REQUESTS = 'http_requests_total';
const LATENCY = 'http_request_duration_seconds_bucket';

/** A label by which a legend shows that the series are of this metric. */
const labelOf: Readonly<Record<string, string>> = { [TEMPERATURE]: 'room=', [REQUESTS]: 'path=', [LATENCY]: 'le=' };

const metric = (page: Page, name: string): Locator =>
  page.getByRole('complementary', { name: 'Metrics' }).getByRole('button', { name, exact: true });
const legend = (page: Page): Locator => page.locator('.legend tbody tr');

/** Explore: a click on a metric draws it. The page draws another metric at first; a label tells the answers apart. */
const drawMetric = async (person: Gestures, name: string, rows = 1): Promise<void> => {
  await person.click(metric(person.page, name));
  await legend(person.page)
    .filter({ hasText: labelOf[name] })
    .nth(rows - 1)
    .waitFor();
};

const exploreQuery = async (person: Gestures, text: string): Promise<void> => {
  await person.press('/');
  await person.page.locator('.cm-editor.cm-focused').waitFor();
  await person.press('Control+A');
  await person.type(text);
  await person.press('Escape');
  await person.press('Enter');
};

const graph = (page: Page, index = 0): Locator => page.locator('.graph_wrapper').nth(index);

/** Prometheus: the expression is typed, and Enter evaluates it for the table. */
const consoleQuery = async (person: Gestures, text: string, index = 0): Promise<void> => {
  await person.click(graph(person.page, index).locator('textarea[name=expr]'));
  await person.write(text);
  await person.press('Enter');
  await graph(person.page, index).locator('.console table tbody tr').first().waitFor();
};

const showGraph = async (person: Gestures, index = 0): Promise<void> => {
  await person.click(graph(person.page, index).getByRole('tab', { name: 'Graph' }));
  await graph(person.page, index).locator('.graph svg').waitFor();
};

/** Prometheus: a metric is chosen from the list, and a click evaluates it. */
const pickMetric = async (person: Gestures, name: string): Promise<void> => {
  await person.page.locator(`select[name=insert_metric] option[value="${name}"]`).waitFor({ state: 'attached' });
  await person.pick(graph(person.page).locator('select[name=insert_metric]'), name);
  await person.click(graph(person.page).locator('.execute_btn'));
  await graph(person.page).locator('.console table tbody tr').first().waitFor();
};

export const questions: readonly Question[] = [
  {
    text: 'How warm were the rooms in the last quarter of an hour?',
    explore: async (person) => {
      await drawMetric(person, TEMPERATURE, 4);
      await person.click(person.page.getByRole('button', { name: '15 min', exact: true }));
      await person.page.getByRole('img', { name: /Chart of 4 series/ }).waitFor();
      expect(await coloredPixels(person.page)).to.be.greaterThan(100);
    },
    prometheus: async (person) => {
      await pickMetric(person, TEMPERATURE);
      await showGraph(person);
      for (let i = 0; i < 2; i++) await person.click(graph(person.page).locator('button[name=dec_range]'));
      await person.page.waitForFunction(`document.querySelector('input[name=range_input]').value === '15m'`);
    },
  },
  {
    text: 'How many requests a second has each path?',
    explore: async (person) => {
      await drawMetric(person, REQUESTS, 4);
      await person.page.getByRole('button', { name: 'Per second', pressed: true }).waitFor();
    },
    prometheus: async (person) => {
      await consoleQuery(person, `rate(${REQUESTS}[5m])`);
      await showGraph(person);
    },
  },
  {
    text: 'How many are that together?',
    explore: async (person) => {
      await exploreQuery(person, `sum(rate(${REQUESTS}[5m]))`);
      await person.page.getByRole('img', { name: /Chart of 1 series/ }).waitFor();
    },
    prometheus: async (person) => {
      await consoleQuery(person, `sum(rate(${REQUESTS}[5m]))`);
      await showGraph(person);
    },
  },
  {
    text: 'Which room is the warmest now?',
    explore: async (person) => {
      await drawMetric(person, TEMPERATURE, 4);
      await person.click(person.page.getByRole('button', { name: 'Table', exact: true }));
      await person.page.locator('table.instant tbody tr').nth(3).waitFor();
      await person.click(person.page.getByRole('button', { name: 'Value', exact: true }));
      const first = await person.page.locator('table.instant tbody td:last-child').allTextContents();
      expect(Number.parseFloat(first[0])).to.be.at.least(Number.parseFloat(first[3]));
    },
    prometheus: (person) => consoleQuery(person, `sort_desc(${TEMPERATURE})`),
  },
  {
    text: 'Within which time are 99 of 100 requests answered?',
    explore: async (person) => {
      await drawMetric(person, LATENCY);
      await person.click(person.page.getByRole('button', { name: 'Quantiles' }));
      await legend(person.page).getByText('0.99').waitFor();
    },
    prometheus: async (person) => {
      await consoleQuery(person, `histogram_quantile(0.99, sum by (le) (rate(${LATENCY}[5m])))`);
      await showGraph(person);
    },
  },
  {
    text: 'How does that compare with ten minutes before?',
    explore: async (person) => {
      await drawMetric(person, TEMPERATURE, 4);
      await person.click(person.page.getByRole('button', { name: 'Add a query' }));
      await person.page.locator('.cm-content[aria-label="Query B"]').waitFor();
      await person.type(`${TEMPERATURE} offset 10m`);
      await person.press('Escape');
      await person.press('Enter');
      await legend(person.page).nth(7).waitFor();
    },
    prometheus: async (person) => {
      await pickMetric(person, TEMPERATURE);
      await showGraph(person);
      await person.click(person.page.locator('#add_graph'));
      await consoleQuery(person, `${TEMPERATURE} offset 10m`, 1);
      await showGraph(person, 1);
    },
  },
  {
    text: 'What happened in these two minutes of the chart?',
    explore: async (person) => {
      await drawMetric(person, TEMPERATURE, 4);
      await person.drag(person.page.locator('.u-over'), 300, 600);
      await person.page
        .getByRole('button', { name: 'Back', exact: true })
        .and(person.page.locator(':enabled'))
        .waitFor();
    },
    prometheus: async (person) => {
      await pickMetric(person, TEMPERATURE);
      await showGraph(person);
      await person.click(graph(person.page).locator('input[name=range_input]'));
      await person.press('Control+A');
      await person.type('2m');
      await person.press('Enter');
      await person.click(graph(person.page).locator('input[name=end_input]'));
      const end = new Date(Date.now() - 120_000).toISOString().slice(0, 16).replace('T', ' ');
      await person.type(end);
      await person.press('Enter');
      await graph(person.page).locator('.graph svg').waitFor();
    },
  },
  {
    text: 'What exactly was the value there?',
    explore: async (person) => {
      await drawMetric(person, TEMPERATURE, 4);
      await person.point(person.page.locator('.u-over'), 500, 100);
      await person.page.locator('.tooltip').getByText('room=').waitFor();
    },
    prometheus: async (person) => {
      await pickMetric(person, TEMPERATURE);
      await showGraph(person);
      await person.point(graph(person.page).locator('.graph'), 500, 100);
    },
  },
  {
    text: 'Which metrics are there about requests?',
    explore: async (person) => {
      await person.click(person.page.getByRole('searchbox', { name: 'Filter metrics' }));
      await person.type('request');
      await metric(person.page, TEMPERATURE).waitFor({ state: 'detached' });
      await metric(person.page, LATENCY).waitFor();
    },
    prometheus: async (person) => {
      await person.click(graph(person.page).locator('textarea[name=expr]'));
      await person.type('request');
      await person.page.locator('.typeahead li, ul.dropdown-menu li').first().waitFor();
    },
  },
  {
    text: 'Can I have these numbers in a table of mine?',
    explore: async (person) => {
      await drawMetric(person, TEMPERATURE, 4);
      const download = person.page.waitForEvent('download');
      await person.click(person.page.getByRole('button', { name: 'CSV' }));
      expect((await download).suggestedFilename()).to.match(/\.csv$/);
    },
  },
];
