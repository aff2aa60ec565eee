/** Requests to the server of these pages. */

import { addressOf, type Params, queryText } from './page-address.ts';
import type { Answers } from './server-answers.ts';

/** The server's answer when the token is not valid, or the program that serves the store refuses. */
export class LockedError extends Error {}

interface Envelope {
  readonly status?: string;
  readonly error?: string;
  readonly data?: unknown;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** The data of a response in Prometheus' envelope, with its warnings and notes. If it is an error, throws its message. */
export const askWithNotes = async <Path extends keyof Answers>(
  path: Path,
  params: Params = {},
  signal?: AbortSignal,
): Promise<{ readonly data: Answers[Path]; readonly notes: readonly string[] }> => {
  const response = await fetch(addressOf(path) + queryText(params), signal === undefined ? {} : { signal });
  const body: Envelope | undefined = await response.json().catch(() => undefined);
  const text = body?.error ?? `${path} answered ${response.status}.`;
  if (response.status === 401) throw new LockedError(text);
  if (body === undefined || body.status === 'error') throw new Error(text);
  return { data: (body.data ?? body) as Answers[Path], notes: [...(body.warnings ?? []), ...(body.infos ?? [])] };
};

/** The data alone. */
export const ask = async <Path extends keyof Answers>(
  path: Path,
  params: Params = {},
  signal?: AbortSignal,
): Promise<Answers[Path]> => (await askWithNotes(path, params, signal)).data;

/** Whether an error only means that the page has aborted its request. */
export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
