/** Composes the life of series: the actors with their effects, and the way of a sample to its row. */
import { EARLIEST } from '../model/int64.ts';
import { ActorRows } from '../series/actor-rows.ts';
import { SeriesActors } from '../series/actors.ts';
import { Archiving } from '../series/archiving.ts';
import { seriesEffects } from '../series/effects.ts';
import { Ingest } from '../series/ingest.ts';
import { Isolation } from '../series/isolation.ts';
import { LateMerging } from '../series/late-merging.ts';
import { Persister } from '../series/persister.ts';
import { Purging } from '../series/purging.ts';
import { SeriesDirectory } from '../series/series-lookup.ts';
import type { SeriesMemory } from '../series/series-memory.ts';
import type { SeriesStorage } from '../series/series-storage.ts';
import type { Row } from '../series/table.ts';
import { Waking } from '../series/waking.ts';
import type { Counts } from './counts.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Engine } from './engine.ts';
import type { Pressure } from './pressure.ts';
import type { Recovered } from './recovered.ts';
import type { Retention } from './retention.ts';

export interface SeriesParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly seriesMemory: SeriesMemory;
  readonly storage: SeriesStorage;
  readonly retention: Retention;
  readonly disk: DiskGuard;
  readonly pressure: Pressure;
  readonly counts: Counts;
}

export interface SeriesLife {
  readonly persister: Persister;
  readonly merging: LateMerging;
  readonly rows: ActorRows;
  readonly archiving: Archiving;
  readonly isolation: Isolation;
  readonly purging: Purging;
  readonly actors: SeriesActors;
  readonly waking: Waking;
  readonly directory: SeriesDirectory;
  readonly ingest: Ingest;
}

export const composeSeries = (parts: SeriesParts): SeriesLife => {
  const { engine, recovered, seriesMemory, storage, retention, disk, pressure, counts } = parts;
  const { options, seriesFiles, mapper, admission, inspection, clock, logger, texts } = engine;
  const { archived, archive, indexer, journal, bus } = recovered;
  const common = { ...seriesMemory, ...storage, archived, indexer, journal, bus, clock, logger };

  const persister = new Persister({
    ...common,
    minShrinkRatio: options.minShrinkRatio,
    syncNow: () => pressure.syncsSeriesFiles(),
    onPersisted: (chunks) => {
      counts.chunksPersisted += chunks;
      counts.observations.observe('seriesChunksPersisted', chunks);
    },
  });
  const rows = new ActorRows({ ...common, chunksInFile: (high, low) => seriesFiles.stat(high, low)?.chunks ?? 0 });
  const archiving = new Archiving({
    ...common,
    firstTimeInFile: (high, low) => seriesFiles.loadDescriptors(high, low).firstTimes[0] ?? EARLIEST,
  });
  const isolation = new Isolation(common);
  const purging = new Purging(common);
  const merging = new LateMerging({
    ...common,
    persister,
    encoding: options.encoding,
    memoryTarget: options.memoryTarget,
  });
  const classOfRow = (row: Row): number => seriesMemory.table.retentionClass[row] ?? 0;
  const effects = seriesEffects({
    ...common,
    persister,
    merging,
    archiving,
    isolation,
    purging,
    beforeTime: (row) => (retention.isOn ? retention.beforeTime(classOfRow(row)) : undefined),
    onDiskTrouble: (error) => {
      counts.persistErrors++;
      disk.note('A series file could not be changed.', error);
    },
  });
  const onError = (row: number, error: unknown): void =>
    logger.error({ err: error, row }, 'A series actor failed; its series is at rest again.');
  const actors = new SeriesActors({ rows, effects, inspection, onError });
  const waking = new Waking({ ...common, rows, actors });
  const directory = new SeriesDirectory({
    ...common,
    mapper,
    archive,
    admission,
    texts,
    wake: (high, low, pairs) => waking.wakeForSample(high, low, pairs),
    leavingPairs: (high, low) => isolation.leavingPairs(high, low),
    makeWritable: (row) => waking.makeWritable(row),
  });
  const ingest = new Ingest({
    ...common,
    directory,
    admission,
    commitEach: options.durability === 'always',
    outOfOrderWindowMs: options.outOfOrderWindowMs,
    keptFrom: () => (retention.isOn ? retention.latestBeforeTime() : Number.NEGATIVE_INFINITY),
    keptFromOf: retention.hasRules ? (pairs) => retention.beforeTimeOf(pairs) : undefined,
    // Wall time as it is, not the trusted time: the samples carry wall time, too.
    takenUntil: () => clock.now() + options.futureToleranceMs,
  });
  return { persister, merging, rows, archiving, isolation, purging, actors, waking, directory, ingest };
};
