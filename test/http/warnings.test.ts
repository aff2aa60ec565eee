/** What endpoints say of series that could not be read whole. */
import { get as httpGet } from 'node:http';
import { expect } from 'chai';
import { PagesServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ask } from './http-client.ts';

const problem = 'aa/b.db, byte 1041: the chunk is not as it was written';
const warning = `up{job="node"}: ${problem}`;
const headers = { authorization: 'Bearer t' };

/** Each of its answers has a problem. */
class DamagedStore extends FakeStore {
  override async *select(...asked: Parameters<FakeStore['select']>) {
    for await (const series of super.select(...asked)) yield { ...series, problems: [problem] };
  }

  override async instant(...asked: Parameters<FakeStore['instant']>) {
    return (await super.instant(...asked)).map((sample) => ({ ...sample, problems: [problem] }));
  }
}

describe('what could not be read whole', () => {
  let server: PagesServer;

  beforeEach(async () => {
    const store = new DamagedStore();
    store.append({ __name__: 'up', job: 'node' }, 1000, 1);
    server = new PagesServer({ port: 0, token: 't', clock: systemClock });
    await server.listen();
    server.showStore(store);
  });

  afterEach(() => server.close());

  it('is in the trailer of an export', async () => {
    const trailers = await new Promise<NodeJS.Dict<string>>((resolve, reject) => {
      const path = '/api/v1/export?match[]=up&start=0&end=2';
      httpGet({ host: '127.0.0.1', port: server.port, path, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.trailers));
        response.on('error', reject);
      }).on('error', reject);
    });
    expect(JSON.parse(decodeURI(trailers['tidemark-warnings'] ?? '[]'))).to.deep.equal([warning]);
  });

  it('is in comments of /federate', async () => {
    const { body } = await ask(server.port, '/federate?match[]=up', { headers });
    expect(body).to.include(`# ${warning}\n`);
  });
});
