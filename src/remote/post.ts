/**
 * Sends one body to a receiver with HTTP POST, and reads the answer. The connection is kept for the next request. Of the
 * answer's body only the beginning is kept.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Clock } from '../index.ts';
import type { Answer } from './answers.ts';

/** Bytes of an answer's body that are kept. */
const BODY_BYTES_KEPT = 1024;
/** An answer longer than this is not read to its end; its connection is closed. */
const BODY_BYTES_READ = 64 * 1024;

export interface PostOptions {
  readonly url: URL;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

export class Poster {
  private readonly options: PostOptions;
  private readonly agent: HttpAgent | HttpsAgent;
  private underWay: ClientRequest | undefined;

  constructor(options: PostOptions) {
    this.options = options;
    const isEncrypted = options.url.protocol === 'https:';
    // One connection: the order of the samples is that of the requests.
    this.agent = new (isEncrypted ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 });
  }

  /** Resolves with the answer. Rejects if there is none within the timeout, or the request was broken off. */
  post(body: Buffer, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { url, clock, timeoutMs } = this.options;
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const request = send(url, {
        method: 'POST',
        agent: this.agent,
        headers: { ...headers, 'content-length': String(body.length) },
      });
      this.underWay = request;
      const timer = clock.setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const end = (settle: () => void): void => {
        clock.clearTimeout(timer);
        if (this.underWay === request) this.underWay = undefined;
        settle();
      };
      request.on('error', (error) => end(() => reject(error)));
      request.on('response', (response) => {
        readBeginning(response).then(
          (text) => end(() => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })),
          (error: unknown) => end(() => reject(error)),
        );
      });
      request.end(body);
    });
  }

  /** Breaks off the request that is under way. */
  abandon(): void {
    this.underWay?.destroy(new Error('the request was broken off'));
  }

  close(): void {
    this.abandon();
    this.agent.destroy();
  }
}

const readBeginning = async (response: IncomingMessage): Promise<string> => {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let readBytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    readBytes += piece.length;
    if (keptBytes < BODY_BYTES_KEPT) {
      const start = piece.subarray(0, BODY_BYTES_KEPT - keptBytes);
      kept.push(start);
      keptBytes += start.length;
    }
    // Leaving the loop closes the connection.
    if (readBytes > BODY_BYTES_READ) break;
  }
  return Buffer.concat(kept).toString('utf8').trim();
};
