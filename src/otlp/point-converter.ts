/**
 * Turns OpenTelemetry's points into samples, by the rules of Prometheus' OTLP receiver. A decoder describes what it reads
 * from the outside in, then ends the resource:
 *
 *   beginResource → beginScope → beginMetric → point, point → beginMetric → point … → endResource … → finish
 *
 * A gauge and a sum become one series. A histogram becomes `_sum`, `_count` and a `_bucket` for each bound. A summary
 * becomes `_sum`, `_count` and a series for each quantile. The resource becomes `target_info`. A point that can't be
 * taken is counted in `refusals`, and the others go on.
 */
import { createHash } from 'node:crypto';
import { highWordOf, lowWordOf } from '../chunk/float-bits.ts';
import { type Labels, METRIC_NAME } from '../model/labels.ts';
import { quoted } from '../model/shown-value.ts';
import { STALE_HIGH, STALE_LOW } from '../model/staleness.ts';
import type { AttributeList } from './attribute-list.ts';
import type { ConversionSettings } from './conversion-options.ts';
import { DataPoint, type MetricDescription } from './data-point.ts';
import type { DeltaStream, DeltaStreams } from './delta-streams.ts';
import { LabelNames } from './label-names.ts';
import { keepsCharacters, metricName, type SuffixKind } from './metric-names.ts';
import { formatPlain } from './plain-number.ts';
import { Refusals } from './refusals.ts';
import { emptyDraft, type LabelDraft, ResourceLabels } from './resource-labels.ts';

export interface SampleTarget {
  /**
   * Appends a sample, given by the halves of its bits. Returns why it was refused; `undefined` if it was taken. The labels
   * change after the call. An error ends the conversion.
   */
  append(labels: Labels, timestamp: number, high: number, low: number): string | undefined;
}

/** Half of the time that an instant query looks back, so that `target_info` is found at every time between. */
const INFO_INTERVAL_MS = 150_000;
/** Samples of `target_info` that one request writes at most. */
const INFO_SAMPLES_MAX = 1000;
/** Numbers of totals that wait for further points of the same series. */
const WAITING_NUMBERS_MAX = 65_536;
/** Numbers of totals that are written between two pauses. */
const NUMBERS_PER_PAUSE = 1024;

/** A total that was added to and is not written yet. */
interface Waiting {
  readonly metric: MetricDescription;
  /** The metric's name as Prometheus has it. */
  readonly name: string;
  readonly labels: LabelDraft;
  readonly stream: DeltaStream;
  hasSum: boolean;
  /** The points whose amounts wait. */
  points: number;
}

export class PointConverter {
  readonly refusals = new Refusals();
  /** Points of which every sample was taken. */
  accepted = 0;
  private readonly settings: ConversionSettings;
  private readonly target: SampleTarget;
  private readonly deltas: DeltaStreams | undefined;
  private readonly resource: ResourceLabels;
  private metric: MetricDescription | undefined;
  /** The metric's name as Prometheus has it. */
  private name = '';
  /** Why no point of the metric can be taken. */
  private metricProblem: string | undefined;
  /** Why the target refused a sample of the current point. */
  private refused: string | undefined;
  /** Times of the resource's points; 0 before the first one. */
  private earliest = 0;
  private latest = 0;
  private readonly amounts: number[] = [];
  /** Totals by their series. They are written when no further point of the request can belong to the same sample. */
  private readonly waiting = new Map<string, Waiting>();
  private waitingNumbers = 0;
  /** A point that totals are put in to be written. */
  private readonly written = new DataPoint();

  constructor(settings: ConversionSettings, target: SampleTarget, deltas?: DeltaStreams) {
    this.settings = settings;
    this.target = target;
    this.deltas = deltas;
    this.resource = new ResourceLabels(settings, new LabelNames(keepsCharacters(settings.namingStrategy)));
  }

  beginResource(attributes: AttributeList): void {
    this.earliest = 0;
    this.latest = 0;
    this.resource.beginResource(attributes);
    if (attributes.problem !== undefined) this.refusals.add(`the resource: ${attributes.problem}`, 0);
  }

  beginScope(name: string, version: string, schemaUrl: string, attributes: AttributeList): void {
    this.resource.beginScope(name, version, schemaUrl, attributes);
  }

  beginMetric(metric: MetricDescription): void {
    this.metric = metric;
    const name = metricName(metric.name, metric.unit, suffixKind(metric), this.settings.namingStrategy);
    this.name = name ?? '';
    this.metricProblem = this.problemOf(metric);
  }

  point(point: DataPoint): void {
    if (point.time > 0) {
      if (this.earliest === 0 || point.time < this.earliest) this.earliest = point.time;
      if (point.time > this.latest) this.latest = point.time;
    }
    const problem = this.metricProblem ?? this.convert(point);
    if (problem === 'waits') return;
    if (problem === undefined) this.accepted += 1;
    else this.refusals.add(problem, 1);
  }

  endResource(): void {
    const labels = this.resource.targetInfo;
    if (labels === undefined || this.latest === 0) return;
    const first = Math.max(this.earliest, this.latest - INFO_INTERVAL_MS * (INFO_SAMPLES_MAX - 1));
    this.refused = undefined;
    for (let time = first; time < this.latest; time += INFO_INTERVAL_MS)
      this.put(labels, 'target_info', time, 1, false);
    this.put(labels, 'target_info', this.latest, 1, false);
    if (this.refused !== undefined) this.refusals.add(`target_info: ${this.refused}`, 0);
  }

  /** Writes the totals that wait, with pauses. Called after the last resource. */
  *finish(): Generator<void> {
    let budget = NUMBERS_PER_PAUSE;
    for (const [key, { stream }] of this.waiting) {
      this.writeWaiting(key);
      budget -= stream.totals.length;
      if (budget > 0) continue;
      budget = NUMBERS_PER_PAUSE;
      yield;
    }
  }

  private problemOf({ name, kind, temporality }: MetricDescription): string | undefined {
    if (this.name === '') return `metric ${quoted(name)} has no character that a name may have`;
    if (kind === 'exponentialHistogram')
      return `metric ${quoted(name)} is an exponential histogram, which can't be kept`;
    if (temporality === 'cumulative' || (temporality === 'delta' && this.deltas !== undefined)) return undefined;
    return `invalid temporality and type combination for metric ${quoted(name)}`;
  }

  /** Returns why the point was not taken, or not in full; `'waits'` if that is known when its total is written. */
  private convert(point: DataPoint): string | undefined {
    const metric = this.metric as MetricDescription;
    const problem = point.problem ?? point.attributes.problem ?? shapeProblem(metric, point);
    if (problem !== undefined) return `a point of metric ${quoted(metric.name)}: ${problem}`;
    const labels = emptyDraft();
    const wrongKey = this.resource.addAttributes(labels, point.attributes);
    if (wrongKey !== undefined)
      return `a point of metric ${quoted(metric.name)}: attribute ${quoted(wrongKey)} has no character that a label's name may have`;
    this.resource.complete(labels);
    if (metric.temporality === 'delta') {
      labels[METRIC_NAME] = this.name;
      const key = JSON.stringify(labels);
      if (!point.isStale) return this.addUp(metric, point, labels, key);
      // The total comes before the marker that ends its series.
      this.writeWaiting(key);
    }
    this.refused = undefined;
    this.write(this.name, metric, point, labels, point.time);
    return this.refused;
  }

  /** Adds a point's amounts to its total. Returns why that is not possible. */
  private addUp(metric: MetricDescription, point: DataPoint, labels: LabelDraft, key: string): string | undefined {
    const { amounts } = this;
    amounts.length = 0;
    if (metric.kind === 'histogram') {
      amounts.push(point.count, point.sum);
      for (const part of point.parts) amounts.push(part);
    } else amounts.push(point.value);
    if (!amounts.every(Number.isFinite))
      return `a point of metric ${quoted(metric.name)}: it has an amount that is not finite`;
    const { startTime, time, bounds } = point;
    const before = this.waiting.get(key);
    if (before !== undefined && time > before.stream.time) this.writeWaiting(key);
    const source = this.sourceOf(metric, point);
    const stream = this.deltas?.add({ key, source, startTime, time, amounts, bounds }) ?? 'it has delta temporality';
    if (typeof stream === 'string') return `a point of metric ${quoted(metric.name)}: ${stream}`;
    if (this.waiting.get(key)?.stream !== stream) this.writeWaiting(key);
    if (stream.isNew) this.writeBeginning(metric, point, labels);
    this.wait(key, { metric, name: this.name, labels, stream, hasSum: point.hasSum, points: 1 });
    return 'waits';
  }

  /** What the sender sees as the point's stream, as a text of fixed length. */
  private sourceOf({ name, unit }: MetricDescription, { attributes }: DataPoint): string {
    const { source } = this.resource;
    const text = JSON.stringify([source, name, unit, attributes.keys, attributes.values]);
    return createHash('sha1').update(text).digest('base64');
  }

  private wait(key: string, one: Waiting): void {
    const earlier = this.waiting.get(key);
    if (earlier !== undefined) {
      earlier.points += 1;
      earlier.hasSum ||= one.hasSum;
      return;
    }
    this.waiting.set(key, one);
    this.waitingNumbers += one.stream.totals.length;
    for (const oldest of this.waiting.keys()) {
      if (this.waitingNumbers <= WAITING_NUMBERS_MAX || oldest === key) break;
      this.writeWaiting(oldest);
    }
  }

  private writeWaiting(key: string): void {
    const one = this.waiting.get(key);
    if (one === undefined) return;
    const { metric, name, labels, stream, hasSum, points } = one;
    this.waiting.delete(key);
    this.waitingNumbers -= stream.totals.length;
    stream.isWritten = true;
    const { written } = this;
    written.clear();
    written.hasSum = hasSum;
    written.bounds.push(...stream.bounds);
    fill(metric, written, stream.totals);
    this.refused = undefined;
    this.write(name, metric, written, labels, stream.time);
    if (this.refused === undefined) this.accepted += points;
    else this.refusals.add(this.refused, points);
  }

  /**
   * A zero just after the start: then `increase` has the first amount, and sees a total that was forgotten as a counter
   * that began again. Not at the start itself, because the last sample of a forgotten total may be there. A zero that is
   * refused is no loss of data.
   */
  private writeBeginning(metric: MetricDescription, point: DataPoint, labels: LabelDraft): void {
    const time = point.startTime + 1;
    if (point.startTime === 0 || time >= point.time) return;
    this.amounts.fill(0);
    fill(metric, point, this.amounts);
    this.write(this.name, metric, point, labels, time);
  }

  private write(name: string, { kind }: MetricDescription, point: DataPoint, labels: LabelDraft, time: number): void {
    if (kind === 'histogram') this.writeHistogram(name, point, labels, time);
    else if (kind === 'summary') this.writeSummary(name, point, labels, time);
    else if (point.isStale) this.put(labels, name, time, 0, true);
    else this.putBits(labels, name, time, point.high, point.low);
  }

  private writeHistogram(
    name: string,
    { isStale, count, hasSum, sum, bounds, parts }: DataPoint,
    labels: LabelDraft,
    time: number,
  ): void {
    if (hasSum) this.put(labels, `${name}_sum`, time, sum, isStale);
    this.put(labels, `${name}_count`, time, count, isStale);
    const bucket = `${name}_bucket`;
    const own = labels['le'] ?? '';
    let below = 0;
    for (let i = 0; i < bounds.length; i++) {
      below += parts[i];
      // The last bucket has every observation, and is written below.
      if (bounds[i] === Number.POSITIVE_INFINITY) break;
      labels['le'] = formatPlain(bounds[i]);
      this.put(labels, bucket, time, below, isStale);
    }
    labels['le'] = '+Inf';
    this.put(labels, bucket, time, count, isStale);
    labels['le'] = own;
  }

  private writeSummary(
    name: string,
    { isStale, count, sum, bounds, parts }: DataPoint,
    labels: LabelDraft,
    time: number,
  ): void {
    this.put(labels, `${name}_sum`, time, sum, isStale);
    this.put(labels, `${name}_count`, time, count, isStale);
    for (let i = 0; i < bounds.length; i++) {
      labels['quantile'] = formatPlain(bounds[i]);
      this.put(labels, name, time, parts[i], isStale);
    }
  }

  private put(labels: LabelDraft, name: string, time: number, value: number, isStale: boolean): void {
    if (isStale) this.putBits(labels, name, time, STALE_HIGH, STALE_LOW);
    else this.putBits(labels, name, time, highWordOf(value), lowWordOf(value));
  }

  private putBits(labels: LabelDraft, name: string, time: number, high: number, low: number): void {
    labels[METRIC_NAME] = name;
    const reason = this.target.append(labels, time, high, low);
    if (reason !== undefined) this.refused ??= reason;
  }
}

const suffixKind = ({ kind, isMonotonic }: MetricDescription): SuffixKind => {
  if (kind === 'sum' && isMonotonic) return 'counter';
  return kind === 'gauge' ? 'gauge' : 'other';
};

const shapeProblem = ({ kind }: MetricDescription, { bounds, parts }: DataPoint): string | undefined => {
  if (kind === 'summary') return bounds.length === parts.length ? undefined : 'it has a quantile without a value';
  if (kind !== 'histogram') return undefined;
  const expected = bounds.length === 0 && parts.length === 0 ? 0 : bounds.length + 1;
  if (parts.length !== expected) return `it has ${bounds.length} bounds and ${parts.length} buckets`;
  for (let i = 0; i < bounds.length; i++)
    if (!(i === 0 ? !Number.isNaN(bounds[0]) : bounds[i] > bounds[i - 1])) return 'its bounds do not grow';
  return undefined;
};

/** Puts the numbers of a point in the order of its stream's totals. */
const fill = ({ kind }: MetricDescription, point: DataPoint, totals: readonly number[]): void => {
  if (kind !== 'histogram') {
    point.setValue(totals[0]);
    return;
  }
  point.count = totals[0];
  point.sum = totals[1];
  for (let i = 2; i < totals.length; i++) point.parts[i - 2] = totals[i];
};
