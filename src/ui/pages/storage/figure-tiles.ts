/** What the tiles of the Storage page say: pressure, journal, checkpoint, indexing, memory. */
import { exploreAddress } from '../../parts/explore-address.ts';
import { formatBytes, formatCount, formatNumber, formatSeconds } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { StateValue, StoreMark } from '../../server/server-answers.ts';
import type { Figures } from './figures.ts';

interface TileLink {
  readonly text: string;
  readonly href: string;
}

export interface Tile {
  /** Unique among the tiles. */
  readonly title: string;
  readonly value: string;
  readonly note: string;
  /** A share of a limit. */
  readonly share?: number | undefined;
  /** Where it is to be seen: its metrics over time, and other pages. */
  readonly links: readonly TileLink[];
}

/** What the figures alone do not tell; `undefined` until it is known. */
export interface Surroundings {
  /** The value of the store's statechart. */
  readonly state: StateValue | undefined;
  readonly checkpoint: StoreMark | undefined;
}

const range = '15m';

const overTime = (...metrics: readonly string[]): TileLink => ({
  text: 'over time',
  href: exploreAddress(metrics, range),
});

const regionOf = (name: string): TileLink => ({ text: 'chart', href: `./actors?regions=${name}` });

const ratio = (part: number | undefined, whole: number | undefined): number | undefined =>
  part === undefined || !whole ? undefined : part / whole;

/** The name of a state, of the first one if there are several. */
const nameOf = (value: StateValue | undefined): string | undefined =>
  typeof value === 'string' ? value : Object.keys(value ?? {})[0];

const stateText = (value: StateValue | undefined): string => {
  if (typeof value === 'string') return value;
  const running = value?.['running'];
  if (running === undefined) return Object.keys(value ?? {}).join(', ');
  if (typeof running === 'string') return running;
  const health = nameOf(running['health']);
  const trouble = health === undefined || health === 'healthy' ? '' : `, ${health}`;
  return `${nameOf(running['pressure']) ?? 'running'}${trouble}`;
};

const local = (name: string): string => `prometheus_local_storage_${name}`;

const checkpointTile = (figures: Figures, checkpoint: StoreMark | undefined): Tile => {
  const lastBytes = figures.get(local('checkpoint_last_size_bytes'));
  const took = figures.get(local('checkpoint_last_duration_seconds'));
  const isWriting = figures.get(local('checkpointing')) === 1;
  const lastDuration = lastBytes === 0 ? '' : `took ${formatSeconds(took)}; `;
  const replay = { text: 'in Replay', href: `./replay?position=${checkpoint?.position}` };
  return {
    title: 'Checkpoint',
    value: isWriting ? 'being written' : lastBytes === 0 ? 'none yet' : formatBytes(lastBytes),
    note: `${lastDuration}${formatCount(figures.get(local('memory_dirty_series')))} series changed since${
      checkpoint === undefined ? '' : ` ${formatTime(checkpoint.time)}`
    }`,
    links: [
      overTime(local('checkpoint_last_duration_seconds')),
      regionOf('checkpoint'),
      ...(checkpoint === undefined ? [] : [replay]),
    ],
  };
};

const memoryTiles = (figures: Figures): readonly Tile[] => {
  const get = (name: string): number | undefined => figures.get(name);
  const hits = get('tidemark_chunk_cache_hits_total') ?? 0;
  const reads = hits + (get('tidemark_chunk_cache_misses_total') ?? 0);
  return [
    {
      title: 'Memory',
      value: formatBytes(get('tidemark_memory_used_bytes')),
      note: `target ${formatBytes(get(local('target_heap_size_bytes')))}`,
      share: ratio(get('tidemark_memory_used_bytes'), get(local('target_heap_size_bytes'))),
      links: [overTime('tidemark_memory_used_bytes')],
    },
    {
      title: 'Series in memory',
      value: formatCount(get(local('memory_series'))),
      note: `${formatCount(get('tidemark_archived_series'))} archived, ${formatCount(get('tidemark_quarantined_series'))} quarantined`,
      links: [
        overTime('tidemark_series'),
        { text: 'in memory', href: './actors?state=inMemory' },
        { text: 'archived', href: './actors?state=archived' },
        { text: 'quarantined', href: './actors?state=quarantined' },
      ],
    },
    {
      title: 'Open chunks',
      value: formatCount(get(local('open_head_chunks'))),
      note: `of ${formatCount(get(local('memory_chunks')))} chunks in memory`,
      links: [overTime(local('open_head_chunks'), local('memory_chunks'))],
    },
    {
      title: 'Actors awake',
      value: formatCount(get('tidemark_live_actors')),
      note: `${formatCount(get('tidemark_busy_series'))} series busy with their file`,
      links: [
        overTime('tidemark_live_actors', 'tidemark_busy_series'),
        { text: 'persisting', href: './actors?state=persisting' },
      ],
    },
    {
      title: 'Chunk cache',
      value: reads === 0 ? '–' : `${Number(((100 * hits) / reads).toPrecision(3))} %`,
      note: `of ${formatCount(reads)} chunks read`,
      links: [overTime('tidemark_chunk_cache_hits_total', 'tidemark_chunk_cache_misses_total')],
    },
  ];
};

export const figureTiles = (figures: Figures, { state, checkpoint }: Surroundings): readonly Tile[] => {
  const get = (name: string): number | undefined => figures.get(name);
  const score = get(local('persistence_urgency_score'));
  const behind = (get('tidemark_journal_position') ?? 0) - (get('tidemark_journal_durable_position') ?? 0);
  const segments = get('tidemark_journal_segments');
  return [
    {
      title: 'Pressure',
      value: stateText(state),
      note: `urgency score ${formatNumber(score)}`,
      share: score,
      links: [overTime(local('persistence_urgency_score')), regionOf('pressure')],
    },
    {
      title: 'Waiting chunks',
      value: formatCount(get(local('chunks_to_persist'))),
      note: `of at most ${formatCount(get(local('max_chunks_to_persist')))}`,
      share: ratio(get(local('chunks_to_persist')), get(local('max_chunks_to_persist'))),
      links: [overTime(local('chunks_to_persist'))],
    },
    ...memoryTiles(figures),
    {
      title: 'Journal',
      value: formatBytes(get('tidemark_journal_bytes')),
      note: `${formatCount(segments)} segment${segments === 1 ? '' : 's'}, ${formatBytes(behind)} to sync`,
      links: [overTime('tidemark_journal_bytes'), { text: 'in Replay', href: './replay' }],
    },
    checkpointTile(figures, checkpoint),
    {
      title: 'Indexing queue',
      value: formatCount(get(local('indexing_queue_length'))),
      note: `of at most ${formatCount(get(local('indexing_queue_capacity')))}`,
      share: ratio(get(local('indexing_queue_length')), get(local('indexing_queue_capacity'))),
      links: [overTime(local('indexing_queue_length')), regionOf('indexing')],
    },
    {
      title: 'Event loop, 99th percentile',
      value: formatSeconds(get('tidemark_event_loop_delay_p99_seconds')),
      note: `longest ${formatSeconds(get('tidemark_event_loop_delay_max_seconds'))}`,
      links: [overTime('tidemark_event_loop_delay_p99_seconds', 'tidemark_event_loop_delay_max_seconds')],
    },
    {
      title: 'Samples taken',
      value: formatCount(get(local('ingested_samples_total'))),
      note: `${formatCount(get(local('out_of_order_samples_total')) ?? 0)} rejected because of their time`,
      links: [
        overTime(local('ingested_samples_total')),
        { text: 'rejected', href: exploreAddress([local('out_of_order_samples_total')], range) },
      ],
    },
  ];
};
