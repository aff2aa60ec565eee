/** A store whose surroundings, or whose own statechart, misbehave. */
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { Engine } from '../../src/store/engine.ts';
import { resolveOptions } from '../../src/store/options.ts';
import { Session } from '../../src/store/session.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { codeOf, HOUR_MS, openMachine, START_MS, samplesOf } from './support.ts';

const breaks = (): never => {
  throw new Error('broken');
};

describe('a store', () => {
  after(removeTemporaryDirectories);

  it('goes on with a logger that throws', async () => {
    const logger = { debug: breaks, info: breaks, warn: breaks, error: breaks };
    const machine = await openMachine({ retention: 'off', logger });
    const { store, pass, clock, fileSystem } = machine;
    store.append({ __name__: 'm', id: '0' }, START_MS, 1);
    fileSystem.fail('sync', 'EIO');
    await pass(1000);
    clock.wallOffsetMs += 3 * HOUR_MS;
    await pass(61_000);
    store.append({ __name__: 'm', id: '0' }, START_MS + 1, 1);
    const reopened = await machine.reopen();
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(2);
    await reopened.store.close();
  });

  it('refuses new series while its chart says that the indexes are behind, and old ones never', async () => {
    const directory = temporaryDirectory();
    const engine = new Engine(directory, resolveOptions({ retention: 'off' }));
    const session = new Session(engine);
    await session.open();
    const { ingest, recovered } = session.running;
    const { indexer } = recovered;
    Object.defineProperty(indexer, 'capacity', { value: 8 });
    let written: () => void = () => {};
    const alone = indexer.alone(
      () =>
        new Promise<void>((resolve) => {
          written = resolve;
        }),
    );
    const append = (id: number, timestamp: number) =>
      codeOf(() => ingest.append({ __name__: 'm', id: String(id) }, timestamp, 1));
    let count = 0;
    while ((await append(count, START_MS)) === undefined) count++;
    // The exclusive access counts as one operation of the queue.
    expect([count, indexer.queued]).to.deep.equal([7, 8]);
    expect(session.actor.getSnapshot().hasTag('indexingBehind')).to.equal(true);
    expect(await append(count, START_MS)).to.equal('TIDEMARK_THROTTLED');
    expect(await append(0, START_MS + 1)).to.equal(undefined);
    written();
    await alone;
    await indexer.flush();
    expect(session.actor.getSnapshot().hasTag('indexingBehind')).to.equal(false);
    expect(await append(count, START_MS)).to.equal(undefined);
    await session.close();
  });

  it('whose statechart breaks gives everything back, says so, and can be opened again', async () => {
    const directory = temporaryDirectory();
    const engine = new Engine(directory, resolveOptions({ retention: 'off' }));
    const session = new Session(engine);
    await session.open();
    const { ingest } = session.running;
    ingest.append({ __name__: 'm', id: '0' }, START_MS, 1);
    // Any action of the chart that throws will do.
    Object.assign(engine.logger, { warn: breaks });
    session.actor.send({ type: 'clockJumped', byMs: 1, doubt: { offset: 0, since: 0 } });
    const failure: unknown = await session.close().catch((error: unknown) => error);
    expect(failure).to.include({ code: 'TIDEMARK_INTERNAL', message: 'the store failed: broken' });
    expect(await codeOf(() => ingest.append({ __name__: 'm', id: '0' }, START_MS + 1, 1))).to.equal('TIDEMARK_CLOSED');
    const again = await openStore(directory, { retention: 'off' });
    expect((await samplesOf(again, 'm')).size).to.equal(1);
    await again.close();
  });
});
