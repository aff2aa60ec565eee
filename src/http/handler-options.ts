/** The options of a handler: who may ask, from where, and for what. */
import type { IncomingMessage } from 'node:http';
import type { Registry } from 'prom-client';
import type { Clock } from '../index.ts';
import { invalidOption } from '../model/invalid-option.ts';
import type { OtlpOptions } from '../otlp/conversion-options.ts';
import type { Access } from './guard.ts';
import type { RulesSource } from './rules-source.ts';

export interface HandlerOptions {
  /**
   * The path under which the handler answers, such as `'/tidemark'`. Not needed with Express' `app.use('/tidemark',
   * handler)`, which says it with each request. Default: the root.
   */
  readonly basePath?: string;
  /**
   * Decides about each request, so that no token is needed. Requests for which it returns anything but `true` get 401.
   * `/-/healthy` and `/-/ready` are answered without it.
   */
  readonly authorize?: (request: IncomingMessage) => boolean | Promise<boolean>;
  /**
   * The token that requests must carry if there is no `authorize`: letters, digits or any of `. _ ~ -`. Default: a random
   * one, which {@link Handler.token} has.
   */
  readonly token?: string;
  /** Whether the pages for people are served, or the endpoints for programs alone. Default `true`. */
  readonly pages?: boolean;
  /** Whether endpoints that change the store are served. Default `false`. */
  readonly write?: boolean;
  /**
   * Names that requests may have in Host besides this machine's own, such as `'metrics.example.com'`; `'*'` for every
   * name. Addresses are always allowed.
   */
  readonly allowedHosts?: readonly string[];
  /** Origins whose pages may ask, such as `'https://tools.example.com'`; `'*'` for every origin. Default: none. */
  readonly corsOrigins?: readonly string[];
  /**
   * Whether `X-Forwarded-Host`, `X-Forwarded-Proto` and `X-Forwarded-Prefix` are believed. Only for servers that are
   * reached through a proxy alone, which sets them. Default `false`.
   */
  readonly trustProxy?: boolean;
  /** How OpenTelemetry's metrics are taken at `/api/v1/otlp/v1/metrics`. */
  readonly otlp?: OtlpOptions;
  /** Registries that `/metrics` includes besides the store's. */
  readonly registries?: readonly Registry[];
  /** The rules that `/api/v1/rules` and `/api/v1/alerts` list. Default: none. */
  readonly rules?: RulesSource;
  /** Live streams at the same time; further ones get 503. Default 100. */
  readonly maxStreams?: number;
  /**
   * Milliseconds after which a client is disconnected that takes nothing of its answer; it may be twice as long. Default
   * 30,000.
   */
  readonly stalledTimeout?: number;
  /**
   * Milliseconds within which a client must have sent a whole request. An import may take longer while it keeps flowing;
   * the `requestTimeout` of the server itself must allow that. Default 300,000.
   */
  readonly requestTimeout?: number;
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

/** Throws `TIDEMARK_INVALID_OPTION` for a token that an address or a header can't carry. */
export const checkToken = (token: unknown): void => {
  if (typeof token !== 'string' || !/^[\w.~-]+$/.test(token))
    throw invalidOption('token', token, 'letters, digits or any of . _ ~ -');
};

export const countOption = (option: string, value: unknown, fallback: number): number => {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw invalidOption(option, value, 'a whole number above 0');
};

/** Throws `TIDEMARK_INVALID_OPTION` for options that contradict each other. */
export const checkCombination = (options: HandlerOptions, access: Access): void => {
  if (options.authorize !== undefined && typeof options.authorize !== 'function')
    throw invalidOption('authorize', options.authorize, 'a function');
  if (options.authorize !== undefined && options.token !== undefined)
    throw invalidOption('token', options.token, 'none beside authorize, which replaces the token');
  if (options.write === true && access.kind === 'open')
    throw invalidOption('write', true, 'only with a token or with authorize');
};
