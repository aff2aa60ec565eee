/**
 * The address that the client used, as far as the request shows it. A proxy in front may have changed host, scheme and
 * path. Its `X-Forwarded-*` headers say what they were, but any client can send such headers, so they count only if the
 * proxy is trusted.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

export interface ExternalAddress {
  /** Name or address with an optional port, as in Host. */
  readonly host: string | undefined;
  /** `undefined` if it is not known: a proxy that is not trusted may have added TLS. */
  readonly scheme: 'http' | 'https' | undefined;
  /** The path that the proxy puts in front of this server's paths: empty, or `/like/this`. */
  readonly prefix: string;
}

/** The first value of a header that each proxy in a chain may have extended. */
const firstValue = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name];
  const first = (Array.isArray(value) ? value[0] : value)?.split(',', 1)[0].trim();
  return first === '' ? undefined : first;
};

/** A prefix is a path of this server: two slashes at its start would name another host. */
const prefixOf = (text: string | undefined): string => {
  const prefix = (text ?? '').replace(/\/+$/, '');
  return /^\/(?!\/)[\w.~!$&'()*+,;=:@%/-]*$/.test(prefix) ? prefix : '';
};

export const externalAddress = (request: IncomingMessage, trustProxy: boolean): ExternalAddress => {
  const isEncrypted = (request.socket as Partial<TLSSocket>).encrypted === true;
  const own = { host: request.headers.host, scheme: isEncrypted ? ('https' as const) : undefined };
  if (!trustProxy) return { ...own, prefix: '' };
  const scheme = firstValue(request, 'x-forwarded-proto')?.toLowerCase();
  return {
    host: firstValue(request, 'x-forwarded-host') ?? own.host,
    scheme: scheme === 'http' || scheme === 'https' ? scheme : own.scheme,
    prefix: prefixOf(firstValue(request, 'x-forwarded-prefix')),
  };
};
