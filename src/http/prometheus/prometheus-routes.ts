/** Prometheus' HTTP endpoints, for Grafana, scripts and other programs. */
import { federate } from '../federate.ts';
import type { Route } from '../router.ts';
import { exportLines } from './export-lines.ts';
import { formatQuery, listExemplars, parseQuery } from './expressions.ts';
import { listLabelNames, listLabelValues, listSeries } from './label-lists.ts';
import { listMetadata } from './metadata.ts';
import { answerInstant } from './query.ts';
import { answerRange } from './query-range.ts';
import { listAlerts, listRules } from './rule-lists.ts';
import { scrapingRoutes } from './scraping.ts';
import { tellBuild, tellConfig, tellFlags, tellReplay, tellRuntime, tellStorage } from './status.ts';

const both = ['GET', 'POST'] as const;
const onlyGet = ['GET'] as const;

export const prometheusRoutes: readonly Route[] = [
  { methods: both, path: '/api/v1/query', handle: answerInstant },
  { methods: both, path: '/api/v1/query_range', handle: answerRange },
  { methods: both, path: '/api/v1/query_exemplars', handle: listExemplars },
  { methods: both, path: '/api/v1/format_query', handle: formatQuery },
  { methods: both, path: '/api/v1/parse_query', handle: parseQuery },
  { methods: both, path: '/api/v1/series', handle: listSeries },
  { methods: both, path: '/api/v1/labels', handle: listLabelNames },
  { methods: both, path: '/api/v1/label/<name>/values', handle: listLabelValues },
  { methods: onlyGet, path: '/api/v1/metadata', handle: listMetadata },
  { methods: onlyGet, path: '/api/v1/rules', handle: listRules },
  { methods: onlyGet, path: '/api/v1/alerts', handle: listAlerts },
  { methods: onlyGet, path: '/api/v1/status/buildinfo', handle: tellBuild },
  { methods: onlyGet, path: '/api/v1/status/runtimeinfo', handle: tellRuntime },
  { methods: onlyGet, path: '/api/v1/status/config', handle: tellConfig },
  { methods: onlyGet, path: '/api/v1/status/flags', handle: tellFlags },
  { methods: onlyGet, path: '/api/v1/status/tsdb', handle: tellStorage },
  { methods: onlyGet, path: '/api/v1/status/walreplay', handle: tellReplay },
  ...scrapingRoutes,
  { methods: both, path: '/api/v1/export', handle: exportLines },
  { methods: onlyGet, path: '/federate', handle: federate },
];
