/**
 * What the exporter reads of the types of `@opentelemetry/sdk-metrics`. TypeScript compares types by structure, so the
 * package need not be installed: objects of its versions 1 to 3 fit these types.
 */

/** Seconds and nanoseconds since the epoch. */
type HrTime = readonly [seconds: number, nanoseconds: number];

export interface SdkAttributes {
  readonly [key: string]: unknown;
}

/** Times are `startTime` and `endTime`, or, as in OTLP, nanoseconds as a bigint. */
export interface SdkDataPoint {
  readonly startTime?: HrTime;
  readonly endTime?: HrTime;
  readonly startTimeUnixNano?: bigint;
  readonly endTimeUnixNano?: bigint;
  readonly timeUnixNano?: bigint;
  readonly attributes: SdkAttributes;
  /** A number or, of a histogram, an {@link SdkHistogram}. */
  readonly value: unknown;
}

export interface SdkHistogram {
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
  readonly sum?: number;
  readonly count: number;
}

export interface SdkMetric {
  readonly descriptor: { readonly name: string; readonly unit: string };
  /** 0 delta, 1 cumulative. */
  readonly aggregationTemporality: number;
  /** 0 histogram, 1 exponential histogram, 2 gauge, 3 sum. */
  readonly dataPointType: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly SdkDataPoint[];
}

export interface SdkScopeMetrics {
  readonly scope: {
    readonly name: string;
    readonly version?: string;
    readonly schemaUrl?: string;
    readonly attributes?: SdkAttributes;
  };
  readonly metrics: readonly SdkMetric[];
}

export interface SdkResourceMetrics {
  readonly resource: { readonly attributes: SdkAttributes };
  readonly scopeMetrics: readonly SdkScopeMetrics[];
}

/** `code` 0 is success, 1 is failure. */
export interface SdkExportResult {
  code: number;
  error?: Error;
}
