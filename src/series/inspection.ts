/**
 * Watching statecharts at work: hands the XState inspection events of many root actors to whoever observes, and costs
 * nothing while nobody does.
 *
 * XState tells an actor's inspector only what happens from then on; that an actor exists is told once, when it is made.
 * So an observer that comes late is told of every actor that is alive, and an actor that comes later is announced.
 */
import type { AnyActorRef, InspectionEvent, Subscription } from 'xstate';

export type InspectionObserver = (event: InspectionEvent) => void;

export class Inspection {
  readonly #observers = new Set<InspectionObserver>();
  /** Every actor alive; with its subscription while somebody observes. */
  readonly #actors = new Map<AnyActorRef, Subscription | undefined>();
  readonly #onObserverError: (error: unknown) => void;

  /** An observer that throws is told to `onObserverError` and removed; the actors do not notice. */
  constructor(onObserverError: (error: unknown) => void) {
    this.#onObserverError = onObserverError;
  }

  /** Whether anybody observes. */
  get observed(): boolean {
    return this.#observers.size > 0;
  }

  /** Actors that would be told of. */
  get watched(): number {
    return this.#actors.size;
  }

  /** Tells `observer` of every actor alive and of all that happens from now on. Returns what ends that. */
  observe(observer: InspectionObserver): () => void {
    const own: InspectionObserver = (event) => observer(event);
    this.#observers.add(own);
    for (const [actor, subscription] of this.#actors) {
      if (subscription === undefined) this.#actors.set(actor, this.#subscribe(actor));
      this.#introduce(actor, (event) => this.#deliver(own, event));
    }
    return () => this.#remove(own);
  }

  /** Takes in an actor that was made and not started yet, so that its start is seen. */
  add(actor: AnyActorRef): void {
    if (!this.observed) {
      this.#actors.set(actor, undefined);
      return;
    }
    this.#actors.set(actor, this.#subscribe(actor));
    this.#introduce(actor, this.#publish);
  }

  /** Lets go of an actor that has stopped. */
  delete(actor: AnyActorRef): void {
    this.#actors.get(actor)?.unsubscribe();
    this.#actors.delete(actor);
  }

  #subscribe(actor: AnyActorRef): Subscription {
    return actor.system.inspect(this.#publish);
  }

  /** XState's own announcement, for the actor and the calls that it is running. */
  #introduce(actor: AnyActorRef, deliver: InspectionObserver): void {
    deliver({ type: '@xstate.actor', actorRef: actor, rootId: actor.sessionId });
    const children: Record<string, AnyActorRef | undefined> = actor.getSnapshot()?.children ?? {};
    for (const child of Object.values(children)) {
      if (child !== undefined) deliver({ type: '@xstate.actor', actorRef: child, rootId: actor.sessionId });
    }
  }

  readonly #publish: InspectionObserver = (event) => {
    for (const observer of this.#observers) this.#deliver(observer, event);
  };

  #deliver(observer: InspectionObserver, event: InspectionEvent): void {
    if (!this.#observers.has(observer)) return;
    try {
      observer(event);
    } catch (error) {
      this.#remove(observer);
      this.#onObserverError(error);
    }
  }

  #remove(observer: InspectionObserver): void {
    this.#observers.delete(observer);
    if (this.observed) return;
    for (const [actor, subscription] of this.#actors) {
      subscription?.unsubscribe();
      this.#actors.set(actor, undefined);
    }
  }
}
