/** Reads a whole text in one of Prometheus' formats, such as the answer of a `/metrics` endpoint. */
import { TidemarkError } from '../model/errors.ts';
import { invalidOption } from '../model/invalid-option.ts';
import type { Labels } from '../model/labels.ts';
import { systemClock } from '../ports/clock.ts';
import { ImportLines, type LineSamples } from './import-lines.ts';
import { LineError } from './json-lines.ts';

/** A sample of a text, as `store.appendBatch` takes it. */
export interface TextSample {
  readonly labels: Labels;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly value: number;
}

export interface ExpositionOptions {
  /**
   * `'prometheus'`: 0.0.4, timestamps in milliseconds; `'openmetrics'`: in seconds, with `# EOF` at the end. Default
   * `'auto'`: judged by what only one of them can have.
   */
  readonly format?: 'auto' | 'prometheus' | 'openmetrics';
  /** The time of samples without a timestamp, in milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
}

const formats: readonly unknown[] = ['auto', 'prometheus', 'openmetrics'];

const invalid = (line: number, reason: string): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_TEXT', `line ${line}: ${reason}`, { details: { line, reason } });

/**
 * The samples of a text, in its order. Exemplars and metadata are checked and left out.
 *
 * ```ts
 * const response = await fetch('http://localhost:9100/metrics');
 * store.appendBatch(parseExposition(await response.text()));
 * ```
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_TEXT` with the number of the first line that is not valid;
 * `TIDEMARK_INVALID_OPTION`
 */
export const parseExposition = (text: string, options: ExpositionOptions = {}): TextSample[] => {
  const { format = 'auto', timestamp = systemClock.now() } = options;
  if (typeof text !== 'string') throw invalidOption('text', text, 'a string');
  if (!formats.includes(format)) throw invalidOption('format', format, formats.join(', '));
  if (!Number.isSafeInteger(timestamp))
    throw invalidOption('timestamp', timestamp, 'whole milliseconds since the epoch');
  const lines = new ImportLines({
    format: format === 'auto' ? 'text' : format,
    bits: false,
    defaultTimestamp: timestamp,
    naming: 'format: ',
  });
  const samples: TextSample[] = [];
  const add = (all: readonly LineSamples[]): void => {
    for (const { labels, timestamps, values } of all)
      samples.push({ labels, timestamp: timestamps[0], value: values[0] });
  };
  let lineNumber = 0;
  for (const line of linesOf(text)) {
    lineNumber++;
    try {
      add(lines.read(line, lineNumber));
    } catch (error) {
      throw error instanceof LineError ? invalid(lineNumber, error.message) : error;
    }
  }
  const { samples: held, refused } = lines.end(lineNumber);
  if (refused.length > 0) throw invalid(refused[0].lineNumber, refused[0].reason);
  add(held);
  return samples;
};

/** The lines of a text; a carriage return before a line feed belongs to the line's end. */
function* linesOf(text: string): Iterable<string> {
  let start = text.startsWith('\ufeff') ? 1 : 0;
  while (start < text.length) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    yield text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end);
    start = end + 1;
  }
}
