/** Sizes as bars: memory by part, and files by kind. The rows are made once and then changed, so that a link keeps the focus. */
import { h, setText } from '../../parts/elements.ts';
import { exploreAddress } from '../../parts/explore-address.ts';
import { meter } from '../../parts/meter.ts';
import { formatBytes } from '../../parts/text/number-text.ts';
import type { Answers } from '../../server/server-answers.ts';
import type { Figures } from './figures.ts';

interface BarRow {
  readonly name: string;
  readonly bytes: number | undefined;
  /** The selector of the metric. */
  readonly selector?: string;
}

interface DrawnRow {
  readonly meter: HTMLElement;
  readonly bytes: HTMLElement;
}

export class ByteBars {
  readonly element = h('div', { class: 'bars' });
  private readonly drawn = new Map<string, DrawnRow>();

  show(rows: readonly BarRow[]): void {
    const known = rows.flatMap((row) => (row.bytes === undefined ? [] : [{ ...row, bytes: row.bytes }]));
    const largest = Math.max(1, ...known.map(({ bytes }) => bytes));
    for (const row of known) {
      const drawn = this.drawn.get(row.name) ?? this.draw(row);
      drawn.meter.replaceChildren(meter(row.bytes / largest));
      setText(drawn.bytes, formatBytes(row.bytes));
    }
  }

  private draw({ name, selector }: BarRow): DrawnRow {
    const title =
      selector === undefined ? name : h('a', { href: exploreAddress([selector], '15m'), title: selector }, name);
    const drawn = { meter: h('div'), bytes: h('span', { class: 'mono' }) };
    this.element.append(h('span', {}, title), drawn.meter, drawn.bytes);
    this.drawn.set(name, drawn);
    return drawn;
  }
}

/** Display names of the parts of `tidemark_memory_bytes`. */
const partNames: Readonly<Record<string, string>> = {
  chunks: 'Chunks',
  chunk_cache: 'Chunk cache',
  decoded_chunks: 'Decoded chunks',
  label_objects: 'Label objects',
  late_samples: 'Late samples',
  series_table: 'Series and labels',
  archive_directory: 'Archived series',
  index_caches: 'Index caches',
  indexing_queue: 'Indexing queue',
  journal: 'Journal',
};

export const memoryRows = (figures: Figures): readonly BarRow[] => [
  ...figures.all('tidemark_memory_bytes').map(({ labels: { part }, value }) => ({
    name: partNames[part] ?? part,
    bytes: value,
    selector: `tidemark_memory_bytes{part=${JSON.stringify(part)}}`,
  })),
  { name: 'In all', bytes: figures.get('tidemark_memory_used_bytes'), selector: 'tidemark_memory_used_bytes' },
];

/** Only the journal has a metric of its own. */
export const diskRows = (bytes: Answers['/ui/storage']['info']['bytes']): readonly BarRow[] => [
  { name: 'Series files', bytes: bytes.seriesFiles },
  { name: 'Journal', bytes: bytes.journal, selector: 'tidemark_journal_bytes' },
  { name: 'Checkpoint', bytes: bytes.heads, selector: 'prometheus_local_storage_checkpoint_last_size_bytes' },
  { name: 'Indexes', bytes: bytes.indexes },
  { name: 'Quarantine', bytes: bytes.quarantine },
  { name: 'In all', bytes: bytes.total },
];
