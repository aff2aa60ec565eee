/**
 * Warnings and infos of a query: remarks that do not stop it. Each text is kept once, with the place in the expression
 * where it was made first.
 */
import { utf8ByteCount } from '../../model/utf8.ts';
import type { Span } from '../syntax/ast.ts';
import { formatG, formatTwoDigits } from './go-text.ts';
import { isBadQuantile } from './quantile.ts';

/** Which counts of a histogram were raised, and how much at most. */
export interface RaisedBuckets {
  readonly lowestBound: number;
  readonly highestBound: number;
  readonly greatestChange: number;
}

/** All such histograms of a message. */
interface Raised {
  readonly span: Span;
  lowestBound: number;
  highestBound: number;
  greatestChange: number;
  count: number;
  firstTime: number;
  lastTime: number;
}

export class Annotations {
  private readonly text: string;
  private readonly warningPlaces = new Map<string, Span>();
  private readonly infoPlaces = new Map<string, Span>();
  private readonly raised = new Map<string, Raised>();

  constructor(text: string) {
    this.text = text;
  }

  warn(message: string, span: Span): void {
    if (!this.warningPlaces.has(message)) this.warningPlaces.set(message, span);
  }

  warnOfQuantile(q: number, span: Span): void {
    this.warn(`quantile value should be between 0 and 1, got ${formatG(q)}`, span);
  }

  /** Warns of each quantile of a column that is outside 0 to 1. Values that repeat are warned of once. */
  warnOfQuantiles(quantiles: Float64Array, span: Span): void {
    let last = 0;
    for (const q of quantiles) {
      if (!isBadQuantile(q) || Object.is(q, last)) continue;
      this.warnOfQuantile(q, span);
      last = q;
    }
  }

  inform(message: string, span: Span): void {
    if (!this.infoPlaces.has(message)) this.infoPlaces.set(message, span);
  }

  /** An info about raised counts of a histogram at one step; those with the same message become one. */
  informRaised(message: string, span: Span, time: number, raised: RaisedBuckets): void {
    const known = this.raised.get(message);
    if (known === undefined) {
      this.raised.set(message, { span, ...raised, count: 1, firstTime: time, lastTime: time });
      return;
    }
    known.lowestBound = Math.min(known.lowestBound, raised.lowestBound);
    known.highestBound = Math.max(known.highestBound, raised.highestBound);
    known.greatestChange = Math.max(known.greatestChange, raised.greatestChange);
    known.firstTime = Math.min(known.firstTime, time);
    known.lastTime = Math.max(known.lastTime, time);
    known.count++;
  }

  get warnings(): string[] {
    return this.shown('PromQL warning', this.warningPlaces);
  }

  get infos(): string[] {
    return [
      ...this.shown('PromQL info', this.infoPlaces),
      ...[...this.raised].map((entry) => this.shownRaised(...entry)),
    ];
  }

  private shownRaised(message: string, raised: Raised): string {
    const { lowestBound, highestBound, greatestChange, count, firstTime, lastTime, span } = raised;
    const buckets = `from buckets ${formatG(lowestBound)} to ${formatG(highestBound)}`;
    const change = `with a max diff of ${formatTwoDigits(greatestChange)}`;
    const samples = `over ${count} samples from ${wholeSeconds(firstTime)} to ${wholeSeconds(lastTime)}`;
    return `PromQL info: ${message}, ${buckets}, ${change}, ${samples} (${placeOf(this.text, span.start)})`;
  }

  private shown(kind: string, places: ReadonlyMap<string, Span>): string[] {
    return [...places].map(([message, span]) => `${kind}: ${message} (${placeOf(this.text, span.start)})`);
  }
}

/** RFC 3339 without fractions. */
const wholeSeconds = (time: number): string => {
  const date = new Date(Math.trunc(time / 1000) * 1000);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().replace('.000Z', 'Z');
};

/** `line:column` of an offset in the text; columns count bytes, as Prometheus counts them. */
const placeOf = (text: string, offset: number): string => {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  return `${line}:${utf8ByteCount(before.slice(lineStart)) + 1}`;
};
