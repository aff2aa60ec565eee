/** What `serve` says while it runs, on a store in memory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { Subject } from 'rxjs';
import type { DomainEvent } from '../../src/index.ts';
import { FakeStore } from '../support/fake-store.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { fakeLibrary, runInProcess } from './run-in-process.ts';

describe('tidemark serve while it runs', () => {
  afterEach(removeTemporaryDirectories);

  const serve = async (options: readonly string[], during: (store: FakeStore) => void, calls: unknown[] = []) => {
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
      library: fakeLibrary(store, calls),
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

  describe('--memory-target', () => {
    for (const [size, memoryTarget] of [
      ['256M', 256 * 1024 ** 2],
      ['1GiB', 1024 ** 3],
      ['1048576', 1024 ** 2],
    ] as const)
      it(`opens the store with ${size}`, async () => {
        const calls: { options: object }[] = [];
        await serve(['--memory-target', size], () => {}, calls);
        expect(calls[0].options).to.include({ memoryTarget });
      });

    it('is left to the library if it is not given', async () => {
      const calls: { options: object }[] = [];
      await serve([], () => {}, calls);
      expect(calls).to.have.length(1);
      expect(calls[0].options).not.to.have.property('memoryTarget');
    });

    for (const size of ['', '0', '1048575', '1023K', '1.5G', '-1', '256MB', '256 M', 'much', '9007199254740992'])
      it(`refuses ${JSON.stringify(size)} as wrong usage, and opens nothing`, async () => {
        const calls: { options: object }[] = [];
        const { exitCode, out, err } = await serve([`--memory-target=${size}`], () => {}, calls);
        expect({ exitCode, out, calls }).to.deep.equal({ exitCode: 2, out: '', calls: [] });
        expect(err).to.match(
          /^tidemark: --memory-target takes a number of bytes or a size such as 256M or 1G, from 1M on, /,
        );
        expect(err).to.contain(`not ${JSON.stringify(size)}.\nusage: tidemark serve`);
      });
  });

  it('refuses a directory that looks like an address', async () => {
    const { exitCode, err } = await runInProcess(['serve', 'localhost:7480'], { store: new FakeStore() });
    expect(exitCode).to.equal(2);
    expect(err).to.contain('"localhost:7480" looks like an address');
  });
});
