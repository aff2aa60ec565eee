/** What only a scraping server has: targets, Alertmanagers, notifications. The answers are empty, in the right shapes. */

import { namedLater } from '../params.ts';
import { sendData } from '../reply.ts';
import type { Route, StoreExchange } from '../router.ts';
import { numberParam } from './query-params.ts';
import { parseSelector } from './series-selectors.ts';

const always =
  (data: unknown) =>
  ({ response }: StoreExchange): Promise<void> =>
    sendData(response, data);

const targetMetadata = async ({ params, response, breathe }: StoreExchange): Promise<void> => {
  numberParam(params, 'limit');
  const target = params.get('match_target') ?? '';
  if (target !== '') await namedLater('match_target', () => parseSelector(target, 'match_target', breathe));
  return sendData(response, []);
};

/** 204 tells an EventSource not to connect again. */
const noNotifications = ({ response }: StoreExchange): void => {
  response.writeHead(204);
  response.end();
};

const methods = ['GET'] as const;

export const scrapingRoutes: readonly Route[] = [
  {
    methods,
    path: '/api/v1/targets',
    handle: always({ activeTargets: [], droppedTargets: [], droppedTargetCounts: {} }),
  },
  { methods, path: '/api/v1/targets/metadata', handle: targetMetadata },
  { methods, path: '/api/v1/scrape_pools', handle: always({ scrapePools: [] }) },
  {
    methods,
    path: '/api/v1/alertmanagers',
    handle: always({ activeAlertmanagers: [], droppedAlertmanagers: [] }),
  },
  { methods, path: '/api/v1/notifications', handle: always([]) },
  { methods, path: '/api/v1/notifications/live', handle: noNotifications },
  { methods, path: '/api/v1/features', handle: always({}) },
];
