/**
 * An import into a running store, through its HTTP server. The input is read and checked here; the samples are sent in
 * batches, as JSON lines with bit patterns. A batch that is sent again changes nothing.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { untilAborted } from '../async/abortable.ts';
import { ImportBuffer } from '../import/import-buffer.ts';
import type { ImportCounts } from '../import/import-session.ts';
import { type ReadingOptions, readPieces } from '../import/read-pieces.ts';
import type { ImportInput, SampleSource } from '../import/sample-source.ts';
import type { Clock } from '../index.ts';
import type { LineSamples } from '../text/import-lines.ts';
import { jsonLinePieces } from '../text/json-lines.ts';
import { formatLabels } from '../text/label-text.ts';

const compress = promisify(gzip);

/** Samples of one request. */
const BATCH_SAMPLES = 100_000;
/** Bounds of the time after which a busy store is asked again. */
const RETRY_SECONDS = { usual: 1, longest: 60 } as const;

interface Counted {
  readonly samples: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly badLines: number;
}

interface Answer {
  readonly error?: string;
  readonly data?: Counted;
}

export class RemoteImport {
  private readonly endpoint: URL;
  private readonly headers: Record<string, string>;
  private readonly source: SampleSource;
  private readonly clock: Clock;
  private readonly batch = new ImportBuffer(BATCH_SAMPLES);
  private readonly series = new Set<string>();
  private readonly rejected = new Map<string, number>();
  private samples = 0;

  /** `address` is that of the pages, such as `serve` prints it; it may have a token. */
  constructor(address: URL, source: SampleSource, { clock }: { readonly clock: Clock }) {
    this.source = source;
    this.clock = clock;
    const token = address.searchParams.get('token');
    this.endpoint = new URL(`${address.pathname.replace(/\/*$/, '')}/api/v1/import?bits=1`, address);
    this.headers = {
      'Content-Type': 'application/json',
      'Content-Encoding': 'gzip',
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
    };
  }

  /** Reads and sends to the end of the input, or until the signal aborts. */
  async read(input: ImportInput, options: ReadingOptions): Promise<void> {
    const { signal } = options;
    await readPieces(this.source, input, options, (samples) => this.add(samples, signal));
    if (!signal.aborted) await this.send(signal);
  }

  get waiting(): number {
    return this.batch.count;
  }

  counts(): ImportCounts {
    return {
      lines: this.source.lineCount,
      series: this.series.size,
      samples: this.samples,
      rejected: Object.fromEntries([...this.rejected].sort()),
      badLines: this.source.badLines.count,
    };
  }

  private async add({ labels, timestamps, values, bits }: LineSamples, signal: AbortSignal): Promise<void> {
    const key = formatLabels(labels);
    for (let i = 0; i < timestamps.length && !signal.aborted; i++) {
      if (this.batch.isFull) await this.send(signal);
      const id = this.batch.idOf(key, labels);
      if (bits === undefined) this.batch.add(id, timestamps[i], values[i]);
      else this.batch.addBits(id, timestamps[i], bits[2 * i], bits[2 * i + 1]);
    }
  }

  private async send(signal: AbortSignal): Promise<void> {
    if (this.batch.count === 0) return;
    const pieces: string[] = [];
    for (const { labels, timestamps, values } of this.batch.columns()) {
      const columns = { labels, timestamps: timestamps as Float64Array, values: values as Float64Array };
      pieces.push(...jsonLinePieces(columns, { bits: true }));
      this.series.add(formatLabels(labels));
    }
    const body = await compress(pieces.join(''));
    const counted = await this.post(body, signal);
    if (counted === undefined) return;
    this.batch.clear();
    this.samples += counted.samples;
    for (const [code, count] of Object.entries(counted.rejected))
      this.rejected.set(code, (this.rejected.get(code) ?? 0) + count);
  }

  /** What the store has counted; `undefined` if the signal aborts first. Waits while the store is busy. */
  private async post(body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Counted | undefined> {
    for (;;) {
      const asking = fetch(this.endpoint, { method: 'POST', headers: this.headers, body, signal, redirect: 'error' });
      const response = await untilAborted(asking.catch(explain(this.endpoint)), signal);
      if (response === undefined) return undefined;
      const answer = await answerOf(response);
      if (answer.data !== undefined && answer.data.badLines === 0) return answer.data;
      if (response.status !== 429 && response.status !== 503)
        throw new Error(`${this.endpoint.origin} answered ${response.status}: ${answer.error ?? response.statusText}`);
      await untilAborted(this.pause(response.headers.get('retry-after')), signal);
      if (signal.aborted) return undefined;
    }
  }

  private pause(retryAfter: string | null): Promise<void> {
    const seconds = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : RETRY_SECONDS.usual;
    return new Promise((resolve) => {
      this.clock.setTimeout(resolve, 1000 * Math.min(seconds, RETRY_SECONDS.longest));
    });
  }
}

/** The cause of a failed request: `fetch` itself only says that it failed. */
const explain =
  ({ origin }: URL) =>
  (error: unknown): never => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${origin} can't be reached: ${why}`, { cause: error });
  };

/** An answer in Prometheus' envelope; of another one, the beginning of its text as the error. */
const answerOf = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return { error: text.slice(0, 200) };
  }
};
