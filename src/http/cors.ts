/**
 * Pages of other origins that may ask this server, such as PromLens in a browser. Their scripts send the token in
 * `Authorization`; browsers send no cookie with such requests.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalidOption } from '../model/invalid-option.ts';

const anyOrigin = '*';

const originOption = (text: string): string => {
  if (text === anyOrigin) return anyOrigin;
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (origin !== 'null' && (text === origin || text === `${origin}/`)) return origin;
  throw invalidOption('corsOrigins', text, 'origins such as "https://tools.example.com", or "*" for every origin');
};

export class CorsOrigins {
  private readonly origins: ReadonlySet<string>;

  /** Throws `TIDEMARK_INVALID_OPTION` if an entry is no origin. */
  constructor(origins: readonly string[]) {
    this.origins = new Set(origins.map(originOption));
  }

  get isEmpty(): boolean {
    return this.origins.size === 0;
  }

  has(origin: string): boolean {
    return this.origins.has(anyOrigin) || this.origins.has(origin);
  }

  /** Sets the headers by which a browser passes the answer on to a script of another origin. */
  setHeaders({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    if (this.isEmpty) return;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined || !this.has(origin)) return;
    response.setHeader('Access-Control-Allow-Origin', this.origins.has(anyOrigin) ? anyOrigin : origin);
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, OPTIONS');
    response.setHeader('Access-Control-Allow-Headers', 'Accept, Authorization, Content-Type, Origin');
    response.setHeader('Access-Control-Expose-Headers', 'Date');
  }
}
