/**
 * `/-/healthy`, `/-/ready` and `/metrics`, for supervisors and scrapers. They answer while the store is opening, too.
 */
import type { ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Progress, Store } from '../index.ts';
import { sendJson, sendText } from './reply.ts';

/** The progress of opening the store; `store` is set once it is open. */
export interface Readiness {
  readonly store: Store | undefined;
  readonly progress: Progress | undefined;
}

export const sendHealthy = (response: ServerResponse): void =>
  sendText(response, 200, 'text/plain; charset=utf-8', 'Tidemark is healthy.\n');

/** 200 if the store is open; otherwise 503 with the progress of recovery. */
export const sendReady = (response: ServerResponse, { store, progress }: Readiness): Promise<void> =>
  store !== undefined
    ? sendJson(response, 200, { status: 'ready' })
    : sendJson(response, 503, { status: 'opening', ...(progress === undefined ? {} : { progress }) });

/** All registries in one text. */
export const sendMetrics = async (response: ServerResponse, registries: readonly Registry[]): Promise<void> => {
  const texts = await Promise.all(registries.map((registry) => registry.metrics()));
  sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', texts.join(''));
};
