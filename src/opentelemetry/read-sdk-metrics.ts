/** Gives the metrics that the SDK has collected to a converter: what a decoder is for bytes, for the SDK's objects. */
import { AttributeList } from '../otlp/attribute-list.ts';
import { type AnyValue, wellFormed } from '../otlp/attribute-text.ts';
import { DataPoint, type MetricKind, type Temporality } from '../otlp/data-point.ts';
import type { PointConverter } from '../otlp/point-converter.ts';
import { WorkCounter } from '../otlp/work-counter.ts';
import type { SdkAttributes, SdkDataPoint, SdkHistogram, SdkMetric, SdkResourceMetrics } from './sdk-types.ts';

/** By the SDK's numbers. */
const kinds: readonly MetricKind[] = ['histogram', 'exponentialHistogram', 'gauge', 'sum'];
const temporalities: readonly Temporality[] = ['delta', 'cumulative'];

const MILLISECOND_NANOSECONDS = 1_000_000;

/** Yields where the caller may let the event loop go on. */
export function* readSdkMetrics(metrics: SdkResourceMetrics, converter: PointConverter): Generator<void> {
  const attributes = new AttributeList();
  const point = new DataPoint();
  const work = new WorkCounter();
  readAttributes(attributes, metrics.resource.attributes);
  converter.beginResource(attributes);
  for (const { scope, metrics: ofScope } of metrics.scopeMetrics) {
    readAttributes(attributes, scope.attributes ?? {});
    converter.beginScope(scope.name, scope.version ?? '', scope.schemaUrl ?? '', attributes);
    for (const metric of ofScope) {
      const kind = beginMetric(metric, converter);
      for (const each of kind === undefined ? [] : metric.dataPoints) {
        point.clear();
        readPoint(each, kind as MetricKind, point);
        converter.point(point);
        if (work.isDue(1 + point.attributes.length + point.parts.length)) yield;
      }
    }
  }
  converter.endResource();
}

/** Returns the metric's kind; `undefined` if this version does not know it. */
const beginMetric = (metric: SdkMetric, converter: PointConverter): MetricKind | undefined => {
  const kind = kinds.at(metric.dataPointType);
  if (kind === undefined) return undefined;
  converter.beginMetric({
    name: wellFormed(metric.descriptor.name),
    unit: wellFormed(metric.descriptor.unit),
    kind,
    temporality: kind === 'gauge' ? 'cumulative' : (temporalities[metric.aggregationTemporality] ?? 'unspecified'),
    isMonotonic: metric.isMonotonic === true,
  });
  return kind;
};

const readPoint = (from: SdkDataPoint, kind: MetricKind, point: DataPoint): void => {
  point.startTime = millisecondsOf(from.startTime, from.startTimeUnixNano);
  point.time = millisecondsOf(from.endTime, from.endTimeUnixNano ?? from.timeUnixNano);
  readAttributes(point.attributes, from.attributes);
  if (kind === 'histogram') readHistogram(from.value as SdkHistogram, point);
  else if (kind !== 'exponentialHistogram') point.setValue(from.value as number);
};

const readHistogram = ({ buckets, sum, count }: SdkHistogram, point: DataPoint): void => {
  point.count = count;
  point.hasSum = sum !== undefined;
  point.sum = sum ?? 0;
  if (!point.takesParts(buckets.boundaries.length)) return;
  for (const bound of buckets.boundaries) point.addBound(bound);
  for (const part of buckets.counts) point.addPart(part);
};

const readAttributes = (attributes: AttributeList, from: SdkAttributes): void => {
  attributes.clear();
  for (const key of Object.keys(from)) {
    const value = from[key];
    // An attribute without a value is none, as in the SDK's own exporters.
    if (value === undefined || value === null || !attributes.hasRoom()) continue;
    attributes.add(wellFormed(key), typeof value === 'string' ? wellFormed(value) : (value as AnyValue));
  }
};

const millisecondsOf = (time: SdkDataPoint['startTime'], nanoseconds: bigint | undefined): number => {
  if (nanoseconds !== undefined) return Number(nanoseconds / BigInt(MILLISECOND_NANOSECONDS));
  if (time === undefined) return 0;
  return time[0] * 1000 + Math.floor(time[1] / MILLISECOND_NANOSECONDS);
};
