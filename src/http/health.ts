/**
 * `/-/healthy`, `/-/ready` and `/metrics`, for supervisors and scrapers. They answer while the store is opening, too.
 */
import type { ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Progress, Store } from '../index.ts';
import { retryHeaders, whyDiskRefuses } from './refusing-disk.ts';
import { sendJson, sendText } from './reply.ts';

/** The progress of opening the store; `store` is set once it is open. */
export interface Readiness {
  readonly store: Store | undefined;
  readonly progress: Progress | undefined;
}

export const sendHealthy = (response: ServerResponse): void =>
  sendText(response, 200, 'text/plain; charset=utf-8', 'Tidemark is healthy.\n');

/**
 * 200 if the store is open and takes samples. Otherwise 503: with the progress of recovery, or with the reason why the
 * store waits for the disk.
 */
export const sendReady = (response: ServerResponse, { store, progress }: Readiness): Promise<void> => {
  if (store === undefined)
    return sendJson(response, 503, { status: 'opening', ...(progress === undefined ? {} : { progress }) });
  const reason = whyDiskRefuses(store);
  if (reason === undefined) return sendJson(response, 200, { status: 'ready' });
  response.setHeader('Retry-After', retryHeaders['Retry-After']);
  return sendJson(response, 503, { status: 'readOnly', reason });
};

/** All registries in one text. */
export const sendMetrics = async (response: ServerResponse, registries: readonly Registry[]): Promise<void> => {
  const texts = await Promise.all(registries.map((registry) => registry.metrics()));
  sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', texts.join(''));
};
