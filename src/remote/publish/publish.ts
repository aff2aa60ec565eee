/**
 * Publishes the events of a store to a NATS JetStream stream, each event once and in order (docs/publishing.md).
 *
 * A durable subscription holds back the journal, and the stream says where to continue. If the stream has less than the
 * subscription has acknowledged, because the server lost its last messages, the subscription begins again at the
 * stream's end, as far as the journal still has the events.
 */
import type { Registry } from 'prom-client';
import type { Duration, Position, Store, Subscription } from '../../index.ts';
import { parseDuration } from '../../model/duration.ts';
import { TidemarkError } from '../../model/errors.ts';
import { checkStore, invalidOption } from '../../model/invalid-option.ts';
import { systemClock } from '../../ports/clock.ts';
import { type PipeOptions, type PipeStatus, SinkPipe } from '../sinks/pipe.ts';
import { SinkError } from '../sinks/sink.ts';
import { natsStream, type StreamLimits } from './nats-stream.ts';
import type { ConnectToStream } from './stream-connection.ts';
import { StreamSink } from './stream-sink.ts';

const KIB = 1024;
const MIB = 1024 * 1024;
const PREFIX_CHARACTERS_MAX = 200;

/** Limits of a stream that `publish` creates. */
export interface NewStreamOptions {
  /** Bytes of messages that are kept; older ones are removed. Default 1 GiB. */
  readonly maxBytes?: number;
  /** How long messages are kept; `0` for no limit. Default `'7d'`. */
  readonly maxAge?: Duration;
  /** Servers of a cluster that store the stream. Default 1. */
  readonly replicas?: number;
  /** How long the server remembers message ids. Default `'2m'`. */
  readonly duplicateWindow?: Duration;
}

export interface PublishOptions
  extends Pick<PipeOptions, 'retryMin' | 'retryMax' | 'onLost' | 'logger' | 'clock' | 'random'> {
  /** Addresses such as `'nats://127.0.0.1:4222'`. */
  readonly servers: string | readonly string[];
  /** The stream's name. A stream takes the events of one store only. */
  readonly stream: string;
  /** Beginning of the subjects: an event goes to `<subject>.<type>`. Default: `tidemark.<name>`. */
  readonly subject?: string;
  /**
   * Where a new name begins, if the stream has nothing of this store yet. Default `'end'`; the same as for `subscribe`.
   */
  readonly from?: 'start' | 'end' | Position;
  /** Creates the stream if it does not exist. `false`: waits until it exists. Default: created with default limits. */
  readonly create?: boolean | NewStreamOptions;
  /**
   * Continues in a stream whose last message is another store's. Needed once for a directory that lost its journal, and
   * so has a new id. Default false: `TIDEMARK_STREAM_CONFLICT`.
   */
  readonly adopt?: boolean;
  /** Messages that may wait for the server's acknowledgement. Default 64. */
  readonly maxInFlight?: number;
  /** Their bytes. One message may be larger. Default 8 MiB. */
  readonly maxInFlightBytes?: number;
  /** The largest message; a longer event is cut. Default: what server and stream allow, at most 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Further options of `connect` of `@nats-io/transport-node`: `token`, `user`, `pass`, `tls`, `authenticator` … */
  readonly connection?: Readonly<Record<string, unknown>>;
  /** Where the metrics are. Default: the store's registry. */
  readonly registry?: Registry;
}

export interface PublishStatus extends PipeStatus {
  /** Events that were too large and went out without their fields. */
  readonly shortenedEvents: number;
}

export interface Publishing {
  readonly name: string;
  status(): PublishStatus;
  /** Resolves when publishing has ended: stopped, failed, or because the store was closed. It never rejects. */
  readonly ended: Promise<PublishStatus>;
  /** Waits at most 5 s for the messages that are under way. The next call of `publish` continues after them. */
  stop(): Promise<PublishStatus>;
}

/**
 * Publishes the events of a store from now on, until `stop` or until the store is closed. Resolves at once: the server
 * need not be reachable. Connecting and sending are tried again for as long as it takes.
 *
 * @throws {TidemarkError} `TIDEMARK_MISSING_PACKAGE` if the NATS client is not installed, `TIDEMARK_INVALID_OPTION` also
 * if a subscription of this name is open, `TIDEMARK_READ_ONLY`, `TIDEMARK_CLOSED`. A `TIDEMARK_STREAM_CONFLICT` that
 * shows up later is in `status()`
 */
export const publish = async (store: Store, name: string, options: PublishOptions): Promise<Publishing> => {
  checkStore(store);
  const { servers, stream, connection = {} } = checkOptions(name, options);
  const prefix = options.subject ?? `tidemark.${name}`;
  const create = limitsOf(options.create ?? true);
  return publishTo(await natsStream({ servers, stream, prefix, create, connection }), store, name, options);
};

/** {@link publish} over any implementation of the connection. */
export const publishTo = async (
  connect: ConnectToStream,
  store: Store,
  name: string,
  options: PublishOptions,
): Promise<Publishing> => {
  const { stream, clock = systemClock, registry = store.registry } = checkOptions(name, options);
  const { id: storeId } = (await store.info()).journal;
  // Registers a new name, so that it holds back the journal from now on.
  await store.subscribe(name, { from: options.from ?? 'end' }).close();
  const sink = new StreamSink({
    connect,
    storeId,
    stream,
    prefix: options.subject ?? `tidemark.${name}`,
    maxInFlight: options.maxInFlight ?? 64,
    maxInFlightBytes: options.maxInFlightBytes ?? 8 * MIB,
    maxMessageBytes: options.maxMessageBytes ?? MIB,
    adopt: options.adopt ?? false,
    clock,
  });
  const lag = () => store.subscriptions().find((subscription) => subscription.name === name);
  const open = (): Promise<Subscription> => openWhereStreamEnds(store, name, sink, stream);
  const pipe = new SinkPipe({ name, canReopen: true, open, lag }, sink, { ...options, clock, registry });
  const complete = (status: PipeStatus): PublishStatus => ({ ...status, shortenedEvents: sink.shortenedEvents });
  return {
    name,
    status: () => complete(pipe.status()),
    ended: pipe.ended.then(complete),
    stop: async () => complete(await pipe.stop()),
  };
};

/** Opens the subscription where it has acknowledged, or where the stream ends if that is earlier. */
const openWhereStreamEnds = async (
  store: Store,
  name: string,
  sink: StreamSink,
  stream: string,
): Promise<Subscription> => {
  sink.forget();
  const stored = await sink.locate();
  const known = store.subscriptions().find((subscription) => subscription.name === name);
  if (stored === undefined || known === undefined) return store.subscribe(name);
  const end = known.position + known.lagBytes;
  if (stored.from > end) throw aheadOf(stream, stored.from, end);
  const subscription = store.subscribe(name);
  if (stored.from >= known.position) return subscription;
  try {
    await subscription.rewind(stored.from);
  } catch (error) {
    await subscription.close();
    throw error;
  }
  return subscription;
};

const aheadOf = (stream: string, position: Position, end: Position): SinkError => {
  const message = `stream ${stream} has events up to position ${position}, but the journal ends at ${end}: the directory is an older copy`;
  const cause = new TidemarkError('TIDEMARK_STREAM_CONFLICT', message, { details: { stream, position, end } });
  return new SinkError(message, { outcome: 'stop', cause });
};

const checkOptions = (name: string, options: PublishOptions): PublishOptions => {
  const { servers, stream, subject = `tidemark.${name}` } = options;
  const addresses = typeof servers === 'string' ? [servers] : servers;
  if (
    !Array.isArray(addresses) ||
    addresses.length === 0 ||
    !addresses.every((one) => typeof one === 'string' && one !== '')
  )
    throw invalidOption('servers', servers, "an address such as 'nats://127.0.0.1:4222', or several");
  if (typeof stream !== 'string' || !/^[^\s.*>/\\\p{Cc}]{1,100}$/u.test(stream))
    throw invalidOption('stream', stream, '1 to 100 characters without white space, dots, stars, >, / and \\');
  if (
    typeof subject !== 'string' ||
    subject.length > PREFIX_CHARACTERS_MAX ||
    !/^[^\s.*>\p{Cc}]+(?:\.[^\s.*>\p{Cc}]+)*$/u.test(subject)
  )
    throw invalidOption(
      'subject',
      subject,
      'tokens separated by dots, without white space and wildcards, at most 200 characters',
    );
  checkCount('maxInFlight', options.maxInFlight, 1);
  checkCount('maxInFlightBytes', options.maxInFlightBytes, 1);
  checkCount('maxMessageBytes', options.maxMessageBytes, 8 * KIB);
  return options;
};

const limitsOf = (create: boolean | NewStreamOptions): StreamLimits | undefined => {
  if (create === false) return undefined;
  const { maxBytes = 1024 * MIB, maxAge = '7d', replicas = 1, duplicateWindow = '2m' } = create === true ? {} : create;
  checkCount('create.maxBytes', maxBytes, 1);
  checkCount('create.replicas', replicas, 1);
  return {
    maxBytes,
    maxAgeMs: parseDuration(maxAge),
    replicas,
    duplicateWindowMs: Math.max(100, parseDuration(duplicateWindow)),
  };
};

const checkCount = (name: string, value: number | undefined, minimum: number): void => {
  if (value === undefined || (Number.isSafeInteger(value) && value >= minimum)) return;
  throw invalidOption(name, value, `a whole number from ${minimum} on`);
};
