/**
 * One server-sent-events connection with a bounded buffer. Frames are skipped for a slow reader, so that it does not
 * fill the memory. So frames carry totals, never differences: the next frame replaces the skipped ones.
 */
import type { ServerResponse } from 'node:http';

/** Bytes that may wait for a slow reader. Beyond this, frames are skipped. */
const waitingBytesMax = 256 * 1024;

export class EventStream {
  private readonly response: ServerResponse;
  /** Number of frames that were not sent because the reader was slow. */
  skipped = 0;

  constructor(response: ServerResponse) {
    this.response = response;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    response.write('retry: 1000\n\n');
  }

  get closed(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** Sends one event; false if it was skipped. A reader that reconnects sends the last `id` as Last-Event-ID. */
  send(event: string, data: unknown, id?: string | number): boolean {
    if (this.closed) return false;
    if (this.response.writableLength > waitingBytesMax) {
      this.skipped++;
      return false;
    }
    const idLine = id === undefined ? '' : `id: ${id}\n`;
    this.response.write(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`);
    return true;
  }

  /** Sends a comment, so that the connection is not considered dead. */
  beat(): void {
    if (!this.closed && this.response.writableLength === 0) this.response.write(':\n\n');
  }

  end(): void {
    this.response.end();
  }
}
