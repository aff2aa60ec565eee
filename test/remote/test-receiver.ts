/** A receiver of remote write for tests: decodes every request, answers as the test says, and notes everything. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DecodedWrite, decodeSnappy, decodeWrite1, decodeWrite2 } from './decode-write.ts';

export interface Received extends DecodedWrite {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly protocol: '1.0' | '2.0';
  /** The compressed bytes. */
  readonly bytes: Buffer;
  readonly sampleCount: number;
  readonly status: number;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `'hang'` never answers; `'reset'` closes the connection. */
export type Script = (request: Omit<Received, 'status'>) => TestAnswer | 'hang' | 'reset' | undefined;

const contentTypes = {
  'application/x-protobuf': '1.0',
  'application/x-protobuf;proto=io.prometheus.write.v2.Request': '2.0',
} as const;

export class TestReceiver {
  readonly requests: Received[] = [];
  /** What a request is answered. `undefined`: it is accepted. */
  script: Script = () => undefined;
  private readonly server: Server;
  private readonly hanging = new Set<ServerResponse>();
  private waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor() {
    this.server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        try {
          this.answer(request.method, request.headers, Buffer.concat(pieces), response);
        } catch (error) {
          response.writeHead(599).end(String(error));
        }
      });
    });
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/api/v1/write`;
  }

  /** Resolves when this many requests have come. */
  async received(count: number): Promise<readonly Received[]> {
    if (this.requests.length < count) await new Promise<void>((resolve) => this.waiting.push({ count, resolve }));
    return this.requests;
  }

  /** Answers the requests that hang. */
  release(): void {
    for (const response of this.hanging) response.writeHead(204).end();
    this.hanging.clear();
  }

  /** All samples that were accepted: `name{…} time bits`, in the order in which they came. */
  get samples(): string[] {
    return this.requests
      .filter(({ status }) => status >= 200 && status < 300)
      .flatMap(({ series }) =>
        series.flatMap(({ labels, timestamps, bits }) =>
          timestamps.map((time, i) => `${JSON.stringify(labels)} ${time} ${bits[i]}`),
        ),
      );
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(
    method: string | undefined,
    headers: IncomingHttpHeaders,
    bytes: Buffer,
    response: ServerResponse,
  ): void {
    const protocol = contentTypes[headers['content-type'] as keyof typeof contentTypes];
    if (protocol === undefined) throw new Error(`content type ${headers['content-type']}`);
    const message = decodeSnappy(bytes);
    const decoded = protocol === '2.0' ? decodeWrite2(message) : decodeWrite1(message);
    const sampleCount = decoded.series.reduce((sum, { timestamps }) => sum + timestamps.length, 0);
    const request = { method, headers, protocol, bytes, sampleCount, ...decoded };
    const answer = this.script(request) ?? accepted(protocol, sampleCount);
    if (answer === 'hang') this.hanging.add(response);
    else if (answer === 'reset') response.socket?.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
    this.requests.push({ ...request, status: typeof answer === 'string' ? 0 : answer.status });
    for (const { count, resolve } of this.waiting) if (this.requests.length >= count) resolve();
    this.waiting = this.waiting.filter(({ count }) => this.requests.length < count);
  }
}

/** What a receiver answers that takes everything. */
export const accepted = (protocol: '1.0' | '2.0', sampleCount: number): TestAnswer =>
  protocol === '1.0' ? { status: 204 } : { status: 204, headers: writtenHeaders(sampleCount) };

export const writtenHeaders = (samples: number): Record<string, string> => ({
  'X-Prometheus-Remote-Write-Samples-Written': String(samples),
  'X-Prometheus-Remote-Write-Histograms-Written': '0',
  'X-Prometheus-Remote-Write-Exemplars-Written': '0',
});
