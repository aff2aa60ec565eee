/** Publishing a real store to a stream in memory that fails in every way. */
import { expect } from 'chai';
import { openStore, type Store } from '../../../src/index.ts';
import { type Publishing, type PublishOptions, publishTo } from '../../../src/remote/publish/publish.ts';
import { seeded } from '../../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { FakeStream } from './fake-stream.ts';

const BASE = 1_700_000_000_000;

interface Content {
  readonly type: string;
  readonly position: number;
  readonly values?: readonly number[];
}

const contents = (stream: FakeStream): Content[] =>
  stream.messages.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as Content);

const valuesIn = (stream: FakeStream): number[] => contents(stream).flatMap(({ values = [] }) => values);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('publish', () => {
  let directory: string;
  let store: Store;
  let stream: FakeStream;
  let started: Publishing | undefined;
  let appended: number;

  const begin = async (options: Partial<PublishOptions> = {}, to = stream): Promise<Publishing> => {
    started = await publishTo(to.connect, store, 'mirror', {
      servers: 'unused',
      stream: 'EVENTS',
      from: 'start',
      retryMin: 1,
      retryMax: 2,
      ...options,
    });
    return started;
  };

  const append = async (count: number): Promise<void> => {
    for (let end = appended + count; appended < end; appended++) {
      store.append({ __name__: 'count' }, BASE + appended, appended);
      if (appended % 10 === 9) await store.flush();
    }
    await store.flush();
  };

  const reopen = async (): Promise<void> => {
    await store.close();
    store = await openStore(directory, { retention: 'off' });
  };

  const untilAll = (): Promise<void> => stream.until(() => valuesIn(stream).at(-1) === appended - 1);

  beforeEach(async () => {
    directory = temporaryDirectory();
    store = await openStore(directory, { retention: 'off' });
    stream = new FakeStream();
    appended = 0;
  });

  afterEach(async () => {
    await started?.stop();
    started = undefined;
    await store.close();
    removeTemporaryDirectories();
  });

  it('stores every event of the journal, with subject and id', async () => {
    await append(25);
    await begin({ subject: 'plant.7' });
    await untilAll();
    const journal: string[] = [];
    for await (const { type, position } of store.journal()) journal.push(`${position} ${type}`);
    const stored = contents(stream).map(({ type, position }) => `${position} ${type}`);
    expect(stored).to.deep.equal(journal.slice(0, stored.length));
    const { id } = (await store.info()).journal;
    for (const { subject, headers, data } of stream.messages) {
      const { type, position } = JSON.parse(Buffer.from(data).toString()) as Content;
      expect(subject).to.equal(`plant.7.${type}`);
      expect(headers.id).to.match(new RegExp(`^${id}:${position}(:\\d+)?$`));
    }
  });

  it('stores each event once, in order, whatever fails', async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = seeded(seed);
      stream.faults = {
        onStore: () => (random.int(4) > 0 ? undefined : random.int(2) === 0 ? 'before' : 'after'),
        onConnect: () => random.int(3) === 0,
      };
      stream.messageBytesMax = 6000 + random.int(3) * 2000;
      const publishing = await begin({ maxInFlight: 1 + random.int(8) });
      await append(20 + random.int(100));
      if (random.int(2) === 0) await untilAll();
      await publishing.stop();
      if (random.int(3) === 0) await reopen();
    }
    stream.faults = {};
    await begin();
    await untilAll();
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
    expect(new Set(stream.ids).size).to.equal(stream.ids.length);
    await started?.stop();
    expect(stream.open, 'no connection is left').to.equal(0);
  });

  it('continues after the last stored message when the position was not acknowledged', async () => {
    await append(30);
    await begin();
    await untilAll();
    await started?.stop();
    await store.unsubscribe('mirror');
    await append(5);
    await begin();
    await untilAll();
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
  });

  it('begins where the stream ends, also if the subscription is new and begins at the end', async () => {
    await append(30);
    await begin();
    await untilAll();
    await started?.stop();
    await store.unsubscribe('mirror');
    await append(5);
    await begin({ from: 'end' });
    await append(5);
    await untilAll();
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
  });

  it('sends again what the server lost', async () => {
    await append(50);
    await begin();
    await untilAll();
    await started?.stop();
    stream.loseLast(3);
    await begin();
    await untilAll();
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
    // And while publishing runs.
    stream.loseLast(2);
    await append(5);
    await untilAll();
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
  });

  it('goes back without giving up its name, which a crash would lose', async () => {
    await append(50);
    await begin();
    await untilAll();
    await started?.stop();
    stream.loseLast(3);
    const seen: string[] = [];
    const { unsubscribe } = store;
    store.unsubscribe = (name) => {
      seen.push(name);
      return unsubscribe.call(store, name);
    };
    await begin();
    await untilAll();
    expect(seen, 'the name was never removed').to.deep.equal([]);
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
  });

  it('shares a stream with a second publisher of the same store without storing anything twice', async () => {
    await begin();
    const second = await publishTo(stream.connect, store, 'second', {
      servers: 'unused',
      stream: 'EVENTS',
      from: 'start',
      retryMin: 1,
      retryMax: 2,
    });
    for (let round = 0; round < 5; round++) {
      await append(40);
      await untilAll();
    }
    await second.stop();
    expect(valuesIn(stream)).to.deep.equal(upTo(appended));
  });

  it('fails in a stream of another store, and continues in it only when told', async () => {
    stream.put({
      subject: 'x',
      data: new Uint8Array(),
      headers: { id: '00000000000000aa:17', from: '17', next: undefined },
    });
    await append(5);
    const failed = await (await begin()).ended;
    expect(failed.state).to.equal('failed');
    expect(failed.lastError?.message).to.include('it belongs to store 00000000000000aa');
    expect(stream.messages).to.have.length(1);
    await begin({ adopt: true });
    await stream.until(() => stream.messages.length > 1);
    await stream.until(
      () =>
        contents({ messages: stream.messages.slice(1) } as FakeStream)
          .at(-1)
          ?.values?.at(-1) === 4,
    );
  });

  it('fails when the stream has more than the journal: the directory is an older copy', async () => {
    const { id, end } = (await store.info()).journal;
    stream.put({
      subject: 'x',
      data: new Uint8Array(),
      headers: { id: `${id}:${end + 999}`, from: `${end + 999}`, next: undefined },
    });
    const failed = await (await begin()).ended;
    expect(failed.state).to.equal('failed');
    expect(failed.lastError?.message).to.include('the directory is an older copy');
  });

  it('keeps trying while no server is there, and holds back the journal meanwhile', async () => {
    let refusals = 0;
    let isUp = false;
    stream.faults = {
      onConnect: () => {
        if (!isUp) refusals++;
        return !isUp;
      },
    };
    await begin({ from: 'end' });
    const from = (await store.info()).journal.end;
    await append(5);
    while (refusals < 5) await new Promise((resolve) => setImmediate(resolve));
    expect(started?.status()).to.deep.include({ position: from, sentEvents: 0 });
    expect(started?.status().pendingBytes).to.be.above(0);
    expect(started?.status().lastError?.message).to.equal('connection refused');
    isUp = true;
    await untilAll();
    expect(valuesIn(stream)).to.deep.equal(upTo(5));
  });

  it('has no more messages under way than it may', async () => {
    await append(200);
    await begin({ maxInFlight: 3 });
    await untilAll();
    expect(stream.inFlightMax).to.equal(3);
  });

  it('ends when the store is closed, and then without an error', async () => {
    await begin();
    await append(5);
    await untilAll();
    await store.close();
    const status = await (started as Publishing).ended;
    expect(status.state).to.equal('stopped');
    expect(stream.open).to.equal(0);
  });

  it('refuses wrong options, and names them', async () => {
    const refusals: Partial<PublishOptions>[] = [
      { servers: [] },
      { stream: 'a.b' },
      { subject: 'a..b' },
      { subject: 'a.>' },
      { maxInFlight: 0 },
      { maxMessageBytes: 100 },
    ];
    for (const refused of refusals) {
      const error: unknown = await begin(refused).catch((reason: unknown) => reason);
      expect(error, JSON.stringify(refused)).to.have.property('code', 'TIDEMARK_INVALID_OPTION');
      expect((error as Error).message).to.match(new RegExp(`^${Object.keys(refused)[0]} is `));
    }
  });

  it('refuses a name whose subscription is open', async () => {
    const subscription = store.subscribe('mirror');
    const error: unknown = await begin().catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'TIDEMARK_INVALID_OPTION');
    await subscription.close();
  });
});
