/** A store for tests of what goes on by itself: files and databases in memory, and time that the test moves. */
import { openStore, type Store, type StoreOptions } from '../../src/index.ts';
import type { DomainEvent } from '../../src/model/events.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { type MemoryStore, MemoryStores } from '../support/memory-stores.ts';

export const START_MS = 1_767_225_600_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export interface Machine {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly fileSystem: MemoryFileSystem;
  readonly keyValueStores: MemoryStores;
  /** Everything the store has said, samples not included. */
  readonly events: DomainEvent[];
  /** Lets virtual time pass, in steps of at most `stepMs`, and what it begins come to its end. */
  pass(byMs: number, stepMs?: number): Promise<void>;
  /** Closes the store and opens its directory again. */
  reopen(options?: StoreOptions): Promise<Machine>;
}

interface Ports {
  readonly clock: ManualClock;
  readonly fileSystem: MemoryFileSystem;
  readonly keyValueStores: MemoryStores;
}

export const openMachine = (options: StoreOptions = {}, fileSystem = new MemoryFileSystem()): Promise<Machine> =>
  openOn({ clock: new ManualClock(START_MS), fileSystem, keyValueStores: new FolderStores(fileSystem) }, options);

/** Databases whose folders are there, as the store expects of a directory that was used before. */
export class FolderStores extends MemoryStores {
  private readonly fileSystem: MemoryFileSystem;

  constructor(fileSystem: MemoryFileSystem) {
    super();
    this.fileSystem = fileSystem;
  }

  override async open(directory: string): Promise<MemoryStore> {
    this.fileSystem.makeDirectory(directory);
    return super.open(directory);
  }
}

const openOn = async (ports: Ports, options: StoreOptions): Promise<Machine> => {
  const { clock, fileSystem } = ports;
  const store = await openStore('/store', { ...ports, ...options });
  const events: DomainEvent[] = [];
  store.events$.subscribe((event) => {
    if (event.type !== 'samplesAppended') events.push(event);
  });
  const pass = async (byMs: number, stepMs = 250): Promise<void> => {
    for (let passed = 0; passed < byMs; passed += stepMs) {
      clock.step(Math.min(stepMs, byMs - passed));
      await settle(store);
    }
  };
  return {
    store,
    clock,
    fileSystem,
    keyValueStores: ports.keyValueStores,
    events,
    pass,
    reopen: async (others = options) => {
      await store.close();
      return openOn(ports, others);
    },
  };
};

/** Turns of the event loop until nothing more comes of what has begun. */
export const settle = async (store: Store): Promise<void> => {
  for (let turn = 0; turn < 6 || (store.stateCounts().persisting > 0 && turn < 200); turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** All samples of a selector, as `id@time` to value. */
export const samplesOf = async (
  store: Store,
  selector: Parameters<Store['select']>[0],
): Promise<Map<string, number>> => {
  const samples = new Map<string, number>();
  for await (const { labels, timestamps, values } of store.select(selector)) {
    for (let i = 0; i < timestamps.length; i++) samples.set(`${labels['id']}@${timestamps[i]}`, values[i]);
  }
  return samples;
};

/** The code of the error that a call throws or rejects with; `undefined` when it doesn't. */
export const codeOf = async (act: () => unknown): Promise<string | undefined> => {
  try {
    await act();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

/** What a metric says now, the first of its values or the one with these labels. */
export const metricOf = async (store: Store, name: string, labels: Record<string, string> = {}): Promise<number> => {
  const metric = await store.registry.getSingleMetric(name)?.get();
  const found = metric?.values.find((value) =>
    Object.entries(labels).every(([label, text]) => (value.labels as Record<string, string>)[label] === text),
  );
  if (found === undefined) throw new Error(`there is no metric ${name} ${JSON.stringify(labels)}`);
  return found.value;
};
