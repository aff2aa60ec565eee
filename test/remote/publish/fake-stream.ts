/** A JetStream stream in memory, with faults: calls that are not carried out, and acknowledgements that are lost. */
import {
  type StreamConnection,
  type StreamEnd,
  type StreamMessage,
  StreamMoved,
} from '../../../src/remote/publish/stream-connection.ts';

export interface StoredMessage extends StreamMessage {
  readonly sequence: number;
}

export interface Faults {
  /** Asked for each call of `store`. `before`: not carried out. `after`: carried out, but the answer is lost. */
  onStore?: (message: StreamMessage) => 'before' | 'after' | undefined;
  /** Asked for each connection. */
  onConnect?: () => boolean;
}

export class FakeStream {
  messages: StoredMessage[] = [];
  sequence = 0;
  faults: Faults = {};
  messageBytesMax = 1024 * 1024;
  connections = 0;
  open = 0;
  inFlight = 0;
  inFlightMax = 0;
  /** While set, no call is answered. */
  held: Promise<void> | undefined;
  private readonly listeners = new Set<() => void>();

  readonly connect = async (): Promise<StreamConnection> => {
    await turn();
    if (this.faults.onConnect?.() === true) throw new Error('connection refused');
    this.connections++;
    this.open++;
    return new FakeConnection(this);
  };

  /** Resolves when the condition holds; it is checked after each stored message. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.listeners.delete(check);
        resolve();
      };
      this.listeners.add(check);
      check();
    });
  }

  put(message: StreamMessage): number {
    this.messages.push({ ...message, sequence: ++this.sequence });
    for (const listener of [...this.listeners]) listener();
    return this.sequence;
  }

  /** Loses the last messages, as a server does that lost power. */
  loseLast(count: number): void {
    this.messages = this.messages.slice(0, -count);
    this.sequence -= count;
  }

  get ids(): string[] {
    return this.messages.map(({ headers }) => headers.id);
  }
}

class FakeConnection implements StreamConnection {
  isClosed = false;
  private readonly stream: FakeStream;

  constructor(stream: FakeStream) {
    this.stream = stream;
  }

  get messageBytesMax(): number {
    return this.stream.messageBytesMax;
  }

  async end(): Promise<StreamEnd> {
    await turn();
    const last = this.stream.messages.at(-1);
    return { sequence: this.stream.sequence, ...(last && { last: last.headers }) };
  }

  async store(message: StreamMessage, after: number): Promise<{ sequence: number; duplicate: boolean }> {
    const { stream } = this;
    stream.inFlight++;
    stream.inFlightMax = Math.max(stream.inFlightMax, stream.inFlight);
    try {
      await stream.held;
      await turn();
      const fault = stream.faults.onStore?.(message);
      if (this.isClosed || fault === 'before') throw new Error('connection closed');
      if (stream.sequence !== after) throw new StreamMoved(`wrong last sequence: ${stream.sequence}`);
      const sequence = stream.put(message);
      if (fault === 'after') throw new Error('timeout');
      return { sequence, duplicate: false };
    } finally {
      stream.inFlight--;
    }
  }

  async close(): Promise<void> {
    if (!this.isClosed) this.stream.open--;
    this.isClosed = true;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
