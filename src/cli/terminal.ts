/**
 * The streams of a command. Data goes to stdout, messages for people go to stderr. Output waits for a slow reader, and
 * ends silently when the reader has closed the pipe (`| head`). Colours follow NO_COLOR and FORCE_COLOR, otherwise the
 * terminal.
 */
import type { Readable, Writable } from 'node:stream';

type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** How much text is collected before it is passed to the stream, so that many lines share a write. */
const gatherBytes = 64 * 1024;

/** Thrown by writes after the reader of stdout has closed the pipe. It ends the command without a message. */
export class ReaderGoneError extends Error {
  override readonly name = 'ReaderGoneError';
}

/** A text stream that collects small writes, waits for a slow reader, and fails when the reader has closed the pipe. */
export class Output {
  readonly isTerminal: boolean;
  private readonly stream: OutputStream;
  private gathered: string[] = [];
  private gatheredLength = 0;
  private failure: Error | undefined;

  constructor(stream: OutputStream) {
    this.stream = stream;
    this.isTerminal = stream.isTTY === true;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = error.code === 'EPIPE' ? new ReaderGoneError('the reader has gone') : error;
    });
  }

  get columns(): number {
    return this.stream.columns ?? 80;
  }

  /** Adds text. Resolves at once unless the stream is full. */
  async write(text: string): Promise<void> {
    this.gathered.push(text);
    this.gatheredLength += text.length;
    if (this.gatheredLength >= gatherBytes) await this.flush();
  }

  /** Passes the collected text to the stream, and waits until the stream accepts more. */
  async flush(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.gatheredLength === 0) return;
    const text = this.gathered.join('');
    this.gathered = [];
    this.gatheredLength = 0;
    await new Promise<void>((resolve) => {
      this.stream.write(text, () => resolve());
    });
    if (this.failure !== undefined) throw this.failure;
  }

  /** Writes immediately, without waiting or failing: for messages and progress. */
  say(text: string): void {
    if (this.failure === undefined) this.stream.write(text);
  }
}

export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const colorCodes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

/**
 * Whether this stream gets colours. NO_COLOR turns them off, FORCE_COLOR turns them on, otherwise terminals get them.
 */
export const wantsColor = (output: Output, env: Terminal['env']): boolean => {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  return output.isTerminal && env['TERM'] !== 'dumb';
};

/** `text` in a colour if `enabled`, otherwise unchanged. */
export const paint = (text: string, color: keyof typeof colorCodes, enabled: boolean): string =>
  enabled ? `\u001b[${colorCodes[color]}m${text}\u001b[0m` : text;
