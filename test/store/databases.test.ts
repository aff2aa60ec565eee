/** That no database stays open, whatever fails: the lock of the store is one of theirs. */
import { expect } from 'chai';
import { silentLogger } from '../../src/ports/logger.ts';
import { closeDatabases, describeDatabases, openDatabases } from '../../src/store/databases.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { type MemoryStore, MemoryStores } from '../support/memory-stores.ts';

/** Databases that are closed by a failing `close`, too, where their folder's name says so. */
class FailingStores extends MemoryStores {
  readonly closed: string[] = [];
  private readonly failingClose: RegExp;
  private readonly failingOpen: RegExp;

  constructor(failingClose: RegExp, failingOpen = /^$/) {
    super();
    this.failingClose = failingClose;
    this.failingOpen = failingOpen;
  }

  override async open(directory: string): Promise<MemoryStore> {
    if (this.failingOpen.test(directory)) throw new Error(`no ${directory}`);
    const store = await super.open(directory);
    const close = store.close.bind(store);
    store.close = async () => {
      await close();
      this.closed.push(directory);
      if (this.failingClose.test(directory)) throw new Error(`failed: ${directory}`);
    };
    return store;
  }
}

const open = (stores: MemoryStores): ReturnType<typeof openDatabases> => {
  const fileSystem = new MemoryFileSystem();
  return openDatabases({
    fileSystem,
    directory: '/store',
    stores,
    readOnly: false,
    created: true,
    logger: silentLogger,
  });
};

const messageOf = (work: Promise<unknown>): Promise<string> => work.then(String, ({ message }: Error) => message);

/** Describes databases with what it holds itself, as an object of a class does. */
class DescribingStores extends MemoryStores {
  private readonly isForeign = true;

  async describe(directory: string) {
    return { files: { [directory]: 1 }, isForeign: this.isForeign };
  }
}

describe('The databases of a store', () => {
  it('are described by the method of a key-value store that is an object of a class', async () => {
    const described = await describeDatabases(new DescribingStores(), '/store');
    expect(described['labelname_to_labelvalues']).to.deep.equal({
      files: { '/store/labelname_to_labelvalues': 1 },
      isForeign: true,
    });
  });

  it('are all closed, the one with the lock last, when closing the first ones fails', async () => {
    const stores = new FailingStores(/labelpair|labelname/);
    const message = await messageOf(open(stores).then(closeDatabases));
    expect(message).to.match(/^failed: .*labelpair/);
    expect(stores.closed).to.have.length(4);
    expect(stores.closed[3]).to.match(/archived_fingerprint_to_metric$/);
    // Nobody has the lock any more.
    await open(stores);
  });

  it('are closed when one of them does not open, which is the error that counts', async () => {
    const stores = new FailingStores(/archived/, /labelpair/);
    expect(await messageOf(open(stores))).to.match(/^no .*labelpair/);
    expect(stores.closed).to.have.length(3);
  });
});
