/** The loop of an import: reads a source piece by piece, until its input ends or the signal aborts. */
import { untilAborted } from '../async/abortable.ts';
import type { LineSamples } from '../text/import-lines.ts';
import type { ImportInput, SampleSource } from './sample-source.ts';

export interface ReadingOptions {
  readonly signal: AbortSignal;
  /** Called after each piece of input. */
  readonly onProgress?: () => void;
}

/** Passes the samples of each series in a piece to `take`. Resolves at the end of the input, or when the signal aborts. */
export const readPieces = async (
  source: SampleSource,
  input: ImportInput,
  { signal, onProgress = () => {} }: ReadingOptions,
  take: (samples: LineSamples) => Promise<void>,
): Promise<void> => {
  const iterator = source.read(input);
  try {
    for (;;) {
      const next = await untilAborted(iterator.next(), signal);
      if (next === undefined || next.done) return;
      for (const samples of next.value) {
        await take(samples);
        if (signal.aborted) break;
      }
      onProgress();
    }
  } finally {
    // Also after an error of `take`: the rest of a request's body can be discarded only when it is no longer read here. If
    // the input is awaited still, this does not wait for it.
    iterator.return(undefined).catch(() => {});
  }
};
