/**
 * What every decoder makes of what it reads: the description of a metric, then one point after the other in the same
 * object.
 */
import { highWordOf, lowWordOf, toDouble } from '../chunk/float-bits.ts';
import { AttributeList } from './attribute-list.ts';

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary';

export type Temporality = 'unspecified' | 'delta' | 'cumulative';

export interface MetricDescription {
  readonly name: string;
  readonly unit: string;
  readonly kind: MetricKind;
  /** `'cumulative'` for kinds that have none. */
  readonly temporality: Temporality;
  /** Of a sum: whether it only grows. */
  readonly isMonotonic: boolean;
}

/** Buckets or quantiles of one point. Each becomes a series. */
const PART_COUNT_MAX = 2000;

export class DataPoint {
  readonly attributes = new AttributeList();
  /** Milliseconds since the epoch; 0 if the sender gave none. */
  startTime = 0;
  time = 0;
  /** The sender has no value for this time: its series end here. */
  isStale = false;
  /** Bits of the value of a gauge or a sum. */
  high = 0;
  low = 0;
  count = 0;
  hasSum = false;
  sum = 0;
  /** Upper bounds of buckets, or quantiles. */
  readonly bounds: number[] = [];
  /** Counts of buckets, each for itself, or values of quantiles. */
  readonly parts: number[] = [];
  /** Why the point can't be taken; `undefined` if it can. */
  problem: string | undefined;

  clear(): void {
    this.attributes.clear();
    this.startTime = 0;
    this.time = 0;
    this.isStale = false;
    this.high = 0;
    this.low = 0;
    this.count = 0;
    this.hasSum = false;
    this.sum = 0;
    this.bounds.length = 0;
    this.parts.length = 0;
    this.problem = undefined;
  }

  /** The value of a gauge or a sum. */
  get value(): number {
    return toDouble(this.high, this.low);
  }

  setValue(value: number): void {
    this.high = highWordOf(value);
    this.low = lowWordOf(value);
  }

  /** Whether so many buckets or quantiles are taken. Ask before reading them. */
  takesParts(count: number): boolean {
    if (count <= PART_COUNT_MAX) return true;
    this.problem ??= `it has more than ${PART_COUNT_MAX} buckets or quantiles`;
    return false;
  }

  addBound(bound: number): void {
    if (this.takesParts(this.bounds.length + 1)) this.bounds.push(bound);
  }

  addPart(part: number): void {
    // There is one bucket more than there are bounds.
    if (this.takesParts(this.parts.length)) this.parts.push(part);
  }
}
