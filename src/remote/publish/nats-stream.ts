/**
 * The connection to a JetStream stream through the official client, `@nats-io/transport-node` and `@nats-io/jetstream`.
 * Both are optional peer dependencies, loaded when `publish` is called.
 *
 * The client's own reconnecting is off: after a lost connection the sink must first read where the stream ends.
 */
import type { StreamConfig } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { codeOf, TidemarkError, textOf } from '../../model/errors.ts';
import { SinkError } from '../sinks/sink.ts';
import {
  type ConnectToStream,
  type StreamConnection,
  type StreamEnd,
  type StreamMessage,
  StreamMoved,
} from './stream-connection.ts';

/** How long connecting, a request and an acknowledgement may take. */
const TIMEOUT_MS = 5000;
const NANOSECONDS = 1_000_000;
const STREAM_NOT_FOUND = 10059;
const WRONG_LAST_SEQUENCE = 10071;
const FROM_HEADER = 'Tidemark-From';
const NEXT_HEADER = 'Tidemark-Next';

export interface StreamLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly replicas: number;
  readonly duplicateWindowMs: number;
}

export interface NatsStreamOptions {
  readonly servers: string | readonly string[];
  readonly stream: string;
  readonly prefix: string;
  /** Limits for a stream that has to be created; `undefined` if none may be created. */
  readonly create: StreamLimits | undefined;
  /** Further options of the client's `connect`. */
  readonly connection: Readonly<Record<string, unknown>>;
}

type Transport = typeof import('@nats-io/transport-node');
type JetStream = typeof import('@nats-io/jetstream');

/**
 * Loads the client.
 *
 * @throws {TidemarkError} `TIDEMARK_MISSING_PACKAGE`
 */
export const natsStream = async (options: NatsStreamOptions): Promise<ConnectToStream> => {
  const transport = await loaded('@nats-io/transport-node', () => import('@nats-io/transport-node'));
  const jetStream = await loaded('@nats-io/jetstream', () => import('@nats-io/jetstream'));
  return () => connectTo(transport, jetStream, options);
};

const loaded = async <Module>(name: string, load: () => Promise<Module>): Promise<Module> => {
  try {
    return await load();
  } catch (error) {
    const isMissing = codeOf(error) === 'ERR_MODULE_NOT_FOUND';
    throw new TidemarkError(
      'TIDEMARK_MISSING_PACKAGE',
      `publish needs the package ${name}, which ${isMissing ? 'is not installed' : 'can not be loaded'}: npm install @nats-io/transport-node@3 @nats-io/jetstream@3`,
      { cause: error, details: { package: name } },
    );
  }
};

const connectTo = async (
  transport: Transport,
  jetStream: JetStream,
  options: NatsStreamOptions,
): Promise<StreamConnection> => {
  const { servers, stream, connection } = options;
  const nats = await transport.connect({
    name: `tidemark ${stream}`,
    timeout: TIMEOUT_MS,
    ...connection,
    servers: typeof servers === 'string' ? servers : [...servers],
    reconnect: false,
  });
  try {
    return await NatsStream.open(transport, jetStream, nats, options);
  } catch (error) {
    await nats.close();
    throw error;
  }
};

class NatsStream implements StreamConnection {
  readonly messageBytesMax: number;
  private readonly transport: Transport;
  private readonly nats: NatsConnection;
  private readonly manager: Awaited<ReturnType<JetStream['jetstreamManager']>>;
  private readonly client: ReturnType<JetStream['jetstream']>;
  private readonly options: NatsStreamOptions;

  static async open(
    transport: Transport,
    jetStream: JetStream,
    nats: NatsConnection,
    options: NatsStreamOptions,
  ): Promise<NatsStream> {
    const manager = await jetStream.jetstreamManager(nats, { timeout: TIMEOUT_MS, checkAPI: false });
    const { config } = await manager.streams.info(options.stream).catch((error: unknown) => {
      if (!hasCode(error, STREAM_NOT_FOUND) || options.create === undefined) throw error;
      return manager.streams.add(configOf(options, options.create));
    });
    if (!coversPrefix(config.subjects, options.prefix))
      throw new SinkError(`stream ${options.stream} does not store the subjects ${options.prefix}.>`);
    return new NatsStream(transport, jetStream, nats, manager, options, config.max_msg_size ?? -1);
  }

  private constructor(
    transport: Transport,
    jetStream: JetStream,
    nats: NatsConnection,
    manager: NatsStream['manager'],
    options: NatsStreamOptions,
    streamBytesMax: number,
  ) {
    this.transport = transport;
    this.nats = nats;
    this.manager = manager;
    this.client = jetStream.jetstream(nats, { timeout: TIMEOUT_MS });
    this.options = options;
    const serverBytesMax = nats.info?.max_payload ?? 1024 * 1024;
    this.messageBytesMax = streamBytesMax > 0 ? Math.min(streamBytesMax, serverBytesMax) : serverBytesMax;
  }

  get isClosed(): boolean {
    return this.nats.isClosed();
  }

  async end(): Promise<StreamEnd> {
    const { stream, prefix } = this.options;
    const { state } = await this.manager.streams.info(stream);
    if (state.messages === 0) return { sequence: state.last_seq };
    // The last message may have been deleted by hand. Then the one before it counts.
    const message =
      (await this.manager.streams.getMessage(stream, { seq: state.last_seq })) ??
      (await this.manager.streams.getMessage(stream, { last_by_subj: `${prefix}.>` }));
    if (message === null) return { sequence: state.last_seq };
    const header = (name: string): string | undefined => message.header?.get(name) || undefined;
    return {
      sequence: state.last_seq,
      last: { id: header('Nats-Msg-Id'), from: header(FROM_HEADER), next: header(NEXT_HEADER) },
    };
  }

  async store(message: StreamMessage, after: number): Promise<{ sequence: number; duplicate: boolean }> {
    const headers = this.transport.headers();
    headers.set(FROM_HEADER, message.headers.from);
    if (message.headers.next !== undefined) headers.set(NEXT_HEADER, message.headers.next);
    try {
      const { seq, duplicate } = await this.client.publish(message.subject, message.data, {
        msgID: message.headers.id,
        headers,
        expect: { lastSequence: after, streamName: this.options.stream },
      });
      return { sequence: seq, duplicate };
    } catch (error) {
      if (hasCode(error, WRONG_LAST_SEQUENCE)) throw new StreamMoved(textOf(error), { cause: error });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.nats.close();
  }
}

const hasCode = (error: unknown, code: number): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const configOf = (
  { stream, prefix }: NatsStreamOptions,
  { maxBytes, maxAgeMs, replicas, duplicateWindowMs }: StreamLimits,
): Partial<StreamConfig> & { name: string } => ({
  name: stream,
  description: 'Events of a Tidemark store',
  subjects: [`${prefix}.>`],
  retention: 'limits',
  discard: 'old',
  storage: 'file',
  max_bytes: maxBytes,
  max_age: maxAgeMs * NANOSECONDS,
  num_replicas: replicas,
  duplicate_window: Math.min(duplicateWindowMs, maxAgeMs === 0 ? duplicateWindowMs : maxAgeMs) * NANOSECONDS,
});

/** Whether one of the stream's subjects has all subjects `<prefix>.<type>`. */
const coversPrefix = (subjects: readonly string[] | undefined, prefix: string): boolean => {
  const wanted = [...prefix.split('.'), 'type'];
  return (subjects ?? []).some((subject) => {
    const tokens = subject.split('.');
    const end = tokens.at(-1) === '>' ? tokens.length - 1 : undefined;
    if (end === undefined ? tokens.length !== wanted.length : wanted.length <= end) return false;
    return tokens
      .slice(0, end)
      .every((token, index) =>
        index === wanted.length - 1 ? token === '*' : token === '*' || token === wanted[index],
      );
  });
};
