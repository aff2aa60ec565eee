/** What `serve` says while it runs, on a store in memory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { Subject } from 'rxjs';
import type { DomainEvent } from '../../src/index.ts';
import { FakeStore } from '../support/fake-store.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { runInProcess } from './run-in-process.ts';

describe('tidemark serve while it runs', () => {
  afterEach(removeTemporaryDirectories);

  const serve = async (options: readonly string[], during: (store: FakeStore) => void) => {
    const directory = temporaryDirectory();
    const store = new FakeStore(directory);
    const abort = new AbortController();
    const out = new PassThrough();
    out.once('data', () => {
      // The address is printed when the store is open.
      setImmediate(() => {
        during(store);
        abort.abort();
      });
    });
    return runInProcess(['serve', directory, '--port', '0', '--no-record', ...options], {
      store,
      out,
      signal: abort.signal,
    });
  };

  it('prints a line when the disk is full and one when it is well again', async () => {
    const { err } = await serve([], ({ events$ }) => {
      const events = events$ as Subject<DomainEvent>;
      events.next({ type: 'healthChanged', time: 1, to: 'readOnly', reason: 'ENOSPC: no space left on device' });
      events.next({ type: 'healthChanged', time: 2, to: 'healthy', reason: '' });
    });
    expect(err).to.match(/^The store takes no samples until the disk takes writes again: ENOSPC: no space left on/m);
    expect(err).to.match(/^The disk takes writes again, and so does the store\.$/m);
  });

  it('says that a rule file has no rules', async () => {
    const directory = temporaryDirectory();
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'empty.yml');
    writeFileSync(file, 'groups: []\n');
    const { err } = await serve(['--rules', file], () => {});
    expect(err).to.contain(`${file} has no rules.\n`);
  });

  it('refuses a directory that looks like an address', async () => {
    const { exitCode, err } = await runInProcess(['serve', 'localhost:7480'], { store: new FakeStore() });
    expect(exitCode).to.equal(2);
    expect(err).to.contain('"localhost:7480" looks like an address');
  });
});
