/** The steps of recovering, as the store's statechart takes them while it opens a real directory. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, type StoreOptions } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { START_MS, samplesOf } from './support.ts';

const labels = { __name__: 'm', id: '0' };

/** Opens and closes the directory. The sub-states of recovering, in order, and the samples of the store. */
const recover = async (
  directory: string,
  options: StoreOptions = {},
  onStep: (step: string) => void = () => {},
): Promise<{ readonly steps: string[]; readonly samples: Map<string, number> }> => {
  const steps: string[] = [];
  const store = await openStore(directory, {
    retention: 'off',
    ...options,
    inspect: (event) => {
      if (event.type !== '@xstate.snapshot' || !('value' in event.snapshot)) return;
      const { recovering } = Object(event.snapshot.value) as { readonly recovering?: string };
      if (recovering === undefined || recovering === steps.at(-1)) return;
      steps.push(recovering);
      onStep(recovering);
    },
  });
  const samples = await samplesOf(store, 'm');
  await store.close();
  return { steps, samples };
};

/** A directory with one flushed sample, as it is after the process was killed. */
const crashedDirectory = async (): Promise<string> => {
  const directory = join(temporaryDirectory(), 'store');
  const store = await openStore(directory, { retention: 'off' });
  store.append(labels, START_MS, 1);
  await store.flush();
  const copy = join(temporaryDirectory(), 'copy');
  cpSync(directory, copy, { recursive: true });
  await store.close();
  return copy;
};

describe('the steps of recovering', () => {
  after(removeTemporaryDirectories);

  it('are loading and settling for a new directory, and for one that was closed', async () => {
    const directory = join(temporaryDirectory(), 'store');
    expect((await recover(directory)).steps).to.deep.equal(['loading', 'settling']);
    expect((await recover(directory)).steps).to.deep.equal(['loading', 'settling']);
  });

  it('replay the journal of a directory that crashed', async () => {
    const { steps, samples } = await recover(await crashedDirectory());
    expect(steps).to.deep.equal(['loading', 'replaying', 'settling']);
    expect(samples.size).to.equal(1);
  });

  it('scan all files when recovery is asked for', async () => {
    const { steps, samples } = await recover(await crashedDirectory(), { forceRecovery: true });
    expect(steps).to.deep.equal(['loading', 'scanning', 'settling']);
    expect(samples.size).to.equal(1);
  });

  it('end when the opening is aborted, and the next opening takes all of them', async () => {
    const directory = await crashedDirectory();
    const controller = new AbortController();
    const begun: string[] = [];
    const opening = recover(directory, { signal: controller.signal }, (step) => {
      begun.push(step);
      if (step === 'loading') setImmediate(() => controller.abort());
    });
    expect(await opening.catch((error: unknown) => error)).to.have.property('code', 'TIDEMARK_ABORTED');
    expect(begun).to.deep.equal(['loading']);
    expect(existsSync(join(directory, 'DIRTY'))).to.equal(true);
    const { steps, samples } = await recover(directory);
    expect(steps).to.deep.equal(['loading', 'replaying', 'settling']);
    expect(samples.size).to.equal(1);
  });
});
