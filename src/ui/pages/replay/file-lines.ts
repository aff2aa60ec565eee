/** Reads the lines of a file in pieces, with their number and where they start. */

export interface FileLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** In bytes from the beginning of the file. */
  readonly start: number;
}

const NEWLINE = 10;
/** A longer line is no event: it is cut, so that a file without newlines does not fill the memory. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** The lines of each piece, and where it ends. */
export async function* linesOf(
  file: Blob,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly lines: readonly FileLine[]; readonly end: number }, void, undefined> {
  const decoder = new TextDecoder();
  const reader = file.stream().getReader();
  let rest = new Uint8Array(0);
  let start = 0;
  let number = 1;
  const cancel = (): void => void reader.cancel();
  signal?.addEventListener('abort', cancel);
  try {
    for (let piece = await reader.read(); ; piece = await reader.read()) {
      signal?.throwIfAborted();
      const bytes = joined(rest, piece.value ?? new Uint8Array(0));
      const lines: FileLine[] = [];
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        lines.push({ text: decoder.decode(bytes.subarray(from, end)), number: number++, start: start + from });
        from = end + 1;
      }
      const isLast = piece.done || bytes.length - from > LINE_BYTES_MAX;
      if (isLast && from < bytes.length)
        lines.push({ text: decoder.decode(bytes.subarray(from)), number, start: start + from });
      rest = bytes.slice(isLast ? bytes.length : from);
      start += bytes.length - rest.length;
      yield { lines, end: start };
      if (piece.done) return;
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
    reader.releaseLock();
  }
}

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> => {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
};
