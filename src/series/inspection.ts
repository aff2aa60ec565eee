/**
 * Passes the XState inspection events of many root actors to observers. It costs nothing while there is no observer.
 *
 * XState reports an actor's existence once, when it is created; an inspector that is added later gets only later
 * events. So a new observer is sent an announcement of every live actor, and later actors are announced when they are
 * created.
 */
import type { AnyActorRef, InspectionEvent, Subscription } from 'xstate';

export type InspectionObserver = (event: InspectionEvent) => void;

export class Inspection {
  readonly #observers = new Set<InspectionObserver>();
  /** Every live actor, with its subscription while there are observers. */
  readonly #actors = new Map<AnyActorRef, Subscription | undefined>();
  readonly #onObserverError: (error: unknown) => void;

  /** An observer that throws is removed, and its error is passed to `onObserverError`. The actors are not affected. */
  constructor(onObserverError: (error: unknown) => void) {
    this.#onObserverError = onObserverError;
  }

  /** Whether there is an observer. */
  get observed(): boolean {
    return this.#observers.size > 0;
  }

  /** Announces every live actor to `observer`, then passes it all later events. Returns a function that ends this. */
  observe(observer: InspectionObserver): () => void {
    const own: InspectionObserver = (event) => observer(event);
    this.#observers.add(own);
    for (const [actor, subscription] of this.#actors) {
      if (subscription === undefined) this.#actors.set(actor, this.#subscribe(actor));
      this.#introduce(actor, (event) => this.#deliver(own, event));
    }
    return () => this.#remove(own);
  }

  /** Adds an actor that has been created but not started, so that observers see its start. */
  add(actor: AnyActorRef): void {
    if (!this.observed) {
      this.#actors.set(actor, undefined);
      return;
    }
    this.#actors.set(actor, this.#subscribe(actor));
    this.#introduce(actor, this.#publish);
  }

  /** Removes an actor that has stopped. */
  delete(actor: AnyActorRef): void {
    this.#actors.get(actor)?.unsubscribe();
    this.#actors.delete(actor);
  }

  #subscribe(actor: AnyActorRef): Subscription {
    return actor.system.inspect(this.#publish);
  }

  /** Sends XState's own announcement for the actor and for its running calls. */
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
