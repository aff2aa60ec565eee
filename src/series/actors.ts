/**
 * The actor registry. A series at rest is only a row. When an event arrives, its actor is created from that row. The
 * actor is dropped (passivated) when the series is at rest again and no caller holds the actor.
 *
 * The state in a row and the state of its actor never differ: `#wake` creates the actor from the row, and `#write` writes
 * the actor's state to the row. `#follow` calls `#write` at each change; `#letGo` calls it when an actor ends during a
 * call, with the state in which the call can be tried again. A row without an actor gets its state when it is added, and
 * keeps it: an archived series borrows its row in `ActorRows.borrow`. Series actors are root actors, each in a system of
 * its own, because children of one parent cost quadratic time.
 *
 * Order within one event:
 *   1. the machine's actions run (the void functions of `SeriesEffects`);
 *   2. the row's state is written;
 *   3. the machine's calls start (the functions of `SeriesEffects` that return promises).
 * If an action throws, the row keeps its previous state, the actor ends, and the error is reported. The next event
 * creates a new actor.
 */
import {
  type Actor,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  fromPromise,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate';
import {
  type FileResult,
  isOnDisk,
  type PurgeReason,
  type SeriesCall,
  type SeriesContext,
  type SeriesMachineEvent,
  seriesMachine,
} from '../../machines/series.machine.ts';
import {
  codeOfValue,
  restingCode,
  type SeriesStateCode,
  seriesStates,
  seriesTags,
  valueOfCode,
} from '../../machines/series-states.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Inspection } from './inspection.ts';

/** The series table, as the registry uses it. */
export interface SeriesRows {
  /** The state in the row, from which the actor is created. */
  factsOf(row: number): SeriesFacts;
  /** Writes the actor's state to the row. Called when the state or the context has changed. */
  writeState(row: number, code: SeriesStateCode, context: SeriesContext): void;
  /**
   * The actor has been dropped. A row whose state is not `resident` (archived, isolated, purged) is freed now and not
   * earlier, because an archived series borrows a row while its actor is in memory.
   */
  passivated(row: number, code: SeriesStateCode): void;
}

export interface SeriesFacts {
  readonly code: SeriesStateCode;
  /** 16 hex digits. */
  readonly fingerprint: string;
  readonly chunksInFile: number;
  /** Why the series is quarantined; empty otherwise. */
  readonly reason: string;
}

/**
 * Carries out the statecharts' decisions. A void function must do all or nothing: if it throws, nothing has changed.
 */
export interface SeriesEffects {
  closeHead(row: number): void;
  /** Merges late samples into the chunks in memory. */
  mergeInMemory(row: number): void;
  forgetDescriptors(row: number): void;
  /** Applies the result of {@link trim}: the archived time range begins later. */
  noteTrimmed(row: number, result: FileResult): void;
  archive(row: number): void;
  wake(row: number): void;
  purge(row: number, reason: PurgeReason): void;
  reportDiskTrouble(row: number, error: unknown): void;
  /**
   * Whether every sample of the series is in its file: no chunk is open, none waits, and no late sample. The machine checks
   * this again before the series leaves memory, because samples may have been appended since the facts of the visit
   * were collected.
   */
  nothingInMemory(row: number): boolean;
  /**
   * Merges late samples, or appends waiting chunks and drops chunks past retention; updates the row. Rejects with a
   * TIDEMARK_CORRUPT_ code for damage.
   */
  persist(row: number): Promise<FileResult>;
  /** Drops chunks past retention from an archived series' file. */
  trim(row: number): Promise<FileResult>;
  /**
   * Moves the file to orphaned/ and removes the series from the indexes. Samples that are only in memory go to a new
   * series with the same labels, because they were acknowledged and are not damaged.
   */
  isolate(row: number, reason: string): Promise<void>;
  /** Deletes the file; succeeds if there is none. */
  deleteFile(row: number): Promise<void>;
}

export interface SeriesActorsOptions {
  readonly rows: SeriesRows;
  readonly effects: SeriesEffects;
  readonly inspection: Inspection;
  /** Called when an actor has failed with this error; its row is at rest again. */
  readonly onError: (row: number, error: unknown) => void;
  /** How many calls may run at a time before {@link SeriesActors.room} makes the sweep wait. Default 1,024. */
  readonly busyMax?: number;
}

/** A series whose actor is in memory. */
interface Awake {
  readonly row: number;
  readonly actor: Actor<typeof seriesMachine>;
  code: SeriesStateCode;
  context: SeriesContext;
  holds: number;
  /** Nested `send`s that have not returned; the mailbox may hold events while there are any. */
  sending: number;
  gone: boolean;
  waiting: (() => void)[];
}

export class SeriesActors {
  readonly #rows: SeriesRows;
  readonly #effects: SeriesEffects;
  readonly #inspection: Inspection;
  readonly #onError: (row: number, error: unknown) => void;
  readonly #busyMax: number;
  readonly #machine: typeof seriesMachine;
  readonly #awake = new Map<number, Awake>();
  /** The running file call of each row. The next call of the row waits for it, so that only one runs at a time. */
  readonly #calls = new Map<number, Promise<unknown>>();
  readonly #counts = new Float64Array(seriesStates.length * seriesStates.length);
  #waitingForRoom: (() => void)[] = [];
  #busy = 0;
  #held = 0;
  #created = 0;
  #failed = 0;
  #closed = false;

  constructor(options: SeriesActorsOptions) {
    this.#rows = options.rows;
    this.#effects = options.effects;
    this.#inspection = options.inspection;
    this.#onError = options.onError;
    this.#busyMax = options.busyMax ?? 1024;
    this.#machine = this.#provided();
  }

  /** Actors in memory. */
  get live(): number {
    return this.#awake.size;
  }

  /** Series with a call running. */
  get busy(): number {
    return this.#busy;
  }

  /** Holds that were not released. */
  get held(): number {
    return this.#held;
  }

  /** Actors created since the start. */
  get created(): number {
    return this.#created;
  }

  /** Actors that failed with an error since the start. */
  get failed(): number {
    return this.#failed;
  }

  /** Whether another call may start now without waiting for {@link room}. */
  get hasRoom(): boolean {
    return this.#busy < this.#busyMax;
  }

  /** How often each transition between two states was taken: `'inMemory -> persisting.nothingAfter'`. */
  transitionCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    this.#counts.forEach((count, index) => {
      if (count === 0) return;
      const from = seriesStates[Math.floor(index / seriesStates.length)];
      counts.set(`${from} -> ${seriesStates[index % seriesStates.length]}`, count);
    });
    return counts;
  }

  /**
   * Sends an event to the series' actor, which is created if needed. On return its actions are done; calls may still
   * run.
   */
  send(row: number, event: SeriesMachineEvent): void {
    const awake = this.#awake.get(row) ?? this.#wake(row);
    awake.sending += 1;
    awake.actor.send(event);
    awake.sending -= 1;
    this.#passivateAtRest(awake);
  }

  /** Resolves when no call of the series is running, immediately if none is. It also resolves if the call failed. */
  settled(row: number): Promise<void> {
    const awake = this.#awake.get(row);
    if (awake === undefined || seriesTags.busy[awake.code] === 0) return Promise.resolve();
    return new Promise((resolve) => awake.waiting.push(resolve));
  }

  /** Resolves when no call of any series is running. */
  async allSettled(): Promise<void> {
    while (this.#busy > 0) await Promise.all([...this.#awake.keys()].map((row) => this.settled(row)));
  }

  /** Resolves when another call may start. Loops over many series await this, which bounds the number of actors. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** The series' actor, for inspection. It stays in memory until {@link release} was called for every `hold`. */
  hold(row: number): Actor<typeof seriesMachine> {
    const awake = this.#awake.get(row) ?? this.#wake(row);
    awake.holds += 1;
    this.#held += 1;
    return awake.actor;
  }

  /** `actor` is the held one. If it has failed since, the row may have another actor, which is left alone. */
  release(row: number, actor?: AnyActorRef): void {
    const awake = this.#awake.get(row);
    if (awake === undefined || awake.holds === 0 || (actor !== undefined && awake.actor !== actor)) return;
    awake.holds -= 1;
    this.#held -= 1;
    this.#passivateAtRest(awake);
  }

  /** Waits for the running calls, then drops every actor, held or not. */
  async close(): Promise<void> {
    await this.allSettled();
    this.abandon();
  }

  /** Drops every actor immediately. Results of running calls are ignored; the rows return to rest. */
  abandon(): void {
    this.#closed = true;
    for (const awake of [...this.#awake.values()]) this.#letGo(awake);
  }

  #wake(row: number): Awake {
    if (this.#closed) throw new TidemarkError('TIDEMARK_CLOSED', 'The store is closed: no series can change any more.');
    const { code: found, ...facts } = this.#rows.factsOf(row);
    const code = restingCode(found);
    const context: SeriesContext = { row, ...facts };
    const snapshot = this.#machine.resolveState({ value: valueOfCode(code), context });
    const actor = createActor(this.#machine, { snapshot, id: facts.fingerprint });
    const awake: Awake = { row, actor, code, context, holds: 0, sending: 1, gone: false, waiting: [] };
    this.#awake.set(row, awake);
    this.#created += 1;
    actor.subscribe({
      next: (snapshot) => this.#follow(awake, snapshot),
      error: (error) => this.#fail(awake, error),
      complete: () => this.#endStopped(awake),
    });
    this.#inspection.add(actor);
    actor.start();
    awake.sending = 0;
    return awake;
  }

  #follow(awake: Awake, snapshot: SnapshotFrom<typeof seriesMachine>): void {
    try {
      const code = codeOfValue(snapshot.value);
      if (code !== awake.code) this.#counts[awake.code * seriesStates.length + code] += 1;
      else if (snapshot.context === awake.context) return;
      this.#write(awake, code, snapshot.context);
    } catch (error) {
      this.#fail(awake, error);
    } finally {
      // Outside of `send`, a call's result has arrived. Events that its actions sent may still be in the mailbox.
      if (awake.sending === 0) queueMicrotask(() => this.#passivateAtRest(awake));
    }
  }

  #write(awake: Awake, code: SeriesStateCode, context: SeriesContext): void {
    const before = awake.code;
    this.#rows.writeState(awake.row, code, context);
    awake.code = code;
    awake.context = context;
    this.#countBusy(awake, seriesTags.busy[code] - seriesTags.busy[before]);
  }

  #countBusy(awake: Awake, change: number): void {
    if (change === 0) return;
    this.#busy += change;
    if (change > 0) return;
    const settled = awake.waiting.splice(0);
    for (const resolve of settled) resolve();
    const roomy = this.hasRoom ? this.#waitingForRoom.splice(0) : [];
    for (const resolve of roomy) resolve();
  }

  #passivateAtRest(awake: Awake): void {
    if (awake.gone || awake.holds > 0 || awake.sending > 0 || seriesTags.busy[awake.code] === 1) return;
    try {
      this.#letGo(awake);
    } catch (error) {
      this.#fail(awake, error);
    }
  }

  /** A user who holds an actor can stop it. Then its row is at rest again, and the next event creates another actor. */
  #endStopped(awake: Awake): void {
    if (awake.gone || awake.actor.getSnapshot().status !== 'stopped') return;
    try {
      this.#letGo(awake);
    } catch (error) {
      this.#fail(awake, error);
    }
  }

  #fail(awake: Awake, error: unknown): void {
    this.#failed += 1;
    this.#onError(awake.row, error);
    try {
      this.#letGo(awake);
    } catch (another) {
      this.#onError(awake.row, another);
    }
  }

  /**
   * Ends the actor. The result of a running call is ignored, so the row returns to a state in which it can be retried.
   */
  #letGo(awake: Awake): void {
    if (awake.gone) return;
    awake.gone = true;
    this.#held -= awake.holds;
    this.#awake.delete(awake.row);
    this.#inspection.delete(awake.actor);
    awake.actor.stop();
    const code = restingCode(awake.code);
    if (code !== awake.code) this.#write(awake, code, awake.context);
    this.#rows.passivated(awake.row, code);
  }

  #provided(): typeof seriesMachine {
    const effects = this.#effects;
    const call = <Output>(work: (input: SeriesCall) => Promise<Output>) =>
      fromPromise<Output, SeriesCall>(({ input }) => this.#call(input, work));
    return seriesMachine.provide({
      actions: {
        closeHead: ({ context }) => effects.closeHead(context.row),
        mergeInMemory: ({ context }) => effects.mergeInMemory(context.row),
        forgetDescriptors: ({ context }) => effects.forgetDescriptors(context.row),
        noteTrimmed: ({ context }, result) => effects.noteTrimmed(context.row, result),
        archive: ({ context }) => effects.archive(context.row),
        wake: ({ context }) => effects.wake(context.row),
        purge: ({ context }, { reason }) => effects.purge(context.row, reason),
        reportDiskTrouble: ({ context }, { error }) => effects.reportDiskTrouble(context.row, error),
      },
      guards: {
        isEmpty: ({ context }, facts) => facts.empty && effects.nothingInMemory(context.row),
        isArchivable: ({ context }, facts) => facts.idle && isOnDisk(facts) && effects.nothingInMemory(context.row),
        isNothingLeft: ({ context }, result) => result.allDropped && effects.nothingInMemory(context.row),
      },
      actors: {
        persistChunks: call((input) => effects.persist(input.row)),
        trimFile: call((input) => effects.trim(input.row)),
        isolateFile: call((input) => effects.isolate(input.row, input.reason)),
        deleteFile: call((input) => effects.deleteFile(input.row)),
      },
    });
  }

  /** Runs the call after the row's state is written, and after an earlier call of the row whose actor has ended. */
  async #call<Output>(input: SeriesCall, work: (input: SeriesCall) => Promise<Output>): Promise<Output> {
    const earlier = this.#calls.get(input.row);
    const run = (earlier ?? Promise.resolve()).then(
      () => work(input),
      () => work(input),
    );
    this.#calls.set(input.row, run);
    try {
      return await run;
    } finally {
      if (this.#calls.get(input.row) === run) this.#calls.delete(input.row);
    }
  }
}

export interface RootActorOptions<Machine extends AnyStateMachine> {
  readonly id: string;
  readonly input: InputFrom<Machine>;
  readonly inspection: Inspection;
  /** The clock of the machine's delays. */
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Starts the store's long-lived root actor. It is inspected like the series actors; errors are passed to `onError`. */
export const startRootActor = <Machine extends AnyStateMachine>(
  machine: Machine,
  options: RootActorOptions<Machine>,
): Actor<Machine> => {
  const { id, input, inspection, clock, onError } = options;
  const actor: Actor<Machine> = createActor(machine as AnyStateMachine, {
    id,
    input,
    clock: {
      setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
      clearTimeout: (handle: unknown) => clock.clearTimeout(handle),
    },
  }) as Actor<Machine>;
  // Delayed, because XState notifies inspectors of the last state after it has notified subscribers.
  const letGo = () => queueMicrotask(() => inspection.delete(actor));
  actor.subscribe({
    error: (error: unknown) => {
      letGo();
      onError(error);
    },
    complete: letGo,
  });
  inspection.add(actor);
  actor.start();
  return actor;
};
