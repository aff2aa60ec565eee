/** A store in memory that is forwarded to a test receiver, on a clock that the test moves. */
import { waitFor } from 'xstate';
import { openStore, type Store, type StoreOptions } from '../../src/index.ts';
import { type ForwardEvent, type Forwarding, type ForwardOptions, forward } from '../../src/remote/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { MemoryStores } from '../support/memory-stores.ts';
import { type Received, TestReceiver } from './test-receiver.ts';

export class Setup {
  readonly clock = new ManualClock();
  readonly fileSystem = new MemoryFileSystem();
  readonly keyValueStores = new MemoryStores();
  readonly receiver = new TestReceiver();
  readonly events: ForwardEvent[] = [];
  store!: Store;
  private readonly forwardings: Forwarding[] = [];

  async open(options: StoreOptions = {}): Promise<this> {
    await this.receiver.listen();
    await this.openStore(options);
    return this;
  }

  async openStore(options: StoreOptions = {}): Promise<Store> {
    const { clock, fileSystem, keyValueStores } = this;
    this.store = await openStore('/store', { retention: 'off', clock, fileSystem, keyValueStores, ...options });
    return this.store;
  }

  /** Begins to forward under the name `central`. */
  forward(options: Partial<ForwardOptions> = {}, name = 'central'): Forwarding {
    const { clock, fileSystem, receiver, events } = this;
    const forwarding = forward(this.store, name, {
      url: receiver.url,
      clock,
      fileSystem,
      onEvent: (event) => events.push(event),
      ...options,
    });
    this.forwardings.push(forwarding);
    return forwarding;
  }

  /** The store's current time plus some milliseconds. */
  at(offsetMs = 0): number {
    return this.clock.now() + offsetMs;
  }

  /** Sends everything that was appended; resolves with the requests. */
  async sent(forwarding: Forwarding): Promise<readonly Received[]> {
    await forwarding.caughtUp();
    return this.receiver.requests;
  }

  /** Resolves in the state; the clock stands still meanwhile. */
  async reaches(forwarding: Forwarding, state: string): Promise<void> {
    await waitFor(forwarding.actor, (snapshot) => snapshot.matches(state as never), { timeout: 20_000 });
  }

  async close(): Promise<void> {
    this.receiver.release();
    await Promise.all(this.forwardings.map((each) => each.stop()));
    await this.store.close();
    await this.receiver.close();
  }
}
