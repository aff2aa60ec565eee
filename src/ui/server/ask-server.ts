/** Requests to the server of these pages. */

import { addressOf, type Params, queryText } from './page-address.ts';
import type { Answers } from './server-answers.ts';

/** The server's answer when the token is not valid, or the program that serves the store refuses. */
export class LockedError extends Error {}

/** A longer query of an address is sent as a form. */
const addressMax = 6000;

/** The server is not there, or the connection broke. */
export class UnreachableError extends Error {}

const reach = (address: string, init: RequestInit): Promise<Response> =>
  fetch(address, init).catch((error: unknown) => {
    throw error instanceof TypeError ? new UnreachableError('The server does not answer.', { cause: error }) : error;
  });

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
  const query = queryText(params);
  const init = signal === undefined ? {} : { signal };
  // Servers limit the length of an address. Prometheus' API takes the parameters of queries as a form, too.
  const isLong = query.length > addressMax && path.startsWith('/api/v1/query');
  const response = isLong
    ? await reach(addressOf(path), { ...init, method: 'POST', body: new URLSearchParams(query) })
    : await reach(addressOf(path) + query, init);
  return answerOf(path, response);
};

const answerOf = async <Path extends keyof Answers>(
  path: Path,
  response: Response,
): Promise<{ readonly data: Answers[Path]; readonly notes: readonly string[] }> => {
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

/** The server refused a change because something else was changed meanwhile. */
export class ConflictError extends Error {}

/** Changes something on the server. Throws the server's message; {@link ConflictError} if it has something newer. */
export const change = async (
  method: 'PUT' | 'DELETE',
  path: `/ui/${string}`,
  params: Params = {},
  content?: string,
): Promise<unknown> => {
  const init = content === undefined ? { method } : { method, body: content };
  const headers = content === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await reach(addressOf(path) + queryText(params), { ...init, headers });
  const isConflict = response.status === 409;
  try {
    return (await answerOf(path as keyof Answers, response)).data;
  } catch (error) {
    throw isConflict && error instanceof Error ? new ConflictError(error.message) : error;
  }
};

/** Whether an error only means that the page has aborted its request. */
export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
