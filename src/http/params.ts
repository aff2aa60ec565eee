/** The parameters of a request: of the address, and of a form in the body. */
import type { IncomingMessage } from 'node:http';
import { badData, HttpError } from './reply.ts';

const formBytesMax = 1024 * 1024;

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > formBytesMax) throw new HttpError(413, 'bad_data', `The form is larger than ${formBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** The parameters of the address, followed by those of a posted form. */
export const readParams = async (request: IncomingMessage, url: URL): Promise<URLSearchParams> => {
  if (request.method !== 'POST') return url.searchParams;
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('application/x-www-form-urlencoded'))
    throw new HttpError(415, 'bad_data', 'A POST must carry a form: application/x-www-form-urlencoded.');
  const form = new URLSearchParams(await readBody(request));
  return new URLSearchParams([...url.searchParams, ...form]);
};

/** A time in Prometheus' forms, seconds since the epoch with a fraction or RFC 3339, as integer milliseconds. */
export const timeParam = (params: URLSearchParams, name: string): number | undefined => {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const milliseconds = /^-?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i.test(text)
    ? Math.round(Number(text) * 1000)
    : Date.parse(text);
  if (!Number.isSafeInteger(milliseconds))
    throw badData(`${name} takes seconds since the epoch or an RFC 3339 time, not ${JSON.stringify(text)}.`);
  return milliseconds;
};

/** A whole number from 0 to `maximum`; `fallback` when it is missing. */
export const countParam = (
  params: URLSearchParams,
  name: string,
  { fallback, maximum }: { readonly fallback: number; readonly maximum: number },
): number => {
  const text = params.get(name);
  if (text === null || text === '') return fallback;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= maximum))
    throw badData(`${name} takes a whole number from 0 to ${maximum}, not ${JSON.stringify(text)}.`);
  return number;
};

/** The selectors of `match[]`; at least one when `required`. */
export const matchParams = (params: URLSearchParams, { required }: { readonly required: boolean }): string[] => {
  const selectors = params.getAll('match[]');
  if (required && selectors.length === 0) throw badData('no match[] parameter provided');
  return selectors;
};
