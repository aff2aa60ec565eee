/** Debian's Alertmanager gets the alerts of a store: over its own outage, and over a restart of the store. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { startRules } from '../../src/rules/index.ts';
import { freePort } from '../support/free-port.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const program = 'prometheus-alertmanager';

/** Asks again and again until the answer is not `undefined`. */
const until = async <T>(ask: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

interface AlertOfManager {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
  readonly endsAt: string;
}

describe('Alertmanager', function () {
  this.timeout(60_000);
  let manager: ChildProcess | undefined;

  before(function () {
    if (spawnSync(program, ['--version']).status === 0) return;
    console.log(`      ${program} is not installed: skipped`);
    this.skip();
  });

  afterEach(() => {
    manager?.kill('SIGKILL');
    removeTemporaryDirectories();
  });

  it('gets an alert that fired while it was down, and its end after a restart of the store', async () => {
    const folder = temporaryDirectory();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const config = join(folder, 'alertmanager.yml');
    writeFileSync(config, 'route: {receiver: none}\nreceivers: [{name: none}]\n');
    const alerts = async (): Promise<AlertOfManager[]> =>
      (await (await fetch(`${url}/api/v2/alerts`)).json()) as AlertOfManager[];
    const group = {
      name: 'g',
      interval: 100,
      rules: [{ alert: 'High', expr: 'load > 1', labels: { severity: 'page' }, annotations: { v: '{{ $value }}' } }],
    };
    const options = { alertmanagers: [url], externalLabels: { region: 'eu' } };
    const errors: unknown[] = [];

    const store = await openStore(join(folder, 'store'));
    store.append({ __name__: 'load', host: 'a' }, Date.now() - 100, 5);
    const rules = await startRules(store, group, { ...options, onError: (error) => errors.push(error) });
    // The first delivery fails, because nothing listens yet.
    await until(async () => (errors.length > 0 ? true : undefined));
    expect(String(errors[0])).to.contain('ECONNREFUSED');
    manager = spawn(
      program,
      [
        `--config.file=${config}`,
        `--storage.path=${join(folder, 'manager')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    const [fired] = await until(async () => {
      const found = await alerts();
      return found.length > 0 ? found : undefined;
    });
    expect(fired.labels).to.deep.equal({ alertname: 'High', host: 'a', region: 'eu', severity: 'page' });
    expect(fired.annotations).to.deep.equal({ v: '5' });
    expect(fired.status.state).to.equal('active');
    await rules.stop();
    await store.close();

    const again = await openStore(join(folder, 'store'));
    const rulesAgain = await startRules(again, group, options);
    again.append({ __name__: 'load', host: 'a' }, Date.now(), 0);
    // Alertmanager lists only alerts that have not ended.
    await until(async () => ((await alerts()).length === 0 ? true : undefined));
    await rulesAgain.stop();
    await again.close();
  });
});
