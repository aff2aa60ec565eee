/** The tiles of the Storage page: pressure, journal, checkpoint, indexing, memory. */
import { h } from '../../parts/elements.ts';
import { meter } from '../../parts/meter.ts';
import { formatBytes, formatCount, formatNumber, formatSeconds } from '../../parts/text/number-text.ts';
import type { StateValue } from '../../server/server-answers.ts';
import type { Figures } from './figures.ts';

/** A share of a limit, which is coloured as it comes near. */
const limitMeter = (share: number): HTMLElement => meter(share, share >= 1 ? 'bad' : share > 0.8 ? 'warn' : '');

const tile = (title: string, value: string, note: string, share?: number): HTMLElement =>
  h(
    'div',
    { class: 'tile' },
    h('div', { class: 'soft small' }, title),
    h('div', { class: 'value', title: value }, value),
    h('div', { class: 'soft small clip', title: note }, note || '\u00a0'),
    share === undefined ? undefined : limitMeter(share),
  );

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

/** `state`: the value of the store's statechart; `undefined` until it is known. */
export const figureTiles = (figures: Figures, state: StateValue | undefined): HTMLElement[] => {
  const get = (name: string): number | undefined => figures.get(`tidemark_${name}`);
  const local = (name: string): number | undefined => figures.get(`prometheus_local_storage_${name}`);
  const score = local('persistence_urgency_score');
  const behind = (get('journal_position') ?? 0) - (get('journal_durable_position') ?? 0);
  const segments = get('journal_segments');
  const lastBytes = local('checkpoint_last_size_bytes');
  const lastDuration = lastBytes === 0 ? '' : `took ${formatSeconds(local('checkpoint_last_duration_seconds'))}; `;
  const hits = get('chunk_cache_hits_total') ?? 0;
  const reads = hits + (get('chunk_cache_misses_total') ?? 0);
  return [
    tile('Pressure', stateText(state), `urgency score ${formatNumber(score)}`, score),
    tile(
      'Waiting chunks',
      formatCount(local('chunks_to_persist')),
      `of at most ${formatCount(local('max_chunks_to_persist'))}`,
      ratio(local('chunks_to_persist'), local('max_chunks_to_persist')),
    ),
    tile(
      'Memory',
      formatBytes(get('memory_used_bytes')),
      `target ${formatBytes(local('target_heap_size_bytes'))}`,
      ratio(get('memory_used_bytes'), local('target_heap_size_bytes')),
    ),
    tile(
      'Series in memory',
      formatCount(local('memory_series')),
      `${formatCount(get('archived_series'))} archived, ${formatCount(get('quarantined_series'))} quarantined`,
    ),
    tile(
      'Open chunks',
      formatCount(local('open_head_chunks')),
      `of ${formatCount(local('memory_chunks'))} chunks in memory`,
    ),
    tile(
      'Actors awake',
      formatCount(get('live_actors')),
      `${formatCount(get('busy_series'))} series busy with their file`,
    ),
    tile(
      'Journal',
      formatBytes(get('journal_bytes')),
      `${formatCount(segments)} segment${segments === 1 ? '' : 's'}, ${formatBytes(behind)} to sync`,
    ),
    tile(
      'Checkpoint',
      local('checkpointing') === 1 ? 'being written' : lastBytes === 0 ? 'none yet' : formatBytes(lastBytes),
      `${lastDuration}${formatCount(local('memory_dirty_series'))} series changed since`,
    ),
    tile(
      'Indexing queue',
      formatCount(local('indexing_queue_length')),
      `of at most ${formatCount(local('indexing_queue_capacity'))}`,
      ratio(local('indexing_queue_length'), local('indexing_queue_capacity')),
    ),
    tile(
      'Event loop, 99th percentile',
      formatSeconds(get('event_loop_delay_p99_seconds')),
      `longest ${formatSeconds(get('event_loop_delay_max_seconds'))}`,
    ),
    tile(
      'Samples taken',
      formatCount(local('ingested_samples_total')),
      `${formatCount(local('out_of_order_samples_total') ?? 0)} rejected because of their time`,
    ),
    tile(
      'Chunk cache',
      reads === 0 ? '–' : `${Number(((100 * hits) / reads).toPrecision(3))} %`,
      `of ${formatCount(reads)} chunks read`,
    ),
  ];
};
