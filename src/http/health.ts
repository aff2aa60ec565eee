/** `/-/healthy`, `/-/ready` and `/metrics`: what supervisors and scrapers ask, also while the store is opening. */
import type { ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Progress, Store } from '../index.ts';
import { sendJson, sendText } from './reply.ts';

/** How far opening is: `store` once it is open. */
export interface Readiness {
  readonly store: Store | undefined;
  readonly progress: Progress | undefined;
}

export const sendHealthy = (response: ServerResponse): void =>
  sendText(response, 200, 'text/plain; charset=utf-8', 'Tidemark is healthy.\n');

/** 200 when the store answers; else 503 with how far recovery is. */
export const sendReady = (response: ServerResponse, { store, progress }: Readiness): void => {
  if (store !== undefined) sendJson(response, 200, { status: 'ready' });
  else sendJson(response, 503, { status: 'opening', ...(progress === undefined ? {} : { progress }) });
};

/** All registries in one text. */
export const sendMetrics = async (response: ServerResponse, registries: readonly Registry[]): Promise<void> => {
  const texts = await Promise.all(registries.map((registry) => registry.metrics()));
  sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', texts.join(''));
};
