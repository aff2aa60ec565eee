/**
 * The requests that are being answered. Their number has a bound, as has the number of live streams among them. A client
 * that takes nothing of its answer for a while is disconnected, so that it holds no memory of the server.
 */
import type { ServerResponse } from 'node:http';
import type { Clock, TimerHandle } from '../index.ts';
import { HttpError } from './reply.ts';

const exchangesMax = 500;

interface OpenExchange {
  readonly abort: AbortController;
  readonly isStream: boolean;
  /** Bytes were waiting for the client at the last look. */
  isWatched: boolean;
}

export interface ExchangeLimits {
  readonly clock: Clock;
  /** A client is disconnected if it takes nothing for this long; at most twice this, in milliseconds. */
  readonly stalledTimeout: number;
  /** Live streams at the same time. */
  readonly maxStreams: number;
}

const tooMany = (what: string): HttpError =>
  new HttpError(503, 'unavailable', `There are too many ${what} at the same time.`);

export class OpenExchanges {
  private readonly limits: ExchangeLimits;
  private readonly open = new Map<ServerResponse, OpenExchange>();
  private timer: TimerHandle | undefined;

  constructor(limits: ExchangeLimits) {
    this.limits = limits;
  }

  /** Counts a request until its connection has ended; the signal aborts then. Throws 503 beyond the bounds. */
  enter(response: ServerResponse, isStream: boolean): AbortSignal {
    // A client may leave while its authorization is being decided. Then nothing would tell later that it has gone.
    if (response.destroyed || response.closed) throw new HttpError(499, 'canceled', 'The client has disconnected.');
    if (this.open.size >= exchangesMax) throw tooMany('requests');
    if (isStream && this.streamCount() >= this.limits.maxStreams) throw tooMany('live streams');
    const abort = new AbortController();
    this.open.set(response, { abort, isStream, isWatched: false });
    response.on('close', () => {
      abort.abort();
      this.open.delete(response);
    });
    response.on('timeout', () => response.destroy());
    this.timer ??= this.lookLater();
    return abort.signal;
  }

  abortAll(): void {
    for (const { abort } of this.open.values()) abort.abort();
  }

  private streamCount(): number {
    let count = 0;
    for (const { isStream } of this.open.values()) if (isStream) count++;
    return count;
  }

  private lookLater(): TimerHandle {
    return this.limits.clock.setTimeout(() => {
      this.watchSlow();
      this.timer = this.open.size > 0 ? this.lookLater() : undefined;
    }, this.limits.stalledTimeout);
  }

  /**
   * Has the connections watched on which bytes wait. The timeout of a socket ends it if nothing moves: while a part of a
   * large write is taken, the timeout begins again.
   */
  private watchSlow(): void {
    for (const [response, exchange] of this.open) {
      const isSlow = response.writableLength > 0;
      if (isSlow === exchange.isWatched) continue;
      response.setTimeout(isSlow ? this.limits.stalledTimeout : 0);
      exchange.isWatched = isSlow;
    }
  }
}
