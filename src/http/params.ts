/** The parameters of a request, from the address and from a form in the body. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { parseRfc3339 } from '../text/dates.ts';
import { messageOf } from '../text/error-text.ts';
import { parseValue } from '../text/values.ts';
import { announcesBody, formReadBefore, wasReadBefore } from './parsed-body.ts';
import { badData, HttpError } from './reply.ts';

const formBytesMax = 1024 * 1024;

const formType = 'application/x-www-form-urlencoded';

/** The maximum number of characters of a parameter in a message. */
const shownMax = 100;

/** A parameter's text for a message: quoted, and shortened if it is long. */
export const quoteParam = (text: string): string =>
  text.length > shownMax ? `${JSON.stringify(text.slice(0, shownMax))}…` : JSON.stringify(text);

/** Text that was sent without percent-encoding, as by `curl -d`. */
const textOf = (bytes: Buffer): string => {
  if (!isUtf8(bytes)) throw badData('The parameters cannot be read: they are not UTF-8.');
  return bytes.toString();
};

const tooLarge = (): HttpError => new HttpError(413, 'bad_data', `The form is larger than ${formBytesMax} bytes.`);

const readText = async (request: IncomingMessage): Promise<string> => {
  if (Number(request.headers['content-length'] ?? 0) > formBytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The rest of a form that is too large is discarded while the answer is sent, so the request must stay intact.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > formBytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return textOf(Buffer.concat(chunks));
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badData(`The parameters cannot be read: ${quoteParam(text)} is not UTF-8 in percent-encoding.`);
  }
};

/**
 * The parameters of encoded text. URLSearchParams would keep an invalid escape as text, and turn bytes that are not
 * UTF-8 into U+FFFD, so that a wrong series could be found.
 */
const parseParams = (encoded: string): URLSearchParams => {
  const params = new URLSearchParams();
  for (const pair of encoded.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals < 0) params.append(decode(pair), '');
    else params.append(decode(pair.slice(0, equals)), decode(pair.slice(equals + 1)));
  }
  return params;
};

const mediaType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0].trim().toLowerCase();

const formOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const isForm = mediaType(request) === formType;
  if (isForm && wasReadBefore(request)) {
    const form = formReadBefore(request);
    return typeof form === 'string' ? parseParams(form) : form;
  }
  if (isForm) return parseParams(await readText(request));
  if (!announcesBody(request) || (!wasReadBefore(request) && (await readText(request)) === ''))
    return new URLSearchParams();
  throw new HttpError(415, 'bad_data', `The body of a POST must be a form: ${formType}.`);
};

/**
 * The parameters of a posted form, followed by those of the address. As in Prometheus, the first one of a name counts.
 */
export const readParams = async (
  request: IncomingMessage,
  url: URL,
  body: 'form' | 'content' = 'form',
): Promise<URLSearchParams> => {
  const own = parseParams(url.search.slice(1));
  if (request.method !== 'POST' || body === 'content') return own;
  return new URLSearchParams([...(await formOf(request)), ...own]);
};

/** The times that Prometheus' own clients send for "from the beginning" and "to the end". */
const boundaryTimes: Readonly<Record<string, number>> = {
  '-292273086-05-16T16:47:06Z': Number.MIN_SAFE_INTEGER,
  '292277025-08-18T07:12:54.999999999Z': Number.MAX_SAFE_INTEGER,
};

/** Sample times are safe integers, so a time beyond that range is equivalent to the end of the range. */
const withinSafeIntegers = (milliseconds: number): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(milliseconds, Number.MAX_SAFE_INTEGER));

/** Halves are rounded away from zero, as in Go. */
const rounded = (number: number): number => Math.sign(number) * Math.round(Math.abs(number));

/** Seconds since the epoch as milliseconds; `undefined` if the text is not a finite number. */
const secondsParam = (text: string): number | undefined => {
  const seconds = parseValue(text);
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  const whole = Math.trunc(seconds);
  // The fraction is rounded by itself, as in Prometheus: a product with the whole number would have other last digits.
  return withinSafeIntegers(whole * 1000 + rounded((seconds - whole) * 1000));
};

/**
 * A time in one of Prometheus' forms (seconds since the epoch with a fraction, or RFC 3339) as integer milliseconds.
 * The error's text is Prometheus'.
 */
export const parseTime = (text: string): number => {
  const boundary = Object.hasOwn(boundaryTimes, text) ? boundaryTimes[text] : undefined;
  const milliseconds = boundary ?? secondsParam(text) ?? parseRfc3339(text);
  if (milliseconds === undefined) throw badData(`cannot parse ${quoteParam(text)} to a valid timestamp`);
  return milliseconds;
};

/** Runs a check of one parameter. Its error then names the parameter, as in Prometheus. */
export const named = <T>(name: string, check: () => T): T => {
  try {
    return check();
  } catch (error) {
    throw badData(`invalid parameter ${quoteParam(name)}: ${messageOf(error)}`);
  }
};

/** `named` for a check that takes time. */
export const namedLater = async <T>(name: string, check: () => Promise<T>): Promise<T> => {
  try {
    return await check();
  } catch (error) {
    throw badData(`invalid parameter ${quoteParam(name)}: ${messageOf(error)}`);
  }
};

/** An optional time. `undefined` if it is missing or empty. */
export const timeParam = (params: URLSearchParams, name: string): number | undefined => {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  return named(name, () => {
    try {
      return parseTime(text);
    } catch (error) {
      throw badData(`Invalid time value for '${name}': ${messageOf(error)}`);
    }
  });
};

/** The times `start` and `end`. A range that ends before it starts is refused; it does not return an empty result. */
export const rangeParams = (
  params: URLSearchParams,
): { readonly from: number | undefined; readonly through: number | undefined } => {
  const from = timeParam(params, 'start');
  const through = timeParam(params, 'end');
  if (from !== undefined && through !== undefined && through < from)
    throw badData('invalid parameter "end": end timestamp must not be before start time');
  return { from, through };
};

/** A whole number from 0 to `maximum`; `fallback` if the parameter is missing. */
export const countParam = (
  params: URLSearchParams,
  name: string,
  { fallback, maximum }: { readonly fallback: number; readonly maximum: number },
): number => {
  const text = params.get(name);
  if (text === null || text === '') return fallback;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= maximum))
    throw badData(`${name} takes a whole number from 0 to ${maximum}, not ${quoteParam(text)}.`);
  return number;
};

/** The selectors of `match[]`; at least one if `required`. */
export const matchParams = (params: URLSearchParams, { required }: { readonly required: boolean }): string[] => {
  const selectors = params.getAll('match[]');
  if (required && selectors.length === 0) throw badData('no match[] parameter provided');
  return selectors;
};
