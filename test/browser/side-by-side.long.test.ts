/**
 * Explore beside Prometheus' page: the same ten questions over the same samples, and the clicks and keys that each
 * answer takes. The table is in docs/pages.md; UPDATE_DOCS=1 writes it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Store } from '../../src/index.ts';
import { forward } from '../../src/remote/index.ts';
import { isInstalled, type Server, startPrometheus, stopServer } from '../bench/servers.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { fillDemoStore } from './demo-store.ts';
import { OpenPages } from './open-pages.ts';
import { type Cost, Gestures } from './side-by-side/gestures.ts';
import { questions } from './side-by-side/questions.ts';

const docsFile = join(process.cwd(), 'docs', 'pages.md');
const marked = /(<!-- side-by-side -->\n)[\s\S]*?(<!-- \/side-by-side -->)/;

const costText = (cost: Cost | undefined): string => {
  if (cost === undefined) return 'not from the page';
  const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  const parts = [
    ...(cost.clicks > 0 ? [counted(cost.clicks, 'click')] : []),
    ...(cost.keys > 0 ? [counted(cost.keys, 'key')] : []),
  ];
  return parts.join(', ');
};

/** Ten minutes of a histogram. */
const appendLatencies = (store: Store): void => {
  const first = Date.now() - 600_000;
  for (let second = 0; second < 600; second++)
    for (const [i, le] of ['0.05', '0.1', '0.5', '+Inf'].entries())
      store.append(
        { __name__: 'http_request_duration_seconds_bucket', le },
        first + second * 1000,
        [5, 9, 12, 13][i] * second,
      );
};

describe("Explore beside Prometheus' page", function () {
  this.timeout(240_000);
  let pages: OpenPages;
  let prometheus: Server | undefined;

  before(async function () {
    if (!isInstalled('prometheus')) {
      process.stderr.write('skipped: prometheus is not installed\n');
      this.skip();
    }
    pages = await OpenPages.open(this);
    prometheus = await startPrometheus(temporaryDirectory(), 'global: {}\n', ['--web.enable-remote-write-receiver']);
    const forwarding = forward(pages.store, 'prometheus', {
      url: `${prometheus.origin}/api/v1/write`,
      from: 'start',
      selector: '{__name__=~"room.+|http.+"}',
    });
    await fillDemoStore(pages.store);
    appendLatencies(pages.store);
    await pages.store.flush();
    await forwarding.caughtUp();
    await forwarding.stop();
  });

  after(async () => {
    await pages?.close();
    if (prometheus !== undefined) await stopServer(prometheus);
    removeTemporaryDirectories();
  });

  const costOf = async (address: string, ask: (person: Gestures) => Promise<void>): Promise<Cost> => {
    const page = await pages.newPage();
    // The machine may be busy with other tests.
    page.setDefaultTimeout(60_000);
    await page.goto(address);
    await page.waitForLoadState('networkidle');
    const person = new Gestures(page);
    await ask(person);
    await page.context().close();
    return person.cost;
  };

  it('answers with the clicks and keys that docs/pages.md says', async () => {
    const rows: string[][] = [];
    for (const { text, explore, prometheus: other } of questions) {
      const ours = await costOf(`${pages.origin}/explore`, explore);
      const theirs = other === undefined ? undefined : await costOf(`${prometheus?.origin}/classic/graph`, other);
      rows.push([text, costText(ours), costText(theirs)]);
    }
    const table = markdownTable(['question', 'Explore', "Prometheus' page"], rows);
    const page = readFileSync(docsFile, 'utf8');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(docsFile, page.replace(marked, `$1${table}\n$2`));
    expect(marked.exec(readFileSync(docsFile, 'utf8'))?.[0]).to.include(table);
  });
});
