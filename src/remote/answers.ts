/**
 * What an answer of a remote-write receiver means for the request: whether it is done with, may be repeated, or needs
 * another form. The statuses are those of the specifications of remote write 1.0 and 2.0.
 */
import type { RemoteWriteProtocol, SendOutcome } from '../../machines/forward.machine.ts';
import { parseHttpDate } from './http-date.ts';

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The beginning of the body. */
  readonly body: string;
}

const WRITTEN = 'x-prometheus-remote-write-samples-written';

/** The answer of older receivers to samples that newer ones refuse with 400. */
const aboutOrder = /out of order|out of bounds|too old|duplicate sample/i;

export const outcomeOfAnswer = (answer: Answer, protocol: RemoteWriteProtocol, nowMs: number): SendOutcome => {
  const { status, body } = answer;
  const written = protocol === '2.0' ? writtenOf(answer) : undefined;
  const reason = `${status}${body === '' ? '' : `: ${body}`}`;
  if (status >= 200 && status < 300) {
    if (protocol === '1.0' || written !== undefined) return { kind: 'accepted', written };
    return { kind: 'unsupported', status, reason: `${status} without the header ${WRITTEN}` };
  }
  switch (status) {
    case 415:
      return { kind: 'unsupported', status, reason };
    case 401:
    case 403:
      return { kind: 'unauthorized', status, reason };
    case 413:
      return { kind: 'tooLarge', status, reason };
    case 404:
    case 405:
    case 410:
      return { kind: 'misdirected', status, reason };
    default:
  }
  // The address of a receiver is configured, not discovered: a redirection is not followed.
  if (status < 400) return { kind: 'misdirected', status, reason: redirection(answer) };
  if (status < 500 && status !== 429 && status !== 408) return { kind: 'refused', status, reason, written };
  return {
    kind: 'failed',
    status,
    reason,
    retryAfterMs: retryAfterOf(answer, nowMs),
    isAboutOrder: status === 500 && aboutOrder.test(body),
  };
};

const redirection = ({ status, headers }: Answer): string => {
  const target = textOf(headers['location']);
  return `${status}${target === undefined ? '' : `: the receiver is at ${target}`}`;
};

/** How many samples of a 2.0 request were written; `undefined` unless the receiver says so. */
const writtenOf = ({ headers }: Answer): number | undefined => {
  const text = textOf(headers[WRITTEN]);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};

/** `Retry-After` in milliseconds from now: seconds, or a date. `undefined` if there is none or it is neither. */
const retryAfterOf = ({ headers }: Answer, nowMs: number): number | undefined => {
  const text = textOf(headers['retry-after'])?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return 1000 * Number(text);
  const date = parseHttpDate(text);
  return date === undefined ? undefined : Math.max(0, date - nowMs);
};

const textOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.[0];
