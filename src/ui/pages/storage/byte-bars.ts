/** Sizes as bars: memory by part, and files by kind. */
import { h } from '../../parts/elements.ts';
import { meter } from '../../parts/meter.ts';
import { formatBytes } from '../../parts/text/number-text.ts';
import type { Answers } from '../../server/server-answers.ts';
import type { Figures } from './figures.ts';

const bars = (rows: readonly (readonly [name: string, bytes: number | undefined])[]): HTMLElement => {
  const known = rows.flatMap(([name, bytes]) => (bytes === undefined ? [] : [{ name, bytes }]));
  const largest = Math.max(1, ...known.map(({ bytes }) => bytes));
  return h(
    'div',
    { class: 'bars' },
    ...known.flatMap(({ name, bytes }) => [
      h('span', {}, name),
      meter(bytes / largest),
      h('span', { class: 'mono' }, formatBytes(bytes)),
    ]),
  );
};

/** Display names of the parts of `tidemark_memory_bytes`. */
const partNames: Readonly<Record<string, string>> = {
  chunks: 'Chunks',
  chunk_cache: 'Chunk cache',
  series_table: 'Series and labels',
  archive_directory: 'Archived series',
  index_caches: 'Index caches',
  indexing_queue: 'Indexing queue',
  journal: 'Journal',
};

export const memoryBars = (figures: Figures): HTMLElement =>
  bars([
    ...figures
      .all('tidemark_memory_bytes')
      .map(({ labels: { part }, value }) => [partNames[part] ?? part, value] as const),
    ['In all', figures.get('tidemark_memory_used_bytes')],
  ]);

export const diskBars = (bytes: Answers['/ui/storage']['info']['bytes']): HTMLElement =>
  bars([
    ['Series files', bytes.seriesFiles],
    ['Journal', bytes.journal],
    ['Checkpoint', bytes.heads],
    ['Indexes', bytes.indexes],
    ['Quarantine', bytes.quarantine],
    ['In all', bytes.total],
  ]);
