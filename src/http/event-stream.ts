/**
 * One server-sent-events connection with a bounded buffer. A reader that is too slow misses frames instead of filling
 * the memory; so frames carry totals, never differences, and the next one makes up for what was missed.
 */
import type { ServerResponse } from 'node:http';

/** Bytes that may wait for a slow reader; beyond, frames are skipped. */
const waitingBytesMax = 256 * 1024;

export class EventStream {
  private readonly response: ServerResponse;
  /** Frames that were not sent because the reader was slow. */
  skipped = 0;

  constructor(response: ServerResponse) {
    this.response = response;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    response.write('retry: 1000\n\n');
  }

  get closed(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** Sends one event; false when it was skipped. `id` comes back as Last-Event-ID when the reader reconnects. */
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

  /** A comment, which keeps the connection from being taken for dead. */
  beat(): void {
    if (!this.closed && this.response.writableLength === 0) this.response.write(':\n\n');
  }

  end(): void {
    this.response.end();
  }
}
