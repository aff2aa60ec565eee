/**
 * A simulated machine whose process dies at a given call to its disk or its databases, and what the next process finds
 * there.
 */
import { expect } from 'chai';
import type { Store, StoreInfo, StoreOptions } from '../../src/api/api.ts';
import { openStore } from '../../src/index.ts';
import type { CrashKind } from '../simulation/simulated-process.ts';
import { World } from '../simulation/world.ts';

export const directory = '/store';

const options: StoreOptions = { retention: 'off', checkpointInterval: '1h', commitInterval: '10m' };

/** Starts a new process of the world and opens the store in it. */
export const boot = async (world: World, more: StoreOptions = {}): Promise<Store> => {
  const ports = world.boot();
  const outcome = await world.run(() => openStore(directory, { ...options, ...more, ...ports }));
  if (outcome.kind === 'value') return outcome.value;
  throw outcome.kind === 'error' ? outcome.error : new Error(`opening: ${outcome.kind}`);
};

/** Runs an operation in the world, which must succeed. */
export const succeed = async <T>(world: World, operation: () => Promise<T>): Promise<T> => {
  const outcome = await world.run(operation);
  if (outcome.kind === 'value') return outcome.value;
  throw outcome.kind === 'error' ? outcome.error : new Error(outcome.kind);
};

export interface Found {
  readonly opened: StoreInfo['opened'];
  /** Values of each series by its label `id`, in order of time. */
  readonly samples: Map<string, number[]>;
  /** Values of the label `id` that the indexes know. */
  readonly names: string[];
}

export const look = (world: World, store: Store): Promise<Found> =>
  succeed(world, async () => {
    const samples = new Map<string, number[]>();
    for await (const { labels, values } of store.select('{__name__=~".+"}'))
      samples.set(labels['id'] ?? '', [...values]);
    // A creation may have become durable without its sample. Such a series is ended by the first visit at the latest.
    await store.maintain();
    await store.waitForIndexing();
    return { opened: (await store.info()).opened, samples, names: (await store.labelValues('id')).sort() };
  });

export interface Script {
  /** Runs earlier processes to their end. */
  readonly earlier?: (world: World) => Promise<void>;
  /** Done, and made durable, before the crash. */
  readonly before: (store: Store) => Promise<void>;
  /** The operation in which the process dies. */
  readonly dyingIn: (store: Store) => Promise<void>;
  /** Checks what the next process finds. */
  readonly expectFound: (found: Found) => void;
  readonly options?: StoreOptions;
}

/** Plays the script once for each call that `dyingIn` makes. Returns the number of calls. */
export const dieAtEachCall = async (kind: CrashKind, script: Script): Promise<number> => {
  for (let call = 0; ; call++) {
    const world = new World({ seed: 1000 + call, directory, mischief: 0 });
    await script.earlier?.(world);
    const store = await boot(world, script.options);
    await succeed(world, () => script.before(store));
    world.disk.faults.arm({ fault: 'crash', skip: call });
    const outcome = await world.run(() => script.dyingIn(store));
    if (outcome.kind === 'value') return call;
    expect(outcome.kind, `${kind} at call ${call}`).to.equal('crashed');
    world.disk.faults.clear();
    world.crash(kind);
    const next = await boot(world, script.options);
    try {
      script.expectFound(await look(world, next));
    } catch (error) {
      throw new Error(`${kind} at call ${call}:\n${world.trace.tail(Number(process.env['TRACE'] ?? 10)).join('\n')}`, {
        cause: error,
      });
    }
    await succeed(world, () => next.close());
  }
};
