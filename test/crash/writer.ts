/**
 * The process that the crash test kills. It opens the store, appends in rounds, and runs other operations of the store
 * at random. It prints a claim before and after each action.
 *
 *   node writer.js '{"directory": …, "seed": …, "first": …}'
 */
import { writeSync } from 'node:fs';
import { openStore, type Store, type StoreOptions, type Subscription, TidemarkError } from '../../src/index.ts';
import { seeded } from '../support/seeded.ts';
import type { Claim } from './claims.ts';
import { readContent } from './content.ts';
import { dyingFileSystem } from './dying-file-system.ts';
import {
  groupOf,
  labelsOf,
  membersOf,
  type Name,
  nameOf,
  RETURNING,
  sampleTime,
  sampleValue,
  seriesOf,
} from './samples.ts';

export interface WriterInput {
  readonly directory: string;
  readonly seed: number;
  /** The first round to append. */
  readonly first: number;
  readonly options: StoreOptions;
  readonly drops: boolean;
  readonly backups: boolean;
  readonly subscribes: boolean;
  /** The process kills itself at this file-system call. */
  readonly dieAtCall?: number;
  /** The store is closed after this many rounds; with `drains`, only once the subscriber has caught up. */
  readonly closeAfterRounds?: number;
  readonly drains?: boolean;
}

const input = JSON.parse(process.argv[2] ?? '{}') as WriterInput;
const random = seeded(input.seed);

const claim = (what: Claim): void => {
  writeSync(1, `${JSON.stringify(what)}\n`);
};

const fail = (error: unknown): never => {
  claim({ type: 'failed', what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exit(1);
};

/** Lets work run beside the appending. It may fail because the store was closed; any other failure ends the process. */
const beside = (work: Promise<unknown>): void => {
  work.catch((error: unknown) => {
    if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_CLOSED') fail(error);
  });
};

class Writer {
  private readonly store: Store;
  private round = input.first - 1;
  /** Series that are being dropped: nothing is appended to them. */
  private readonly leaving = new Set<Name>();
  private readonly droppedGroups = new Set<number>();
  private drops = 0;
  private backups = 0;
  private isClosing = false;
  private caughtUp: (round: number) => void = () => {};
  private subscription: Subscription | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  async run(): Promise<void> {
    if (input.subscribes) beside(this.listen());
    const last = input.first + (input.closeAfterRounds ?? Number.POSITIVE_INFINITY) - 1;
    while (this.round < last) {
      await this.appendRound();
      await this.doSomething();
      if (this.round % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (input.drains === true) await this.drain();
    claim({ type: 'closing' });
    this.isClosing = true;
    await this.subscription?.close();
    await this.store.close();
    claim({ type: 'closed' });
  }

  private async appendRound(): Promise<void> {
    const round = this.round + 1;
    claim({ type: 'appending', round });
    this.round = round;
    for (const name of seriesOf(round, input.first)) {
      if (!this.leaving.has(name)) await this.append(name, round);
    }
    if (input.options.durability === 'always') claim({ type: 'acknowledged', round });
  }

  private async append(name: Name, round: number): Promise<void> {
    for (;;) {
      try {
        this.store.append(labelsOf(name), sampleTime(name, round), sampleValue(name, round));
        return;
      } catch (error) {
        if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_THROTTLED') throw error;
        await this.store.ready();
      }
    }
  }

  private async doSomething(): Promise<void> {
    const { store } = this;
    const choice = random.int(100);
    if (choice < 15) await this.inTime(this.flush());
    else if (choice < 19) beside(store.checkpoint());
    else if (choice < 25) beside(store.maintain());
    else if (choice < 29 && input.drops) await this.inTime(this.dropGroup());
    else if (choice < 32 && input.drops) beside(this.drop([nameOf('returning', random.int(RETURNING))]));
    else if (choice < 34 && input.backups) await this.inTime(this.backUp());
    else if (choice < 35) beside(store.rebuildIndexes());
    else if (choice < 37) beside(this.readSome());
    else if (choice < 39) beside(store.waitForIndexing());
  }

  /** Waits for the work in half of all cases. */
  private async inTime(work: Promise<void>): Promise<void> {
    beside(work);
    if (random.int(2) === 0) await work;
  }

  private async flush(): Promise<void> {
    const { round } = this;
    await this.store.flush();
    claim({ type: 'acknowledged', round });
  }

  private async dropGroup(): Promise<void> {
    const group = groupOf(this.round) - 2 - random.int(3);
    if (group < 0 || this.droppedGroups.has(group)) return;
    this.droppedGroups.add(group);
    await this.drop(membersOf(group), { __name__: 'passing', group: String(group) });
  }

  private async drop(names: readonly Name[], labels = labelsOf(names[0])): Promise<void> {
    if (names.some((name) => this.leaving.has(name))) return;
    for (const name of names) this.leaving.add(name);
    const drop = this.drops++;
    claim({ type: 'dropping', drop, names, round: this.round });
    await this.store.drop(labels);
    claim({ type: 'dropped', drop });
    for (const name of names) this.leaving.delete(name);
  }

  private async backUp(): Promise<void> {
    const directory = `${input.directory}.backup-${input.first}-${this.backups++}`;
    claim({ type: 'copying', directory, round: this.round });
    await this.store.backup(directory);
    claim({ type: 'copied', directory });
  }

  private async readSome(): Promise<void> {
    for await (const _ of this.store.select('{__name__=~"steady|passing"}')) if (random.int(40) === 0) return;
  }

  private async listen(): Promise<void> {
    const { fingerprint } = this.store.series(labelsOf(nameOf('steady', 0)));
    this.subscription = this.store.subscribe('crash', { from: 'start', batchSize: [1, 10, 1000][random.int(3)] });
    for await (const batch of this.subscription) {
      if (batch.lost !== undefined) claim({ type: 'subscriberLost', what: JSON.stringify(batch.lost) });
      const rounds: number[] = [];
      for (const event of batch.events) {
        if (event.type !== 'samplesAppended') continue;
        event.fingerprints.forEach((found, i) => {
          if (found === fingerprint)
            rounds.push(Math.floor((event.timestamps[i] - sampleTime(nameOf('steady', 0), 0)) / 1000));
        });
      }
      if (rounds.length > 0) claim({ type: 'delivered', rounds });
      if (random.int(5) > 0) await batch.ack();
      for (const round of rounds) this.caughtUp(round);
      if (this.isClosing) return;
    }
  }

  /** Resolves when the subscriber has received the last round. */
  private async drain(): Promise<void> {
    await this.appendRound();
    const last = this.round;
    const isCaughtUp = new Promise<void>((resolve) => {
      this.caughtUp = (round) => {
        if (round === last) resolve();
      };
    });
    await this.flush();
    if (input.subscribes) await isCaughtUp;
  }
}

process.on('unhandledRejection', fail);
claim({ type: 'opening' });
const store = await openStore(input.directory, {
  retention: 'off',
  ...input.options,
  ...(input.dieAtCall !== undefined && { fileSystem: dyingFileSystem(input.dieAtCall) }),
}).catch(fail);
const { hash } = await readContent(store);
claim({ type: 'running', opened: (await store.info()).opened, hash });
await new Writer(store).run().catch(fail);
