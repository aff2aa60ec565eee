/** Debian's Prometheus 2.42 scrapes itself and a small target, and sends to a store here. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { PagesServer } from '../../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';

const token = 'prometheus-sends';
const isInstalled = spawnSync('prometheus', ['--version']).status === 0;

describe('a Prometheus that sends', function () {
  this.timeout(120_000);
  let store: Store;
  let server: PagesServer;
  let target: Server;
  let prometheus: ChildProcess;
  let scrapes = 0;

  before(async function () {
    if (!isInstalled) {
      console.log('        prometheus is not installed');
      this.skip();
    }
    const directory = temporaryDirectory();
    store = await openStore(temporaryDirectory());
    server = new PagesServer({ clock: systemClock, token, write: true });
    await server.listen();
    server.showStore(store);
    // The metric `leaves` is there for three scrapes, so that a staleness marker follows.
    target = createServer((_, response) => {
      scrapes += 1;
      response.setHeader('Content-Type', 'text/plain; version=0.0.4');
      const leaves = scrapes <= 3 ? 'leaves 1\n' : '';
      response.end(`# TYPE room gauge\nroom{name="küche"} ${scrapes}\nroom{name="none"} NaN\n${leaves}`);
    });
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    writeFileSync(
      join(directory, 'prometheus.yml'),
      `
global: { scrape_interval: 1s, external_labels: { site: here } }
scrape_configs:
  - job_name: target
    static_configs: [{ targets: ['127.0.0.1:${(target.address() as AddressInfo).port}'] }]
remote_write:
  - url: http://127.0.0.1:${server.port}/api/v1/write
    authorization: { credentials: ${token} }
    send_exemplars: true
    queue_config: { batch_send_deadline: 1s }
    metadata_config: { send: true, send_interval: 1s }
`,
    );
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    prometheus.stderr?.on('data', (text: Buffer) => {
      log += text.toString();
    });
  });
  let log = '';

  after(async () => {
    if (!isInstalled) return;
    if (prometheus.exitCode === null) {
      prometheus.kill();
      await once(prometheus, 'exit');
    }
    target.close();
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const bitsOf = async (selector: string): Promise<string[]> => {
    for await (const { values } of store.select(selector))
      return [...new BigUint64Array(values.slice().buffer)].map((bits) => bits.toString(16));
    return [];
  };

  it('fills the store with what it scrapes, its staleness markers too, and hears of no mistake', async () => {
    const stale = '7ff0000000000002';
    while ((await bitsOf('leaves{job="target"}')).at(-1) !== stale || (await bitsOf('room{name="none"}')).length < 5) {
      if (prometheus.exitCode !== null) throw new Error(log);
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    expect(await bitsOf('leaves{job="target"}')).to.deep.equal([...Array(3).fill('3ff0000000000000'), stale]);
    const { series } = await store.query('room{name="küche"}');
    expect(series.map(({ labels }) => ({ ...labels, instance: 'x' }))).to.deep.equal([
      { __name__: 'room', instance: 'x', job: 'target', name: 'küche', site: 'here' },
    ]);
    const seen: number[] = [];
    for await (const { values } of store.select('room{name="küche"}')) seen.push(...values);
    expect(seen).to.deep.equal(seen.map((_, i) => i + 1));
    const up = await store.query('up{job="target"}');
    expect(up.series[0].values[0]).to.equal(1);
    expect(log).to.match(/Starting WAL watcher|Done replaying WAL/);
    expect(log).not.to.match(/non-recoverable|Failed to send|server returned HTTP status/);
  });
});
