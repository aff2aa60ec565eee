/** Sends requests over two connections that stay open, as fast as the receiver answers. */
import { Agent, request } from 'node:http';
import { pause, type Server } from '../servers.ts';
import type { Door } from './door-bodies.ts';

const CONNECTIONS = 2;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

const post = ({ origin, headers }: Server, door: Door, agent: Agent, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sending = request(
      `${origin}${door.path}`,
      { method: 'POST', agent, headers: { ...headers, ...door.headers, 'content-length': body.length } },
      (response) => {
        let text = '';
        response.on('data', (piece: Buffer) => {
          text += piece;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], text }),
        );
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });

/** Resolves to the number of requests that the receiver asked to send again later. */
export const sendBodies = async (server: Server, door: Door, bodies: readonly Buffer[]): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = 0;
  let delayed = 0;
  const connection = async (): Promise<void> => {
    while (next < bodies.length) {
      const body = bodies[next++];
      for (;;) {
        const { status, retryAfter, text } = await post(server, door, agent, body);
        if (status >= 200 && status < 300) break;
        if (status !== 429 && status !== 503) throw new Error(`${door.name}: ${status} ${text.slice(0, 500)}`);
        delayed++;
        await pause(1000 * Number(retryAfter ?? 1));
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  } finally {
    agent.destroy();
  }
  return delayed;
};
