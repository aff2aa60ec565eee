/**
 * The receiver of a forwarding: sends one request at a time, as often as the statechart says, and takes a request apart
 * that the receiver does not take as a whole.
 */
import { type Actor, createActor, fromPromise, type InspectionEvent } from 'xstate';
import { forwardMachine, type SendInput, type SendOutcome } from '../../machines/forward.machine.ts';
import type { Clock } from '../index.ts';
import { textOf } from '../model/errors.ts';
import { version } from '../ports/version.ts';
import { ProtobufWriter } from '../wire/protobuf-writer.ts';
import { encodeWriteRequest, encodeWriteRequest2 } from '../wire/remote-write-encode.ts';
import { compress } from '../wire/snappy.ts';
import { outcomeOfAnswer } from './answers.ts';
import { halved, type Outgoing, since } from './outgoing.ts';
import { Poster } from './post.ts';

/** How many parts of one request are sent at most after it was refused. */
const PARTS_MAX = 64;

export type ForwardActor = Actor<typeof forwardMachine>;

/** Why samples are given up. */
export type DropReason = 'refused' | 'not_written' | 'too_large' | 'too_old' | 'unknown_series' | 'no_name';

/** What the receiver's owner is called with. */
export interface ReceiverListener {
  sent(request: Outgoing, count: number): void;
  dropped(reason: DropReason, count: number, outcome: SendOutcome | undefined): void;
  fellBack(reason: string): void;
  failed(reason: string): void;
  paused(reason: string): void;
}

export interface ReceiverOptions {
  readonly url: URL;
  readonly protocol: 'auto' | '1.0' | '2.0';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** `Infinity`: samples of any age are sent. */
  readonly maxSampleAgeMs: number;
  readonly clock: Clock;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
}

const contentTypes = {
  '1.0': 'application/x-protobuf',
  '2.0': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
} as const;
const versions = { '1.0': '0.1.0', '2.0': '2.0.0' } as const;

export class Receiver {
  readonly actor: ForwardActor;
  private readonly options: ReceiverOptions;
  private readonly listener: ReceiverListener;
  private readonly poster: Poster;
  private readonly writer = new ProtobufWriter(64 * 1024);
  private offered: Outgoing | undefined;
  private settle: ((outcome: SendOutcome | undefined) => void) | undefined;

  constructor(options: ReceiverOptions, listener: ReceiverListener) {
    this.options = options;
    this.listener = listener;
    this.poster = new Poster(options);
    const { clock, protocol, inspect } = options;
    const machine = forwardMachine.provide({
      actors: { sendRequest: fromPromise<SendOutcome, SendInput>(({ input }) => this.send(input)) },
      actions: {
        settle: (_, { outcome }) => this.end(outcome),
        announceFallback: (_, { outcome }) => listener.fellBack(reasonOf(outcome)),
        announceFailure: (_, { outcome }) => listener.failed(reasonOf(outcome)),
        announcePause: (_, { outcome }) => listener.paused(reasonOf(outcome)),
        abandon: () => this.poster.abandon(),
      },
    });
    this.actor = createActor(machine, {
      id: 'forward',
      input: { protocol: protocol === '1.0' ? '1.0' : '2.0', isProtocolFixed: protocol !== 'auto' },
      clock: {
        setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
        clearTimeout: (handle: unknown) => clock.clearTimeout(handle),
      },
      ...(inspect !== undefined && { inspect }),
    });
    const end = (): void => {
      this.poster.close();
      this.end(undefined);
    };
    this.actor.subscribe({ complete: end, error: end });
    this.actor.start();
  }

  get isStopped(): boolean {
    return this.actor.getSnapshot().status !== 'active';
  }

  stop(): void {
    if (!this.isStopped) this.actor.send({ type: 'stop' });
  }

  /**
   * Sends a request until it is done with: accepted, or given up for good. Resolves with false if forwarding was stopped
   * before.
   */
  async deliver(request: Outgoing): Promise<boolean> {
    const budget = { parts: PARTS_MAX };
    const parts = [request];
    for (let next = parts.pop(); next !== undefined; next = parts.pop()) {
      const more = await this.deliverPart(next, budget);
      if (more === undefined) return false;
      // The first half goes first.
      parts.push(...[...more].reverse());
    }
    return true;
  }

  /** Resolves with the parts that are left to send; `undefined` if forwarding was stopped. */
  private async deliverPart(given: Outgoing, budget: { parts: number }): Promise<readonly Outgoing[] | undefined> {
    const request = this.youngOf(given);
    this.noteAge(given.count - request.count);
    if (request.count === 0) return [];
    const outcome = await this.attempt(request);
    if (outcome === undefined) return undefined;
    // While the request waited, samples of it may have become too old.
    const tried = this.lastTried(request);
    if (outcome.kind === 'accepted') {
      const written = Math.min(tried.count, outcome.written ?? tried.count);
      this.listener.sent(tried, written);
      if (written < tried.count) this.listener.dropped('not_written', tried.count - written, outcome);
      return [];
    }
    if (outcome.kind === 'tooLarge') return halved(tried) ?? this.giveUp('too_large', tried.count, outcome);
    if (outcome.kind === 'refused' && outcome.written !== undefined) {
      // A receiver of 2.0 has taken the samples that it could take.
      const written = Math.min(tried.count, outcome.written);
      if (written > 0) this.listener.sent(tried, written);
      return this.giveUp('refused', tried.count - written, outcome);
    }
    const isAboutSamples = outcome.kind === 'failed' || (outcome.kind === 'refused' && outcome.status === 400);
    const halves = isAboutSamples && budget.parts >= 2 ? halved(tried) : undefined;
    if (halves === undefined) return this.giveUp('refused', tried.count, outcome);
    budget.parts -= 2;
    return halves;
  }

  private giveUp(reason: DropReason, count: number, outcome: SendOutcome): readonly Outgoing[] {
    this.listener.dropped(reason, count, outcome);
    return [];
  }

  private noteAge(count: number): void {
    if (count > 0) this.listener.dropped('too_old', count, undefined);
  }

  /** The request without the samples that are too old now. */
  private youngOf(request: Outgoing): Outgoing {
    const { maxSampleAgeMs, clock } = this.options;
    return maxSampleAgeMs === Number.POSITIVE_INFINITY ? request : since(request, clock.now() - maxSampleAgeMs);
  }

  private lastTried(request: Outgoing): Outgoing {
    const tried = this.offered ?? request;
    this.noteAge(request.count - tried.count);
    return tried;
  }

  /** Offers a request to the statechart. Resolves with the outcome; `undefined` if forwarding was stopped. */
  private attempt(request: Outgoing): Promise<SendOutcome | undefined> {
    if (this.isStopped) return Promise.resolve(undefined);
    this.offered = request;
    return new Promise((resolve) => {
      this.settle = resolve;
      this.actor.send({ type: 'offer' });
      if (this.isStopped) this.end(undefined);
    });
  }

  private end(outcome: SendOutcome | undefined): void {
    const { settle } = this;
    this.settle = undefined;
    // When forwarding stops, an answer that is no success leaves the request for the next start.
    settle?.(this.isEnding && outcome?.kind !== 'accepted' ? undefined : outcome);
  }

  private get isEnding(): boolean {
    return this.actor.getSnapshot().context.isStopping;
  }

  private async send({ protocol, attempt }: SendInput): Promise<SendOutcome> {
    const offered = this.offered as Outgoing;
    const request = attempt === 0 ? offered : this.youngOf(offered);
    this.offered = request;
    if (request.count === 0) return { kind: 'accepted', written: undefined };
    try {
      const encode = protocol === '2.0' ? encodeWriteRequest2 : encodeWriteRequest;
      const body = compress(encode(request.runs, request, this.writer));
      const answer = await this.poster.post(body, this.headersOf(protocol, attempt));
      return outcomeOfAnswer(answer, protocol, this.options.clock.now());
    } catch (error) {
      const reason = `no answer: ${textOf(error)}`;
      return { kind: 'failed', status: undefined, reason, retryAfterMs: undefined, isAboutOrder: false };
    }
  }

  private headersOf(protocol: '1.0' | '2.0', attempt: number): Readonly<Record<string, string>> {
    return {
      'user-agent': `tidemark/${version}`,
      ...this.options.headers,
      'content-encoding': 'snappy',
      'content-type': contentTypes[protocol],
      'x-prometheus-remote-write-version': versions[protocol],
      ...(attempt > 0 && { 'retry-attempt': String(attempt) }),
    };
  }
}

const reasonOf = (outcome: SendOutcome): string => (outcome.kind === 'accepted' ? '' : outcome.reason);
