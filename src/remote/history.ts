/**
 * Sends the samples that a store had before a position of its journal. The subscription to the journal has the others.
 *
 * Receivers such as Prometheus take no sample that is much older than the newest one of any series. So the history goes
 * through time in windows of half an hour, and through all series in each: not through one series after the other.
 *
 * A store goes on taking samples meanwhile, and reading a series also finds samples that the journal has after the
 * position. They are left out here, so that they are sent once. After reading, the journal is read up to its end: it tells
 * where each series' samples after the position begin, and which late ones there are.
 */
import type { JournalEvent, Position, SeriesSamples, Store } from '../index.ts';
import { compareLabelPairs, toLabelPairs } from '../model/labels.ts';
import type { ForwardCursor, HistoryPlace } from './forward-cursor.ts';
import { type Outgoing, SampleList, wordsOf } from './outgoing.ts';
import type { SeriesLabels, Unsent } from './series-labels.ts';

const WINDOW_MS = 1_800_000;
/** Samples that are read before the journal is read once. */
const CHUNK_SAMPLES = 100_000;
/** A stretch of time without samples is looked over in windows that grow to this. */
const GAP_WINDOWS_MAX = 64;
/** Times of late samples that are kept. Beyond it, late samples may be sent twice. */
const LATE_MAX = 1 << 20;

type HistoryStore = Pick<Store, 'select' | 'journal' | 'info'>;

export interface HistoryParts {
  readonly store: HistoryStore;
  readonly series: SeriesLabels;
  readonly cursor: ForwardCursor;
  readonly selector: Parameters<Store['select']>[0];
  readonly samplesMax: number;
  readonly signal: AbortSignal;
  /** Resolves with false if forwarding was stopped. */
  readonly deliver: (request: Outgoing) => Promise<boolean>;
  readonly onUnsent: (reason: Exclude<Unsent, 'not_selected'>, count: number) => void;
  readonly onProblem: (message: string) => void;
}

/** Samples of one series in one window. */
interface Column {
  readonly window: number;
  readonly series: SeriesSamples;
}

/** Where sending begins, as far as it is known. */
interface Start extends HistoryPlace {
  readonly position: Position;
}

/** Sends the history from a place on. Resolves with false if forwarding was stopped. */
export const sendHistory = async (parts: HistoryParts, start: Start): Promise<boolean> => {
  const { series, cursor, samplesMax, deliver } = parts;
  const { firstTime, lastTime } = await parts.store.info();
  const through = start.through ?? lastTime;
  if (through === undefined) {
    await cursor.save({ phase: 'journal' });
    return true;
  }
  const fixed = { phase: 'history', position: start.position, through } as const;
  if (start.through === undefined) await cursor.save(fixed);
  const journalled = new JournalledSamples(parts, start.position);
  let list = new SampleList();
  const from = Math.max(windowOf(firstTime ?? through), start.window ?? Number.NEGATIVE_INFINITY);
  for await (const chunk of chunksOf(parts, {
    from,
    through,
    after: start.window === from ? start.after : undefined,
  })) {
    await journalled.catchUp();
    for (const { window, series: found } of chunk) {
      const { labels, fingerprint, timestamps, values } = found;
      const forwarded = series.take(fingerprint, labels);
      if (typeof forwarded === 'string') {
        if (forwarded !== 'not_selected') parts.onUnsent(forwarded, timestamps.length);
        continue;
      }
      const words = wordsOf(values);
      for (let i = 0; i < timestamps.length; i++) {
        if (journalled.has(fingerprint, timestamps[i])) continue;
        list.add(forwarded, timestamps, words, i);
        if (list.length < samplesMax) continue;
        if (!(await deliver(list.request()))) return false;
        list = new SampleList();
        await cursor.save({ ...fixed, window, after: { labels, time: timestamps[i] } });
      }
    }
  }
  if (parts.signal.aborted) return false;
  if (list.length > 0 && !(await deliver(list.request()))) return false;
  await cursor.save({ phase: 'journal' });
  return true;
};

/** Where the window of a time begins. */
const windowOf = (time: number): number => Math.floor(time / WINDOW_MS) * WINDOW_MS;

interface Stretch {
  readonly from: number;
  readonly through: number;
  /** Leaves out the series before this one in the first window, and its samples through this time. */
  readonly after: HistoryPlace['after'];
}

/** The samples of a stretch of time, window by window and series by series, in pieces that memory holds. */
async function* chunksOf(parts: HistoryParts, { from, through, after }: Stretch): AsyncGenerator<Column[]> {
  const { store, selector, signal, onProblem } = parts;
  let chunk: Column[] = [];
  let count = 0;
  let gapWindows = 0;
  for (let window = from; window <= through && !signal.aborted; ) {
    if (gapWindows > 0) {
      const end = Math.min(window + gapWindows * WINDOW_MS - 1, through);
      const first = await firstTimeIn(parts, window, end);
      gapWindows = first === undefined ? Math.min(2 * gapWindows, GAP_WINDOWS_MAX) : 0;
      window = first === undefined ? end + 1 : Math.max(window, windowOf(first));
      continue;
    }
    const end = Math.min(window + WINDOW_MS - 1, through);
    let found = 0;
    for await (const given of store.select(selector, { from: window, through: end, signal })) {
      found += 1;
      for (const problem of given.problems ?? []) onProblem(problem);
      const series = window === from && after !== undefined ? restOf(given, after) : given;
      if (series.timestamps.length === 0) continue;
      chunk.push({ window, series });
      count += series.timestamps.length;
      if (count < CHUNK_SAMPLES) continue;
      yield chunk;
      chunk = [];
      count = 0;
    }
    gapWindows = found === 0 ? 2 : 0;
    window = end + 1;
  }
  if (chunk.length > 0) yield chunk;
}

const firstTimeIn = async (
  { store, selector, signal }: HistoryParts,
  from: number,
  through: number,
): Promise<number | undefined> => {
  let first: number | undefined;
  for await (const { timestamps } of store.select(selector, { from, through, signal }))
    if (timestamps.length > 0 && (first === undefined || timestamps[0] < first)) first = timestamps[0];
  return first;
};

/** What comes after a place: nothing, a part, or all of the series. */
const restOf = (series: SeriesSamples, after: NonNullable<HistoryPlace['after']>): SeriesSamples => {
  const order = compareLabelPairs(toLabelPairs(series.labels), toLabelPairs(after.labels));
  if (order > 0) return series;
  const { timestamps, values } = series;
  let start = order < 0 ? timestamps.length : 0;
  while (start < timestamps.length && timestamps[start] <= after.time) start += 1;
  // Copies: columns begin at the start of their memory.
  return { ...series, timestamps: timestamps.slice(start), values: values.slice(start) };
};

/** Where a series' samples after the position begin, by the journal. */
class JournalledSamples {
  private readonly parts: HistoryParts;
  private from: Position;
  private lateCount = 0;
  /** The first time in order, by fingerprint. */
  private readonly firsts = new Map<string, number>();
  private readonly late = new Map<string, Set<number>>();

  constructor(parts: HistoryParts, from: Position) {
    this.parts = parts;
    this.from = from;
  }

  /** Reads the journal up to its end, with the samples that are not written yet. */
  async catchUp(): Promise<void> {
    for await (const event of this.parts.store.journal({ from: this.from, onProblem: () => {} })) {
      this.note(event);
      this.from = event.position;
    }
  }

  has(fingerprint: string, time: number): boolean {
    const first = this.firsts.get(fingerprint);
    return (first !== undefined && time >= first) || this.late.get(fingerprint)?.has(time) === true;
  }

  private note(event: JournalEvent): void {
    if (event.type === 'samplesAppended') {
      const { fingerprints, timestamps } = event;
      for (let i = 0; i < fingerprints.length; i++) {
        const first = this.firsts.get(fingerprints[i]);
        if (first === undefined || timestamps[i] < first) this.firsts.set(fingerprints[i], timestamps[i]);
      }
    } else if (event.type === 'lateSamplesAppended') {
      const { fingerprints, timestamps } = event;
      for (let i = 0; i < fingerprints.length && this.lateCount < LATE_MAX; i++) {
        const times = this.late.get(fingerprints[i]) ?? new Set();
        this.late.set(fingerprints[i], times.add(timestamps[i]));
        this.lateCount += 1;
      }
    }
  }
}
