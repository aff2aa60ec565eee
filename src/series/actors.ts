/**
 * The actor registry: a series at rest is its row; its actor is made from that row when an event arrives, and let go
 * when it comes to rest and nobody holds it.
 *
 * What a row says and what its actor says never differ: the row makes the actor in `#wake`, the actor writes the row in
 * `#follow`, and nothing else does either. Series actors are root actors, each a system of its own: children of one
 * parent cost quadratic time. With machines/, this is the only file that calls XState.
 *
 * Order within one event: first the machine's actions (`SeriesEffects`' void functions) run, then the row's state is
 * written, then the calls (its promises) start. If an action throws, the row keeps the state it had, the actor dies,
 * and the error is reported; the next event makes a new one.
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
import type { Clock } from '../clock.ts';
import { TidemarkError } from '../errors.ts';
import type { Inspection } from './inspection.ts';

/** The columns, as the registry sees them. */
export interface SeriesRows {
  /** What the row says; becomes the actor. */
  factsOf(row: number): SeriesFacts;
  /** What the actor says; becomes the row. Called when the state or the context has changed. */
  writeState(row: number, code: SeriesStateCode, context: SeriesContext): void;
  /**
   * The actor is gone. A row whose state is not `resident` (archived, isolated, purged) is free from here on, not
   * earlier: an archived series borrows a row while its actor is awake.
   */
  passivated(row: number, code: SeriesStateCode): void;
}

export interface SeriesFacts {
  readonly code: SeriesStateCode;
  /** 16 hex digits. */
  readonly fingerprint: string;
  readonly chunksInFile: number;
  /** Why it is quarantined; empty otherwise. */
  readonly reason: string;
}

/** What the charts decide, done. The void functions must be all or nothing: a throw means that nothing was done. */
export interface SeriesEffects {
  closeHead(row: number): void;
  forgetDescriptors(row: number): void;
  /** Takes over the result of {@link persist}: what was written no longer waits. */
  notePersisted(row: number, result: FileResult): void;
  /** Takes over the result of {@link trim}: the archive's time range begins later. */
  noteTrimmed(row: number, result: FileResult): void;
  archive(row: number): void;
  wake(row: number): void;
  purge(row: number, reason: PurgeReason): void;
  reportDiskTrouble(row: number, error: unknown): void;
  /**
   * Whether no chunk of the series is in memory alone, neither an open one nor one that waits. Asked again before the
   * series leaves memory, however fresh the facts of the visit are: samples may have come since.
   */
  nothingInMemory(row: number): boolean;
  /** Appends what waits and drops what is past retention. Rejects with a TIDEMARK_CORRUPT_ code for damage. */
  persist(row: number): Promise<FileResult>;
  /** Drops what is past retention from an archived series' file. */
  trim(row: number): Promise<FileResult>;
  /**
   * Moves the file to orphaned/, takes the series out of the indexes, and gives the samples that are in memory only to
   * a new series of the same labels: they were acknowledged and are not damaged.
   */
  isolate(row: number, reason: string): Promise<void>;
  /** Deletes the file; succeeds when there is none. */
  deleteFile(row: number): Promise<void>;
}

export interface SeriesActorsOptions {
  readonly rows: SeriesRows;
  readonly effects: SeriesEffects;
  readonly inspection: Inspection;
  /** An actor died of this error; its row is at rest again. */
  readonly onError: (row: number, error: unknown) => void;
  /** Calls that may run at a time before {@link SeriesActors.room} makes the sweep wait. Default 1,024. */
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
  /** The file call of a row that is running; the next one waits for it, so that there is one at a time. */
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

  /** Actors made since the start. */
  get created(): number {
    return this.#created;
  }

  /** Actors that died of an error since the start. */
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

  /** Sends an event to the series' actor, which is made if need be. What it decides is done when this returns, but for calls. */
  send(row: number, event: SeriesMachineEvent): void {
    const awake = this.#awake.get(row) ?? this.#wake(row);
    awake.sending += 1;
    awake.actor.send(event);
    awake.sending -= 1;
    this.#passivateAtRest(awake);
  }

  /** Resolves when no call of the series is running; at once when none is. Does not say whether it went well. */
  settled(row: number): Promise<void> {
    const awake = this.#awake.get(row);
    if (awake === undefined || seriesTags.busy[awake.code] === 0) return Promise.resolve();
    return new Promise((resolve) => awake.waiting.push(resolve));
  }

  /** Resolves when no call of any series is running. */
  async allSettled(): Promise<void> {
    while (this.#busy > 0) await Promise.all([...this.#awake.keys()].map((row) => this.settled(row)));
  }

  /** Resolves when another call may start. Whoever visits many series awaits this, which bounds what is awake. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** The series' actor, to look at; it stays until {@link release} was called as often. */
  hold(row: number): Actor<typeof seriesMachine> {
    const awake = this.#awake.get(row) ?? this.#wake(row);
    awake.holds += 1;
    this.#held += 1;
    return awake.actor;
  }

  /** `actor`: which one was held; if it has failed since, the row may have another one, which is left alone. */
  release(row: number, actor?: AnyActorRef): void {
    const awake = this.#awake.get(row);
    if (awake === undefined || awake.holds === 0 || (actor !== undefined && awake.actor !== actor)) return;
    awake.holds -= 1;
    this.#held -= 1;
    this.#passivateAtRest(awake);
  }

  /** Waits for the calls that are running and lets go of every actor, held or not. */
  async close(): Promise<void> {
    await this.allSettled();
    this.abandon();
  }

  /** Lets go of every actor at once; what their calls still report is ignored, their rows rest. */
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
      // A call's result came in by itself, not by `send`; events that its actions sent may still be in the mailbox.
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

  /** A user who holds an actor can stop it. Its row is at rest again, and the next event makes another one. */
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

  /** The actor ends. A call of its that is still running reports to nobody, so the row goes where it can be retried. */
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
        forgetDescriptors: ({ context }) => effects.forgetDescriptors(context.row),
        notePersisted: ({ context }, result) => effects.notePersisted(context.row, result),
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

  /** Starts once the row's state is written, and after an earlier call whose actor died. */
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
  /** The machine's delays run on it. */
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Starts a long-lived root actor, the store's: inspected like the others, its errors told instead of thrown. */
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
  // Not at once: XState tells inspectors of the last state after it has told subscribers.
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
