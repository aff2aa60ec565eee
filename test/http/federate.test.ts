import { expect } from 'chai';
import { PagesServer } from '../../src/http/index.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { ask } from './http-client.ts';

const minuteMs = 60_000;

describe('/federate', () => {
  let store: Store;
  let server: PagesServer;
  let now: number;

  before(async () => {
    store = await openStore(temporaryDirectory());
    server = new PagesServer({ clock: systemClock, token: false });
    await server.listen();
    server.showStore(store);
    now = systemClock.now();
  });

  after(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const federated = async (...selectors: string[]): Promise<string> => {
    const query = selectors.map((selector) => `match[]=${encodeURIComponent(selector)}`).join('&');
    return (await ask(server.port, `/federate?${query}`)).body;
  };

  const federatedFor = (accept: string, selector: string) =>
    ask(server.port, `/federate?match[]=${encodeURIComponent(selector)}`, { headers: { accept } });

  it('has the newest sample of each series, with its time', async () => {
    const series = store.series({ __name__: 'up', instance: 'a:1', job: 'node' });
    for (const [ago, value] of [
      [3, 0],
      [2, 1],
    ])
      series.append(now - ago * minuteMs, value);
    expect(await federated('up')).to.equal(
      `# TYPE up untyped\nup{instance="a:1",job="node"} 1 ${now - 2 * minuteMs}\n`,
    );
  });

  it('leaves out series whose newest sample is older than five minutes', async () => {
    store.append({ __name__: 'old' }, now - 6 * minuteMs, 1);
    store.append({ __name__: 'young' }, now - 4 * minuteMs, 1);
    expect(await federated('old', 'young')).to.equal(
      `# TYPE young untyped\nyoung{instance=""} 1 ${now - 4 * minuteMs}\n`,
    );
  });

  it('leaves out series that ended with a staleness marker, and none that are NaN for another reason', async () => {
    const ended = store.series({ __name__: 'gone' });
    ended.append(now - 2000, 1);
    ended.appendStale(now - 1000);
    const back = store.series({ __name__: 'back' });
    back.appendStale(now - 2000);
    back.append(now - 1000, 2);
    store.append({ __name__: 'ratio' }, now - 1000, Number.NaN);
    expect(await federated('{__name__=~"gone|back|ratio"}')).to.equal(
      `# TYPE back untyped\nback{instance=""} 2 ${now - 1000}\n# TYPE ratio untyped\nratio{instance=""} NaN ${now - 1000}\n`,
    );
  });

  it('leaves out series without a name, which the format cannot say', async () => {
    store.append({ job: 'nameless' }, now - 1000, 1);
    expect(await federated('{job="nameless"}')).to.equal('');
  });

  it('escapes UTF-8 names for readers of 0.0.4, and quotes them for those that say they know them', async () => {
    store.append({ __name__: 'my.metric', 'a.b': 'c', a_b: 'd', instance: 'i' }, now - 1000, 1);
    const selector = '{"my.metric"}';
    const escaped = await federatedFor('text/plain;version=0.0.4', selector);
    expect(escaped.headers['content-type']).to.equal('text/plain; version=0.0.4; charset=utf-8');
    expect(escaped.body).to.equal(
      `# TYPE my_metric untyped\nmy_metric{U__a_2e_b="c",a_b="d",instance="i"} 1 ${now - 1000}\n`,
    );
    const quoted = await federatedFor(
      'application/openmetrics-text;version=1.0.0,text/plain;version=1.0.0;escaping=allow-utf-8',
      selector,
    );
    expect(quoted.headers['content-type']).to.contain('version=1.0.0').and.contain('escaping=allow-utf-8');
    expect(quoted.body).to.equal(
      `# TYPE "my.metric" untyped\n{"my.metric","a.b"="c",a_b="d",instance="i"} 1 ${now - 1000}\n`,
    );
    expect((await federatedFor('text/plain;escaping=values', selector)).body).to.contain('U__my_2e_metric{');
  });
});
