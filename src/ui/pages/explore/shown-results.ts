/** The results of a view's queries: reads them, and follows them while the view is live. */
import type { TimeRange } from '../../parts/chart/chart.ts';
import { perSecond } from '../../parts/chart/per-second.ts';
import { type Reading, read } from '../../parts/queries/results.ts';
import { shownRange } from '../../parts/time/time-view.ts';
import { isAbort } from '../../server/ask-server.ts';
import { listen } from '../../server/live-stream.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';
import type { ExploreView } from './explore-view.ts';
import { appendSamples, trimSamples, withNewer } from './live-samples.ts';
import { readingsOf, refreshMs } from './query-readings.ts';

const redrawMs = 250;
/** A chart without new samples moves on by its range at this pace. */
const slideMs = 1000;

/** Notes that are kept of one query. */
const notesMax = 20;

/** One reading with what it has brought so far. */
export interface ShownPart {
  /** The number of the query. */
  readonly query: number;
  readonly reading: Reading;
  list: DrawnSeries[];
  total: number;
  notes: readonly string[];
  error: Error | undefined;
}

export class ShownResults {
  readonly parts: readonly ShownPart[];
  private readonly view: ExploreView;
  private readonly columns: number;
  /** What is drawn; `undefined` after a change. */
  private drawn: readonly DrawnSeries[] | undefined;

  constructor(view: ExploreView, columns: number) {
    this.view = view;
    this.columns = columns;
    this.parts = view.queries.flatMap((text, query) =>
      text.trim() === ''
        ? []
        : readingsOf(view, text, columns).map((reading) => ({
            query,
            reading,
            list: [],
            total: 0,
            notes: [],
            error: undefined,
          })),
    );
  }

  /** What is drawn, of all queries. */
  get series(): readonly DrawnSeries[] {
    this.drawn ??= this.parts.flatMap(({ reading, list }) =>
      reading.kind === 'raw' && reading.perSecond ? list.map(perSecond) : list,
    );
    return this.drawn;
  }

  /** The number of the query of each such series. */
  get queriesOfSeries(): readonly number[] {
    return this.parts.flatMap(({ query, list }) => list.map(() => query));
  }

  /** Reads all of it. A query that fails has its error; the others are read nevertheless. */
  async load(signal: AbortSignal): Promise<void> {
    await Promise.all(this.parts.map((part) => this.loadPart(part, signal)));
  }

  /** Calls `onChange` whenever there is something new to draw, until `signal` aborts. */
  follow(signal: AbortSignal, onChange: () => void): void {
    for (const part of this.parts)
      if (part.reading.kind === 'raw') this.followSamples(part, signal, onChange);
      else this.followExpression(part, signal, onChange);
  }

  private async loadPart(part: ShownPart, signal: AbortSignal): Promise<void> {
    const range: TimeRange = shownRange(this.view);
    try {
      const { series, total, notes } = await read(part.reading, range, this.columns, signal);
      this.drawn = undefined;
      part.list = part.reading.kind === 'raw' ? withNewer(series, part.list) : [...series];
      part.total = total;
      // A series that a query finds damaged is gone from the next answer: what was told of it stays.
      part.notes = [...new Set([...part.notes, ...notes])].slice(-notesMax);
      part.error = undefined;
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      part.error = error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Appends the samples of the live stream. If a series is new, or if samples were left out, reads the range again. */
  private followSamples(part: ShownPart, signal: AbortSignal, onChange: () => void): void {
    const [from, through] = shownRange(this.view);
    let isDirty = false;
    let reload = false;
    let drawnAt = performance.now();
    listen(
      '/ui/tail',
      { match: part.reading.text, narrowest: Math.round((through - from) / this.columns) },
      {
        signal,
        on: {
          samples: ({ series, leftOut }) => {
            const unknown = appendSamples(part.list, series);
            this.drawn = undefined;
            // More series than can be drawn: the unknown ones may be among those that are left out.
            reload ||= leftOut > 0 || (unknown > 0 && part.list.length === part.total);
            isDirty = true;
          },
        },
        // On connecting, the range is read again for samples appended before the stream began or while it was broken.
        onState: (connected) => {
          reload ||= connected;
        },
      },
    );
    const redraw = async (): Promise<void> => {
      if (trimSamples(part.list, shownRange(this.view)[0])) this.drawn = undefined;
      if (document.hidden) return;
      if (reload) {
        reload = false;
        await this.loadPart(part, signal);
        if (!signal.aborted) onChange();
      } else {
        const slides = this.view.look === 'chart' && performance.now() - drawnAt >= slideMs;
        if (!isDirty && !slides) return;
        onChange();
      }
      drawnAt = performance.now();
      isDirty = false;
    };
    const timer = setInterval(() => void redraw(), redrawMs);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  /** Evaluates the expression again and again. */
  private followExpression(part: ShownPart, signal: AbortSignal, onChange: () => void): void {
    const every = refreshMs(this.view, this.columns);
    let timer: ReturnType<typeof setTimeout>;
    const again = async (): Promise<void> => {
      if (!document.hidden) {
        await this.loadPart(part, signal);
        if (!signal.aborted) onChange();
      }
      if (!signal.aborted) timer = setTimeout(() => void again(), every);
    };
    timer = setTimeout(() => void again(), every);
    signal.addEventListener('abort', () => clearTimeout(timer));
  }
}
