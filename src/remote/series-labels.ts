/**
 * The labels that belong to the fingerprints in the journal, as the receiver gets them. Events that introduce a series
 * carry its labels, but they may have been acknowledged long ago. Then the store is asked. A series that the store no
 * longer has was purged or quarantined by an event that is still ahead in the journal, and that event has the labels.
 *
 * Everything kept here can be found again, so its size is bounded.
 */
import type { Fingerprint, JournalEvent, Labels, Position, Selector, Store } from '../index.ts';
import { METRIC_NAME, toLabelPairs } from '../model/labels.ts';
import { matchesPairs } from '../model/matcher.ts';
import { parseSelector } from '../model/selector.ts';
import { compareUtf8 } from '../model/utf8.ts';
import type { ForwardedSeries } from './outgoing.ts';

/** Series whose labels are kept. About 300 bytes each. */
const SERIES_MAX = 200_000;

/** Why the samples of a series are not sent. */
export type Unsent = 'not_selected' | 'unknown_series' | 'no_name';

export interface SeriesLabelsOptions {
  readonly selector: Selector | undefined;
  /** Labels that every series gets, unless it has a label of that name. */
  readonly labels: Labels;
}

export class SeriesLabels {
  private readonly store: Pick<Store, 'labelsOf' | 'journal'>;
  private readonly external: readonly (readonly [string, string])[];
  private readonly matches: (labels: Labels) => boolean;
  private readonly known = new Map<Fingerprint, ForwardedSeries | Unsent>();
  /** Labels from events ahead in the journal, of series that the store no longer has. */
  private readonly ahead = new Map<Fingerprint, Labels>();
  private aheadThrough: Position = 0;

  constructor(store: Pick<Store, 'labelsOf' | 'journal'>, { selector, labels }: SeriesLabelsOptions) {
    this.store = store;
    this.external = Object.entries(labels).filter(([, value]) => value !== '');
    const matchers = selector === undefined ? undefined : parseSelector(selector, { allowEmpty: true });
    this.matches = matchers === undefined ? () => true : (each) => matchesPairs(matchers, toLabelPairs(each));
  }

  /** Takes note of the labels that an event carries. */
  note(event: JournalEvent): void {
    switch (event.type) {
      case 'seriesCreated':
      case 'seriesUnarchived':
        this.keep(event.fingerprint, this.seriesOf(event.labels));
        break;
      case 'seriesPurged':
      case 'seriesQuarantined':
        // Another series may get the fingerprint.
        this.known.delete(event.fingerprint);
        this.ahead.delete(event.fingerprint);
        break;
      default:
    }
  }

  /** The series if its labels are at hand. */
  peek(fingerprint: Fingerprint): ForwardedSeries | Unsent | undefined {
    return this.known.get(fingerprint);
  }

  /** The series of a sample at a position of the journal. */
  async find(fingerprint: Fingerprint, position: Position): Promise<ForwardedSeries | Unsent> {
    const labels =
      (await this.store.labelsOf(fingerprint)) ??
      this.ahead.get(fingerprint) ??
      (await this.lookAhead(fingerprint, position));
    const series = labels === undefined ? 'unknown_series' : this.seriesOf(labels);
    this.keep(fingerprint, series);
    return series;
  }

  /** The series with these labels, which the caller knows. */
  take(fingerprint: Fingerprint, labels: Labels): ForwardedSeries | Unsent {
    const known = this.known.get(fingerprint);
    if (known !== undefined && known !== 'unknown_series') return known;
    const series = this.seriesOf(labels);
    this.keep(fingerprint, series);
    return series;
  }

  /** The series as the receiver gets it, or why it does not get it. */
  private seriesOf(labels: Labels): ForwardedSeries | Unsent {
    if (!this.matches(labels)) return 'not_selected';
    const all = new Map(this.external);
    for (const [name, value] of Object.entries(labels)) if (value !== '') all.set(name, value);
    if (!all.has(METRIC_NAME)) return 'no_name';
    const names = [...all.keys()].sort(compareUtf8);
    return { labels, pairs: names.flatMap((name) => [name, all.get(name) as string]) };
  }

  private keep(fingerprint: Fingerprint, series: ForwardedSeries | Unsent): void {
    if (this.known.size >= SERIES_MAX) this.known.clear();
    this.known.set(fingerprint, series);
  }

  /** Reads the journal ahead for the labels of series that are gone. What was read once is not read again. */
  private async lookAhead(fingerprint: Fingerprint, position: Position): Promise<Labels | undefined> {
    const from = Math.max(position, this.aheadThrough);
    for await (const event of this.store.journal({ from, onProblem: () => {} })) {
      this.aheadThrough = event.position;
      if (event.type !== 'seriesPurged' && event.type !== 'seriesQuarantined') continue;
      // The first event after the sample counts, and later ones of the same fingerprint are about later series.
      if (event.labels === undefined || this.ahead.has(event.fingerprint)) continue;
      if (this.ahead.size < SERIES_MAX) this.ahead.set(event.fingerprint, event.labels);
    }
    return this.ahead.get(fingerprint);
  }
}
