/**
 * Small runs of a real store, on files in memory, that lead to transitions which the simulator's seeds reach seldom or
 * never. No run sends an event to a statechart: every event is the store's own.
 */
import { expect } from 'chai';
import type { InspectionEvent } from 'xstate';
import { Engine } from '../../src/store/engine.ts';
import { resolveOptions } from '../../src/store/options.ts';
import { Session } from '../../src/store/session.ts';
import { codeOf, type Machine, MINUTE_MS, openMachine, samplesOf } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { MemoryStores } from '../support/memory-stores.ts';

type Inspect = (event: InspectionEvent) => void;

const LABELS = { __name__: 'm', id: '0' };
const diskError = (): Error => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
const isSeriesFile = (path: string): boolean => /\/[0-9a-f]{2}\/[0-9a-f]{14}\.db$/.test(path);
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Work on series files that waits until the run lets it go on. */
class FileThread {
  private readonly works: (() => void)[] = [];
  private isStopped = false;

  constructor(fileSystem: MemoryFileSystem) {
    Object.assign(fileSystem, {
      runAside: (work: () => void): void => {
        if (this.isStopped) this.works.push(work);
        else queueMicrotask(work);
      },
    });
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Runs one piece of work, and everything that follows from it on the main thread. */
  async step(): Promise<void> {
    await turns();
    const work = this.works.shift();
    if (work === undefined) throw new Error('no work on files is waiting');
    work();
    await turns();
  }

  /** Runs what waits, and stops no more. */
  async goOn(): Promise<void> {
    this.isStopped = false;
    while (this.works.length > 0) await this.step();
    await turns();
  }
}

interface Aged extends Machine {
  readonly thread: FileThread;
  readonly path: string;
  /** Damages the series file; the result undoes it. */
  damage(): () => void;
  append(): void;
}

/** A store with one archived series of two chunks. The older one is past retention after ten more minutes. */
const withArchivedSeries = async (inspect: Inspect): Promise<Aged> => {
  const fileSystem = new MemoryFileSystem();
  const thread = new FileThread(fileSystem);
  const options = { retention: '30m', headChunkTimeout: '1m', minShrinkRatio: 0, checkpointInterval: '12h' } as const;
  const machine = await openMachine({ ...options, syncSeriesFiles: 'always', inspect }, fileSystem);
  const { store, clock } = machine;
  const append = (): void => store.append(LABELS, clock.now(), 1);
  const archive = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      append();
      clock.step(1);
    }
    clock.step(2 * MINUTE_MS);
    for (let visit = 0; visit < 3 && store.stateCounts().archived === 0; visit++) await store.maintain();
    expect(store.stateCounts().archived).to.equal(1);
  };
  await archive();
  clock.step(18 * MINUTE_MS);
  await turns();
  await archive();
  await store.waitForIndexing();
  const [path] = fileSystem.paths().filter(isSeriesFile);
  const damage = (): (() => void) => {
    const sound = fileSystem.content(path);
    const bytes = fileSystem.content(path);
    // The encoding of the first chunk.
    bytes[0] = 9;
    fileSystem.put(path, bytes);
    return () => fileSystem.put(path, sound);
  };
  return { ...machine, thread, path, damage, append };
};

/** Something that happens to a series while its file is being changed. */
type Meanwhile = (aged: Aged) => void | Promise<void>;

interface FileCall {
  /** Leads the series to the call; the call starts at the next visit. */
  readonly before?: Meanwhile;
  /** A query reads the damaged file right before the call, and finds the damage during the call. */
  readonly isDamaged?: boolean;
  /** The damage is still there when the call reads the file. */
  readonly staysDamaged?: boolean;
  /** Happens during the call, before the damage is found. */
  readonly first?: Meanwhile;
  /** Happens during the call, after the damage is found. */
  readonly meanwhile?: Meanwhile;
  /** The disk refuses the call. */
  readonly isRefused?: boolean;
}

const during = async (inspect: Inspect, call: FileCall): Promise<void> => {
  let isDamageTold = false;
  const aged = await withArchivedSeries((event) => {
    isDamageTold ||= event.type === '@xstate.event' && event.event.type === 'damage';
    inspect(event);
  });
  const { store, thread, fileSystem, clock } = aged;
  await call.before?.(aged);
  const mend = call.isDamaged || call.staysDamaged ? aged.damage() : () => {};
  thread.stop();
  const query = call.isDamaged ? samplesOf(store, 'm').catch(() => {}) : undefined;
  await turns();
  if (call.before === undefined) clock.step(12 * MINUTE_MS);
  const visit = store.maintain();
  await turns();
  await call.first?.(aged);
  while (query !== undefined && !isDamageTold) await thread.step();
  await call.meanwhile?.(aged);
  await turns();
  if (!call.staysDamaged) mend();
  if (call.isRefused) {
    fileSystem.onCall = (operation, path) => {
      if (operation !== 'syncDirectory' && /\/[0-9a-f]{14}\.db/.test(path)) throw diskError();
    };
  }
  await thread.goOn();
  fileSystem.onCall = () => {};
  await Promise.allSettled([visit, query]);
  await aged.pass(2 * MINUTE_MS, 1000);
  await store.close();
};

const wake: Meanwhile = ({ append }) => append();
const drop: Meanwhile = async ({ store }) => {
  void store.drop('m').catch(() => {});
  await turns();
};
/** Wakes the series and lets its head chunk become idle, so that the next visit persists it. */
const wakeAndRest: Meanwhile = ({ append, clock }) => {
  append();
  clock.step(2 * MINUTE_MS);
};

const fileCalls: readonly FileCall[] = [
  // Trimming an archived series.
  { isDamaged: true },
  { isDamaged: true, staysDamaged: true },
  { isDamaged: true, meanwhile: drop },
  { isDamaged: true, first: wake },
  { meanwhile: wake },
  { meanwhile: wake, isRefused: true },
  {
    meanwhile: async (aged) => {
      await wake(aged);
      await drop(aged);
    },
  },
  { isRefused: true },
  // Persisting a series in memory.
  { before: wakeAndRest, isDamaged: true },
  { before: wakeAndRest, isDamaged: true, meanwhile: drop },
];

/** A user drops a series whose file could not be deleted. */
const droppedTwice = async (inspect: Inspect): Promise<void> => {
  const { store, fileSystem } = await withArchivedSeries(inspect);
  fileSystem.onCall = (operation, path) => {
    if (operation === 'remove' && isSeriesFile(path)) throw diskError();
  };
  expect(await codeOf(() => store.drop('m'))).to.equal('TIDEMARK_IO');
  fileSystem.onCall = () => {};
  await store.drop('m');
  await store.close();
};

/** Recovery cannot list the series files. */
const scanFails = async (inspect: Inspect): Promise<void> => {
  const machine = await withArchivedSeries(inspect);
  const { fileSystem } = machine;
  const readDirectory = fileSystem.readDirectory.bind(fileSystem);
  fileSystem.readDirectory = (path) => {
    if (/\/[0-9a-f]{2}$/.test(path)) throw diskError();
    return readDirectory(path);
  };
  expect(await codeOf(() => machine.reopen({ forceRecovery: true, inspect }))).to.equal('TIDEMARK_IO');
};

const openSession = async (
  inspect: Inspect,
  fileSystem = new MemoryFileSystem(),
  clock = new ManualClock(),
): Promise<Session> => {
  const ports = { fileSystem, clock, keyValueStores: new MemoryStores() };
  const session = new Session(new Engine('/store', resolveOptions({ ...ports, retention: 'off', inspect })));
  await session.open();
  return session;
};

/** The journal takes the creation of a series, but refuses its first sample. The next visit finds the series empty. */
const emptySeries = async (inspect: Inspect): Promise<void> => {
  const session = await openSession(inspect);
  const { ingest, recovered, visits } = session.running;
  const { journal } = recovered;
  const appendSample = journal.appendSample.bind(journal);
  journal.appendSample = () => {
    throw diskError();
  };
  expect(await codeOf(() => ingest.append(LABELS, 0, 1))).to.equal('EIO');
  journal.appendSample = appendSample;
  await visits.all();
  await session.close();
};

/** The indexing queue of eight fills up and empties, at once and in two batches. */
const indexingBehind = async (inspect: Inspect): Promise<void> => {
  const fileSystem = new MemoryFileSystem();
  const clock = new ManualClock();
  const session = await openSession(inspect, fileSystem, clock);
  const { ingest, recovered } = session.running;
  const { indexer } = recovered;
  await indexer.flush();
  Object.defineProperty(indexer, 'capacity', { value: 8 });
  let id = 0;
  const create = (count: number): void => {
    for (let i = 0; i < count; i++) ingest.append({ __name__: 'm', id: String(id++) }, 0, 1);
  };
  const measure = async (): Promise<void> => {
    clock.step(250);
    await turns();
  };
  // From empty to full and back, at once.
  create(8);
  await indexer.flush();
  // From three to full, while the first three are being written. After them, five are left, and then none.
  let goOn: () => void = () => {};
  const slow = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  fileSystem.holdSync = () => slow;
  create(5);
  const flushed = indexer.flush();
  await measure();
  create(3);
  await turns();
  goOn();
  await flushed;
  fileSystem.holdSync = () => Promise.resolve();
  await indexer.flush();
  await measure();
  await session.close();
};

/** A backup is asked for while a checkpoint is written; the checkpoint succeeds, and the second time fails. */
const backupBehindCheckpoint = async (inspect: Inspect): Promise<void> => {
  const fileSystem = new MemoryFileSystem();
  const session = await openSession(inspect, fileSystem);
  const { ingest, checkpoints } = session.running;
  for (const fails of [false, true]) {
    ingest.append(LABELS, fails ? 1 : 0, 1);
    const written = session.checkpoint();
    const backup = checkpoints.requestBackup();
    fileSystem.onCall = (operation, path) => {
      if (fails && operation === 'rename' && path.endsWith('heads.db.tmp')) throw diskError();
    };
    expect(await codeOf(() => written)).to.equal(fails ? 'TIDEMARK_IO' : undefined);
    fileSystem.onCall = () => {};
    (await backup).release();
  }
  await session.close();
};

/** A late sample waits until a visit merges it into the chunks in memory. */
const lateInMemory = async (inspect: Inspect): Promise<void> => {
  const { store, clock, pass } = await openMachine({ retention: 'off', headChunkTimeout: '1h', inspect });
  store.append(LABELS, clock.now(), 2);
  store.append(LABELS, clock.now() - MINUTE_MS, 1);
  await pass(6 * MINUTE_MS, 1000);
  await store.close();
};

export const smallRuns: readonly ((inspect: Inspect) => Promise<void>)[] = [
  ...fileCalls.map((call) => (inspect: Inspect) => during(inspect, call)),
  droppedTwice,
  scanFails,
  emptySeries,
  indexingBehind,
  backupBehindCheckpoint,
  lateInMemory,
];
