/**
 * A sink that stores each event once, in order, in a stream that belongs to one store.
 *
 * The stream itself says where to continue: the last message's headers name the next one. Every message is sent with the
 * sequence number that the stream must have before it (`Nats-Expected-Last-Sequence`). So a message is stored only right
 * after its predecessor, also when many are under way, when an acknowledgement was lost, or when another process
 * publishes to the stream. After any error the sink reads the stream's end again and continues there. Message ids alone
 * would not do: the server forgets them after the duplicate window.
 */
import { TidemarkError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { ReopenError } from '../sinks/pipe.ts';
import { type Sink, type SinkBatch, SinkError } from '../sinks/sink.ts';
import { type EventMessage, MESSAGE_BYTES_MIN, messagesOf } from './event-messages.ts';
import { InFlight } from './in-flight.ts';
import { type Continuation, isBefore, messageId, parseContinuation, placeText, storeIdOf } from './message-place.ts';
import {
  type ConnectToStream,
  type StreamConnection,
  type StreamEnd,
  type StreamMessage,
  StreamMoved,
} from './stream-connection.ts';

/** Room for subject and headers within the largest message. */
const HEADER_BYTES = 1024;

export interface StreamSinkOptions {
  readonly connect: ConnectToStream;
  /** The id of the store's journal. */
  readonly storeId: string;
  readonly stream: string;
  /** A subject is `<prefix>.<event type>`. */
  readonly prefix: string;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly maxMessageBytes: number;
  /** Continues after the last message of another store, once. */
  readonly adopt: boolean;
  readonly clock: Clock;
}

export class StreamSink implements Sink {
  private readonly options: StreamSinkOptions;
  private connection: StreamConnection | undefined;
  /** The sequence number of the stream's last message. */
  private sequence = 0;
  /** What the stream has; `undefined` if that is unknown, or if it has nothing of this store. */
  private stored: Continuation | undefined;
  /** Whether `sequence` and `stored` describe the stream now. */
  private isLocated = false;
  private wasLocated = false;
  private shortenedCount = 0;
  private isClosed = false;

  constructor(options: StreamSinkOptions) {
    this.options = options;
  }

  /** Messages that were stored without their event's fields, because it was too large. */
  get shortenedEvents(): number {
    return this.shortenedCount;
  }

  /** Connects if necessary, and reads what the stream has; `undefined` if it has nothing of this store. */
  async locate(): Promise<Continuation | undefined> {
    const connection = await this.connected();
    try {
      this.note(await connection.end());
    } catch (error) {
      await this.disconnect();
      throw error;
    }
    return this.stored;
  }

  /** Reads the stream's end again before the next message. */
  forget(): void {
    this.stored = undefined;
    this.isLocated = false;
  }

  async send(batch: SinkBatch, signal: AbortSignal): Promise<void> {
    if (!this.isLocated || this.connection?.isClosed !== false) await this.relocate();
    const connection = await this.connected();
    const { prefix, storeId, maxInFlight, maxInFlightBytes, maxMessageBytes, clock } = this.options;
    const bytesMax = Math.min(maxMessageBytes, connection.messageBytesMax) - HEADER_BYTES;
    if (bytesMax < MESSAGE_BYTES_MIN)
      throw new SinkError(`the stream takes messages of ${connection.messageBytesMax} bytes only`);
    const inFlight = new InFlight({ calls: maxInFlight, bytes: maxInFlightBytes });
    let after = this.sequence;
    try {
      for (const message of messagesOf(batch, this.stored, bytesMax)) {
        await inFlight.room(message.data.length);
        signal.throwIfAborted();
        const stored = this.storeOne(connection, message, toSend(message, prefix, storeId), after++);
        inFlight.add(stored, message.data.length);
        // Making the next message's text takes a few milliseconds.
        if (message.data.length > 65_536) await clock.breathe();
      }
      await inFlight.settled();
    } catch (error) {
      this.isLocated = false;
      // Nothing may be under way when the stream's end is read. Each call is settled within its timeout.
      await inFlight.settled().catch(() => undefined);
      if (!(error instanceof StreamMoved)) await this.disconnect();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.disconnect();
  }

  private async storeOne(
    connection: StreamConnection,
    message: EventMessage,
    sent: StreamMessage,
    after: number,
  ): Promise<void> {
    const { sequence, duplicate } = await connection.store(sent, after);
    if (duplicate || sequence !== after + 1)
      throw new StreamMoved(`the stream has ${sent.headers.id} already, at ${sequence}`);
    this.sequence = sequence;
    this.stored = message.after;
    if (message.isShortened) this.shortenedCount++;
  }

  /** Finds out what the stream has, after an error. */
  private async relocate(): Promise<void> {
    const before = this.stored;
    await this.locate();
    if (before === undefined) return;
    // The stream was emptied: what was in it is not sent again.
    if (this.stored === undefined) this.stored = before;
    else if (isBefore(this.stored, before)) throw new ReopenError('the stream lost its last messages');
  }

  private note(end: StreamEnd): void {
    const { storeId, stream, adopt } = this.options;
    const found = end.last === undefined ? undefined : continuationOf(end.last, storeId);
    if (found === 'foreign' && (!adopt || this.wasLocated)) throw this.conflict(end.last?.id, stream);
    this.sequence = end.sequence;
    this.stored = found === 'foreign' ? undefined : found;
    this.isLocated = true;
    this.wasLocated = true;
  }

  private conflict(id: string | undefined, stream: string): SinkError {
    const other = storeIdOf(id);
    const whose = other === undefined ? `its last message is ${id ?? 'without an id'}` : `it belongs to store ${other}`;
    const message = `stream ${stream} can't take the events of store ${this.options.storeId}: ${whose}`;
    const details = { stream, storeId: this.options.storeId, lastId: id };
    return new SinkError(message, {
      outcome: 'stop',
      cause: new TidemarkError('TIDEMARK_STREAM_CONFLICT', message, { details }),
    });
  }

  private async connected(): Promise<StreamConnection> {
    if (this.connection?.isClosed === false) return this.connection;
    await this.disconnect();
    const connection = await this.options.connect();
    if (this.isClosed) {
      await connection.close();
      throw new SinkError('the sink is closed');
    }
    this.connection = connection;
    return connection;
  }

  private async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    this.isLocated = false;
    await connection?.close();
  }
}

const toSend = ({ place, type, data, after }: EventMessage, prefix: string, storeId: string): StreamMessage => ({
  subject: `${prefix}.${type}`,
  data,
  headers: {
    id: messageId(storeId, place),
    from: String(after.from),
    next: after.next === undefined ? undefined : placeText(after.next),
  },
});

const continuationOf = (last: NonNullable<StreamEnd['last']>, storeId: string): Continuation | 'foreign' =>
  storeIdOf(last.id) === storeId ? (parseContinuation(last.from, last.next) ?? 'foreign') : 'foreign';
