/**
 * A store in memory with the public interface, for tests of code that uses a store, such as the HTTP server. Selectors
 * are limited to `name{label="value",…}`, and nothing is written to disk.
 */
import { Registry } from 'prom-client';
import { EMPTY, type Observable, Subject } from 'rxjs';
import { createActor, type InspectionEvent, setup } from 'xstate';
import type {
  BackfillResult,
  MetricMetadata,
  Sample,
  Selector,
  SeriesColumns,
  SeriesHandle,
  SeriesSamples,
  Store,
} from '../../src/api/api.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import type { AlertEvent, DomainEvent, JournalEvent } from '../../src/model/events.ts';
import type { Labels } from '../../src/model/labels.ts';
import { compareLabels, formatLabels } from '../../src/text/label-text.ts';

interface FakeSeries {
  readonly labels: Labels;
  readonly timestamps: number[];
  readonly bits: bigint[];
}

const toBits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];

const toValues = (bits: readonly bigint[]): Float64Array => new Float64Array(BigUint64Array.from(bits).buffer);

const parseSelector = (selector: Selector): ((labels: Labels) => boolean) => {
  if (Array.isArray(selector)) return (labels) => selector.every(({ name, value }) => labels[name] === value);
  if (typeof selector !== 'string') return (labels) => Object.entries(selector).every(([n, v]) => labels[n] === v);
  const match = /^([a-zA-Z_:][\w:]*)?(?:\{(.*)\})?$/.exec(selector.trim());
  if (match === null || selector.trim() === '')
    throw new TidemarkError('TIDEMARK_INVALID_SELECTOR', `cannot read ${selector}`);
  const wanted = [...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
  if (match[1] !== undefined) wanted.push(['__name__', match[1]]);
  return (labels) => wanted.every(([name, value]) => labels[name] === value);
};

const storeMachine = setup({}).createMachine({ id: 'store', initial: 'running', states: { running: {} } });

export class FakeStore implements Store {
  readonly directory: string;
  readonly readOnly = false;
  readonly registry = new Registry();
  readonly actor = createActor(storeMachine).start();
  readonly appended = new Subject<Sample>();
  readonly events$: Observable<DomainEvent> = new Subject<DomainEvent>();
  readonly observers = new Set<(event: InspectionEvent) => void>();
  journalEvents: JournalEvent[] = [];
  /** While true, `append` refuses and `ready` waits. */
  throttled = false;
  flushes = 0;
  closed = false;
  private readonly known = new Map<string, FakeSeries>();
  private wake: (() => void)[] = [];

  constructor(directory = '/fake') {
    this.directory = directory;
  }

  append(labels: Labels, timestamp: number, value: number): void {
    this.series(labels).append(timestamp, value);
  }

  batch<T>(work: () => T): T {
    return work();
  }

  appendBatch(samples: readonly Sample[]) {
    for (const { labels, timestamp, value } of samples) this.append(labels, timestamp, value);
    return { accepted: samples.length, rejected: [] };
  }

  async backfill(
    given: SeriesColumns | Iterable<SeriesColumns> | AsyncIterable<SeriesColumns>,
  ): Promise<BackfillResult> {
    let accepted = 0;
    let index = 0;
    const rejected: BackfillResult['rejected'][number][] = [];
    for (const { labels, timestamps, values } of given as Iterable<SeriesColumns>) {
      const key = formatLabels(labels);
      const series = this.known.get(key) ?? { labels, timestamps: [], bits: [] };
      this.known.set(key, series);
      const patterns = new BigUint64Array(Float64Array.from(values).buffer);
      const exact = values instanceof Float64Array ? new BigUint64Array(values.slice().buffer) : patterns;
      let refused = 0;
      for (let i = 0; i < timestamps.length; i++) {
        const at = series.timestamps.findIndex((time) => time >= timestamps[i]);
        const place = at < 0 ? series.timestamps.length : at;
        if (series.timestamps[place] === timestamps[i]) {
          if (series.bits[place] !== exact[i]) refused++;
          continue;
        }
        series.timestamps.splice(place, 0, timestamps[i]);
        series.bits.splice(place, 0, exact[i]);
      }
      accepted += timestamps.length - refused;
      if (refused > 0) rejected.push({ index, labels, code: 'TIDEMARK_DUPLICATE_TIMESTAMP', count: refused });
      index++;
    }
    return { accepted, rejected };
  }

  series(labels: Labels): SeriesHandle {
    if (labels['__name__'] === undefined)
      throw new TidemarkError('TIDEMARK_INVALID_LABELS', 'a metric name is missing');
    const key = formatLabels(labels);
    const put = (timestamp: number, bits: bigint): void => this.put(key, labels, timestamp, bits);
    const { known } = this;
    return {
      labels,
      fingerprint: Buffer.from(key).toString('hex').padEnd(16, '0').slice(-16),
      get state() {
        return known.has(key) ? ('inMemory' as const) : ('absent' as const);
      },
      get lastTime() {
        return known.get(key)?.timestamps.at(-1);
      },
      append: (timestamp, value) => put(timestamp, toBits(value)),
      appendBits: (timestamp, high, low) => put(timestamp, (BigInt(high) << 32n) | BigInt(low)),
      appendStale: (timestamp) => put(timestamp, 0x7ff0000000000002n),
      actor: () => this.actor,
      release: () => {},
    };
  }

  resume(): void {
    this.throttled = false;
    for (const wake of this.wake.splice(0)) wake();
  }

  async ready(): Promise<void> {
    if (this.throttled)
      await new Promise<void>((resolve) => {
        this.wake.push(resolve);
      });
  }

  async flush(): Promise<void> {
    this.flushes++;
  }

  async *select(selector: Selector, range: { from?: number | undefined; through?: number | undefined } = {}) {
    for (const { labels, timestamps, bits } of this.matching(selector)) {
      const inRange = timestamps
        .map((_, i) => i)
        .filter((i) => timestamps[i] >= (range.from ?? -Infinity) && timestamps[i] <= (range.through ?? Infinity));
      yield {
        labels,
        fingerprint: this.series(labels).fingerprint,
        timestamps: Float64Array.from(inRange, (i) => timestamps[i]),
        values: toValues(inRange.map((i) => bits[i])),
      } satisfies SeriesSamples;
    }
  }

  async instant(selector: Selector) {
    return this.lastSamples(selector);
  }

  async lastSamples(selector: Selector) {
    return this.matching(selector).map(({ labels, timestamps, bits }) => ({
      labels,
      timestamp: timestamps.at(-1)!,
      value: toValues(bits).at(-1)!,
    }));
  }

  async metrics(selectors: Selector | readonly string[]): Promise<Labels[]> {
    const list =
      Array.isArray(selectors) && typeof selectors[0] === 'string' ? (selectors as string[]) : [selectors as Selector];
    const found = list.flatMap((selector) => this.matching(selector)).map(({ labels }) => labels);
    return [...new Map(found.map((labels) => [formatLabels(labels), labels])).values()];
  }

  query(): Promise<never> {
    return Promise.reject(new TidemarkError('TIDEMARK_QUERY_FAILED', 'not in this store'));
  }

  queryRange(): Promise<never> {
    return this.query();
  }

  watchQuery(): Observable<never> {
    return EMPTY;
  }

  async labelsOf(): Promise<Labels | undefined> {
    return undefined;
  }

  async labelNames(): Promise<string[]> {
    return [...new Set([...this.known.values()].flatMap(({ labels }) => Object.keys(labels)))];
  }

  async labelValues(name: string): Promise<string[]> {
    return [...new Set([...this.known.values()].map(({ labels }) => labels[name]).filter((v) => v !== undefined))];
  }

  async drop(): Promise<number> {
    return 0;
  }

  async quarantined() {
    return [];
  }

  async readQuarantined(fingerprint: string): Promise<never> {
    throw new TidemarkError('TIDEMARK_INTERNAL', `${fingerprint} is not quarantined`);
  }

  private readonly descriptions = new Map<string, MetricMetadata>();

  describe(metadata: MetricMetadata): void {
    this.descriptions.set(metadata.metric, metadata);
  }

  metadata(): MetricMetadata[] {
    return [...this.descriptions.values()].sort((a, b) => (a.metric < b.metric ? -1 : 1));
  }

  async checkpoint(): Promise<void> {}

  async backup() {
    return { series: this.known.size, bytes: 0 };
  }

  async waitForIndexing(): Promise<void> {}

  async rebuildIndexes(): Promise<void> {}

  async maintain(): Promise<void> {}

  watch(selector: Selector): Observable<Sample> {
    const matches = parseSelector(selector);
    const watched = new Subject<Sample>();
    this.appended.subscribe((sample) => {
      if (matches(sample.labels)) watched.next(sample);
    });
    return watched;
  }

  subscribe(): never {
    throw new TidemarkError('TIDEMARK_INTERNAL', 'the fake store has no durable subscriptions');
  }

  subscriptions() {
    return [];
  }

  async unsubscribe(): Promise<void> {}

  async history() {
    return [];
  }

  async *alertHistory() {
    for (const event of this.journalEvents)
      if (event.type.startsWith('alert')) yield event as AlertEvent & JournalEvent;
  }

  publishAlert(event: AlertEvent): number {
    const position = this.journalEvents.length + 1;
    this.journalEvents.push({ ...event, position });
    return position;
  }

  async *journal({ from = 0 }: { from?: number } = {}) {
    for (const event of this.journalEvents) if (event.position > from) yield event;
  }

  previewRetention(): Promise<never> {
    return Promise.reject(new TidemarkError('TIDEMARK_INTERNAL', 'a fake store has no retention'));
  }

  async chunks() {
    return [];
  }

  async info() {
    return {
      directory: this.directory,
      version: 1 as const,
      opened: 'clean' as const,
      seriesInMemory: this.known.size,
      seriesArchived: 0,
      seriesQuarantined: 0,
      chunksInMemory: 0,
      chunksWaiting: 0,
      bytes: { seriesFiles: 0, heads: 0, journal: 0, indexes: 0, quarantine: 0, total: 0 },
      journal: { id: '0000000000000000', first: 0, end: 0, durable: 0 },
    };
  }

  inspect(observer: (event: InspectionEvent) => void): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  stateCounts() {
    return { inMemory: this.known.size, persisting: 0, archived: 0, quarantined: 0 };
  }

  async seriesIn() {
    return { series: [] };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The whole content as text, with the exact bits of values. Stores with equal texts have equal content. */
  contents(): Record<string, [number, string][]> {
    return Object.fromEntries(
      [...this.known.values()].map(({ labels, timestamps, bits }) => [
        formatLabels(labels),
        timestamps.map((timestamp, i): [number, string] => [timestamp, bits[i].toString(16).padStart(16, '0')]),
      ]),
    );
  }

  private matching(selector: Selector): FakeSeries[] {
    const matches = parseSelector(selector);
    return [...this.known.values()]
      .filter(({ labels }) => matches(labels))
      .sort((a, b) => compareLabels(a.labels, b.labels));
  }

  private put(key: string, labels: Labels, timestamp: number, bits: bigint): void {
    if (this.throttled) throw new TidemarkError('TIDEMARK_THROTTLED', 'the store is throttled');
    const series = this.known.get(key) ?? { labels, timestamps: [], bits: [] };
    this.known.set(key, series);
    const last = series.timestamps.at(-1);
    if (last !== undefined && timestamp < last) throw new TidemarkError('TIDEMARK_OUT_OF_ORDER', 'out of order');
    if (last === timestamp) {
      if (series.bits.at(-1) === bits) return;
      throw new TidemarkError('TIDEMARK_DUPLICATE_TIMESTAMP', 'duplicate timestamp');
    }
    series.timestamps.push(timestamp);
    series.bits.push(bits);
    this.appended.next({ labels, timestamp, value: toValues([bits])[0] });
  }
}
