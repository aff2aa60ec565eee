/** A connection to one JetStream stream, as far as publishing needs it. Tests have their own implementation. */
import { SinkError } from '../sinks/sink.ts';

export interface StreamHeaders {
  readonly id: string;
  readonly from: string;
  readonly next: string | undefined;
}

export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: StreamHeaders;
}

export interface StreamEnd {
  /** The sequence number of the last message that was ever stored, 0 for a new stream. */
  readonly sequence: number;
  /** Headers of the last message that is there, each `undefined` if it has none. Absent when no message is there. */
  readonly last?: { readonly [header in keyof StreamHeaders]: string | undefined };
}

export interface StreamConnection {
  /** The largest message that server and stream take, headers included. */
  readonly messageBytesMax: number;
  readonly isClosed: boolean;
  /** Reads where the stream ends. */
  end(): Promise<StreamEnd>;
  /**
   * Stores a message if the stream's last sequence number is `after`. Resolves with its own number when the server has
   * acknowledged it. Calls are sent in order, without waiting for each other. Rejects with {@link StreamMoved} if the
   * stream's last sequence number is another one.
   */
  store(message: StreamMessage, after: number): Promise<{ readonly sequence: number; readonly duplicate: boolean }>;
  close(): Promise<void>;
}

/** Connects, and creates the stream if that is wanted. Rejects within a bounded time. */
export type ConnectToStream = () => Promise<StreamConnection>;

/** The stream's end is not where the sender expected it. */
export class StreamMoved extends SinkError {}
