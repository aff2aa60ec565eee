/**
 * Answers while the disk refuses the store's writes: 503, and when to try again. The store's statechart knows whether it
 * waits for the disk. Reading goes on meanwhile.
 */
import type { Store } from '../index.ts';
import { codeOf } from '../text/error-text.ts';
import { HttpError } from './reply.ts';

/** Seconds after which a sender may try again. The store probes the disk after 1, 2, 4 … seconds, at most a minute. */
export const retryHeaders = { 'Retry-After': '5' } as const;

const texts: Readonly<Record<string, string>> = {
  TIDEMARK_DISK_FULL: 'the disk is full',
  TIDEMARK_IO: 'the disk refuses writes',
};

class RefusingDiskError extends HttpError {
  override readonly headers = retryHeaders;

  constructor(why: string) {
    super(503, 'unavailable', `The store takes no samples now: ${why}. It goes on by itself; send the request again.`);
  }
}

/** Why the store waits for the disk; `undefined` if it does not. Without the names of files, for anyone may read it. */
export const whyDiskRefuses = ({ actor }: Store): string | undefined => {
  const snapshot = actor.getSnapshot();
  if (!snapshot.hasTag('diskRefuses')) return undefined;
  return texts[snapshot.context.trouble?.code ?? 'TIDEMARK_IO'];
};

/** An error of a request that writes: the answer to it if the disk is the cause, otherwise the error itself. */
export const orRefusingDisk = (error: unknown, store: Store): unknown => {
  const code = codeOf(error);
  const text = texts[code ?? ''];
  const isCause = code === 'TIDEMARK_DISK_FULL' || (text !== undefined && whyDiskRefuses(store) !== undefined);
  return isCause ? new RefusingDiskError(text) : error;
};
