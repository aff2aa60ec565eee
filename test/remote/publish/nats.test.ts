/** Publishing to the real nats-server. Skipped where it is not installed. */

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect } from 'chai';
import { openStore, type Store } from '../../../src/index.ts';
import { type Publishing, type PublishOptions, publish } from '../../../src/remote/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { hasNatsServer, NatsServer } from './nats-server.ts';

const BASE = 1_700_000_000_000;

describe('publish to nats-server', () => {
  let server: NatsServer;
  let store: Store;
  let publishing: Publishing | undefined;
  let appended: number;

  const append = async (count: number): Promise<void> => {
    for (let end = appended + count; appended < end; appended++)
      store.append({ __name__: 'count' }, BASE + appended, appended);
    await store.flush();
  };

  const begin = async (options: Partial<PublishOptions> = {}): Promise<Publishing> => {
    publishing = await publish(store, 'mirror', {
      servers: server.url,
      stream: 'EVENTS',
      from: 'start',
      retryMin: 10,
      retryMax: 100,
      ...options,
    });
    return publishing;
  };

  /** Resolves when everything up to now is acknowledged. */
  const untilSent = async (): Promise<void> => {
    const { end } = (await store.info()).journal;
    while ((publishing as Publishing).status().position < end) await new Promise((resolve) => setImmediate(resolve));
  };

  const valuesInStream = async (): Promise<number[]> =>
    (await server.contents('EVENTS')).flatMap(({ event }) => event.values ?? []);

  before(function () {
    if (!hasNatsServer) this.skip();
  });

  beforeEach(async () => {
    server = new NatsServer(temporaryDirectory());
    await server.start();
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    appended = 0;
  });

  afterEach(async () => {
    await publishing?.stop();
    publishing = undefined;
    await store?.close();
    await server?.end();
    removeTemporaryDirectories();
  });

  it('creates the stream with limits, and stores every event under its type', async () => {
    await append(20);
    await begin();
    await untilSent();
    const contents = await server.contents('EVENTS');
    expect(contents.map(({ subject }) => subject).slice(0, 3)).to.deep.equal([
      'tidemark.mirror.storeOpened',
      'tidemark.mirror.seriesCreated',
      'tidemark.mirror.samplesAppended',
    ]);
    expect(await valuesInStream()).to.deep.equal(Array.from({ length: 20 }, (_, index) => index));
    const nats = await connect({ servers: server.url });
    const { config } = await (await jetstreamManager(nats)).streams.info('EVENTS');
    await nats.close();
    expect(config).to.deep.include({
      subjects: ['tidemark.mirror.>'],
      retention: 'limits',
      max_bytes: 1024 ** 3,
      max_age: 7 * 86_400 * 1e9,
      num_replicas: 1,
    });
  });

  it('stores nothing twice after a restart beyond the duplicate window', async () => {
    await append(20);
    await begin({ create: { duplicateWindow: 100 } });
    await untilSent();
    await publishing?.stop();
    // A new subscription from the start would send everything again, and the server remembers no id.
    await store.unsubscribe('mirror');
    await server.end();
    await server.start();
    await begin();
    await append(5);
    await untilSent();
    const contents = await server.contents('EVENTS');
    expect(new Set(contents.map(({ id }) => id)).size).to.equal(contents.length);
    expect(await valuesInStream()).to.deep.equal(Array.from({ length: 25 }, (_, index) => index));
  });

  it('stores nothing twice with two publishers at once and no memory of ids', async () => {
    await begin({ create: { duplicateWindow: 100 }, maxMessageBytes: 8192 });
    const second = await publish(store, 'second', {
      servers: server.url,
      stream: 'EVENTS',
      subject: 'tidemark.mirror',
      from: 'start',
      retryMin: 150,
      retryMax: 200,
      maxMessageBytes: 8192,
    });
    for (let round = 0; round < 10; round++) await append(500);
    await untilSent();
    await second.stop();
    const contents = await server.contents('EVENTS');
    expect(new Set(contents.map(({ id }) => id)).size).to.equal(contents.length);
    expect(await valuesInStream()).to.deep.equal(Array.from({ length: appended }, (_, index) => index));
  });

  it('cuts events to the size that the stream takes', async () => {
    const nats = await connect({ servers: server.url });
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: 'EVENTS', subjects: ['tidemark.mirror.*'], max_msg_size: 9000 });
    await nats.close();
    await append(1000);
    await begin();
    await untilSent();
    expect(await valuesInStream()).to.deep.equal(Array.from({ length: 1000 }, (_, index) => index));
    expect((await server.contents('EVENTS')).length).to.be.above(10);
  });

  it('says what is wrong with a stream that has other subjects, and goes on when that is repaired', async () => {
    const nats = await connect({ servers: server.url });
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: 'EVENTS', subjects: ['orders.>'] });
    await append(5);
    const { status } = await begin();
    while (status().retries < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(status().lastError?.message).to.equal('stream EVENTS does not store the subjects tidemark.mirror.>');
    await manager.streams.update('EVENTS', { subjects: ['orders.>', 'tidemark.>'] });
    await nats.close();
    await untilSent();
    expect(await valuesInStream()).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('waits for a stream that it may not create', async () => {
    await append(5);
    const { status } = await begin({ create: false });
    while (status().retries < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(status().lastError?.message).to.equal('stream not found');
  });

  it('passes the credentials on', async () => {
    await server.end();
    await server.start(['--auth', 'secret']);
    await append(5);
    const refused = await begin();
    while (refused.status().retries < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(refused.status().lastError?.message).to.match(/authorization/i);
    await refused.stop();
    await begin({ connection: { token: 'secret' } });
    await untilSent();
    expect(publishing?.status().state).to.not.equal('failed');
  });
});
