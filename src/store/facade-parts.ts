/** What the store object uses of a session, and nothing else: the parts that it calls itself, and whole operations. */
import type { Registry } from 'prom-client';
import type {
  BackfillOptions,
  BackfillResult,
  BackupResult,
  ChunkInfo,
  ListedState,
  Progress,
  QuarantinedSeries,
  RetentionPreview,
  Selector,
  SeriesColumns,
  SeriesPage,
  SeriesPageOptions,
  SeriesSamples,
  StoreInfo,
  StoreOptions,
} from '../api/api.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import { ColumnMemory } from '../series/column-memory.ts';
import type { TimeSpan } from '../series/erased-ranges.ts';
import { backfill } from './backfill.ts';
import { backup } from './backup.ts';
import { chunksOf } from './chunks-of.ts';
import { dropSamples } from './drop.ts';
import type { Engine, StoreActor } from './engine.ts';
import { infoOf } from './info.ts';
import { MetricDescriptions } from './metric-descriptions.ts';
import { metricsOf } from './metrics/readings.ts';
import { listQuarantine, readFromQuarantine } from './quarantined.ts';
import { rebuildIndexes } from './rebuild-indexes.ts';
import type { Recovered } from './recovered.ts';
import { previewRetention } from './retention-preview.ts';
import type { Running } from './running.ts';
import { seriesInState } from './series-in-state.ts';
import type { Session } from './session.ts';
import { applySizeLimit } from './size-limit.ts';

type EngineParts =
  | 'admission'
  | 'clock'
  | 'directory'
  | 'fileSystem'
  | 'inspection'
  | 'journalDirectory'
  | 'logger'
  | 'outside'
  | 'table';

type RunningParts =
  | 'actors'
  | 'commit'
  | 'directory'
  | 'ingest'
  | 'labelObjects'
  | 'lastTimeOf'
  | 'queries'
  | 'rows'
  | 'stateCounts'
  | 'stateOf'
  | 'subscriptions'
  | 'waking';

export interface FacadeParts {
  readonly engine: Pick<Engine, EngineParts>;
  readonly running: Pick<Running, RunningParts> & {
    readonly recovered: Pick<Recovered, 'archived' | 'bus' | 'indexer' | 'journal'>;
  };
  readonly actor: StoreActor;
  readonly readOnly: boolean;
  /** The registry with the store's metrics, which are made at the first call. */
  readonly registry: () => Registry;
  readonly descriptions: MetricDescriptions;
  /** Operations that change the directory, or read it as a whole. Closing waits for those that change it. */
  readonly backfill: (
    input: AsyncIterable<SeriesColumns> | Iterable<SeriesColumns>,
    options: BackfillOptions,
    ready: () => Promise<void>,
  ) => Promise<BackfillResult>;
  readonly drop: (selector: Selector, span: TimeSpan) => Promise<number>;
  readonly previewRetention: (retention: NonNullable<StoreOptions['retention']>) => Promise<RetentionPreview>;
  readonly maintain: () => Promise<void>;
  readonly backup: (target: string) => Promise<BackupResult>;
  readonly rebuildIndexes: (onProgress: (progress: Progress) => void) => Promise<void>;
  readonly checkpoint: () => Promise<void>;
  readonly quarantined: () => Promise<QuarantinedSeries[]>;
  readonly readQuarantined: (
    fingerprint: Fingerprint,
  ) => Promise<SeriesSamples & { readonly problems: readonly string[] }>;
  readonly chunks: (pairs: LabelPairs) => Promise<ChunkInfo[]>;
  readonly seriesIn: (state: ListedState, options: SeriesPageOptions) => Promise<SeriesPage>;
  readonly info: () => Promise<StoreInfo>;
  readonly close: () => Promise<void>;
}

/** The parts of an open session. Registers the store's metrics if the caller has given a registry. */
export const facadeParts = (session: Session): FacadeParts => {
  const { engine, running, actor } = session;
  const descriptions = new MetricDescriptions();
  const registry = metricsOf(session, descriptions);
  if (engine.options.registry !== undefined) registry();
  const columnMemory = new ColumnMemory();
  return {
    engine,
    running,
    actor,
    readOnly: engine.options.readOnly,
    registry,
    descriptions,
    backfill: (input, options, ready) =>
      session.during(() => backfill(running, input, options, { ready, memory: columnMemory })),
    drop: (selector, span) => session.during(() => dropSamples(running, selector, span)),
    previewRetention: (retention) => previewRetention(running, retention),
    maintain: () =>
      session.during(async () => {
        if (running.retention.limitsBytes) await applySizeLimit(running);
        await running.visits.all();
      }),
    backup: (target) => session.during(() => backup(session, target)),
    rebuildIndexes: (onProgress) => session.during(() => rebuildIndexes(engine, running.recovered, onProgress)),
    checkpoint: () => session.checkpoint(),
    quarantined: () => listQuarantine(session),
    readQuarantined: (fingerprint) => readFromQuarantine(session, fingerprint),
    chunks: (pairs) => chunksOf(running, pairs),
    seriesIn: (state, options) => seriesInState(running, state, options),
    info: () => infoOf(session),
    close: () => session.close(),
  };
};
