/** The endpoints of the page Alerts, over rules that run on a store. */
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { type RunningRules, startRules } from '../../src/rules/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { type Answer, ask } from './http-client.ts';
import { dataOf, encoded, type Parameters, type ServerWithData, serve } from './prometheus/server-with-data.ts';

const minuteMs = 60_000;

describe('the endpoints of the page Alerts', () => {
  let store: Store;
  let rules: RunningRules;
  let server: ServerWithData;
  let now = 0;

  const pass = async (value: number): Promise<void> => {
    now += minuteMs;
    for (let i = 0; i < 600; i++) store.append({ __name__: 'load', cpu: String(i) }, now, value + i / 1000);
    await rules.evaluate(now);
  };

  const get = (path: string, parameters: Parameters = {}): Promise<Answer> =>
    ask(server.port, `${path}?${encoded(parameters)}`);

  before(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    rules = await startRules(store, {
      name: 'cpus',
      interval: '1d',
      rules: [
        { alert: 'Busy', expr: 'load > 10', labels: { severity: 'page' } },
        { alert: 'Busy', expr: 'load{cpu="1"} > 20' },
        { record: 'load:none', expr: 'load < 0' },
      ],
    });
    server = await serve(store, { rules });
    now = Date.now() - 10 * minuteMs;
    await pass(5);
    await pass(15);
    await pass(25);
  });

  after(async () => {
    await server?.stop();
    await rules?.stop();
    await store?.close();
    removeTemporaryDirectories();
  });

  it('list rules with their values, and of many alerts the first ones', async () => {
    const { groups } = dataOf(await get('/ui/rules')) as {
      groups: { id: string; missed: number; rules: Record<string, unknown>[] }[];
    };
    expect(groups.map(({ id, missed }) => [id, missed])).to.deep.equal([['cpus', 0]]);
    const [busy, second, none] = groups[0].rules;
    expect([busy['id'], second['id'], none['id']]).to.deep.equal(['Busy', 'Busy#2', 'load:none']);
    expect(busy['result']).to.deep.equal({ series: 600, lowest: 25, highest: 25.599 });
    expect(none['result']).to.deep.equal({ series: 0, lowest: 'NaN', highest: 'NaN' });
    expect([busy['alerts'], second['alerts']].map((alerts) => (alerts as unknown[]).length)).to.deep.equal([500, 0]);
    expect([busy['alertCount'], second['alertCount'], none['alertCount']]).to.deep.equal([600, 1, 0]);
  });

  it('tell of one rule what to draw, and what happened to its own alerts', async () => {
    const second = dataOf(await get('/ui/rule', { group: 'cpus', rule: 'Busy#2' })) as {
      line: string;
      comparison: unknown;
      history: { type: string; rule: string }[];
    };
    expect(second.line).to.equal('load{cpu="1"}');
    expect(second.comparison).to.deep.equal({ operator: '>', threshold: 20 });
    expect(second.history.map(({ type, rule }) => [type, rule])).to.deep.equal([['alertFired', 'Busy#2']]);
    const first = dataOf(await get('/ui/rule', { group: 'cpus', rule: 'Busy' })) as { history: unknown[] };
    expect(first.history).to.have.length(500);
  });

  it('refuse rules that are not there, and requests that name none', async () => {
    expect((await get('/ui/rule', { group: 'cpus', rule: 'Idle' })).status).to.equal(404);
    expect((await get('/ui/rule', { group: 'cpus' })).status).to.equal(400);
  });

  it('list nothing where no rules are evaluated', async () => {
    const bare = await serve(store);
    try {
      expect(dataOf(await ask(bare.port, '/ui/rules'))).to.deep.equal({ groups: [] });
    } finally {
      await bare.stop();
    }
  });
});
