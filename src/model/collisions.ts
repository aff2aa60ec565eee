/**
 * Decides under which fingerprint a series is stored. This is normally its fast fingerprint. If another series has that
 * fingerprint already, or if it lies in the range 0 … 2^20, which is reserved for mapped fingerprints, the series gets
 * the next free number of that range. mappings.db keeps the table (docs/formats/labels-and-mappings.md).
 *
 * The original trusts its table and the numbers that it assigns. When the table was lost, it appended samples to the
 * series of another metric. Here labels are compared on every hit, and a number is only used if no other series has it.
 */
import { TidemarkError } from './errors.ts';
import { type FingerprintHalves, fastFingerprint } from './fingerprint.ts';
import { type LabelPairs, pairsEqual } from './labels.ts';
import { uniqueMetricString } from './unique-metric.ts';

/** The last fingerprint of the range for mapped fingerprints. */
export const MAPPED_MAX = 1 << 20;

/** Looks up the labels of the series in memory, or of the archived series, with a fingerprint; `undefined` for none. */
export interface FingerprintLookups {
  inMemory(high: number, low: number): LabelPairs | undefined;
  archived(high: number, low: number): LabelPairs | undefined;
}

/** One line of the mapping table. */
export interface Mapping {
  readonly rawHigh: number;
  readonly rawLow: number;
  /** Unique metric string as bytes. */
  readonly metric: Uint8Array;
  /** The fingerprint under which the series is stored; in 1 … 2^20 unless the directory was damaged or is very old. */
  readonly high: number;
  readonly low: number;
}

type ByMetric = Map<string, FingerprintHalves>;

export class FingerprintMapper {
  /** By the raw fingerprint's high half, then its low half, then the unique metric string. */
  private readonly table = new Map<number, Map<number, ByMetric>>();
  private highestMapped = 0;
  private mappingCount = 0;

  /** The highest mapped fingerprint so far; 0 if there is none. */
  get highest(): number {
    return this.highestMapped;
  }

  /** Number of mappings in the table. */
  get size(): number {
    return this.mappingCount;
  }

  /**
   * The fingerprint under which to store the series, new or known. Throws `TIDEMARK_TOO_MANY_COLLISIONS` if the range
   * of mapped fingerprints is used up.
   */
  map(rawHigh: number, rawLow: number, pairs: LabelPairs, lookups: FingerprintLookups): FingerprintHalves {
    const known = this.settled(rawHigh, rawLow, pairs, lookups);
    if (known !== undefined) return known;
    const mapped = this.nextFree(pairs, lookups);
    this.record(rawHigh, rawLow, uniqueMetricString(pairs), mapped);
    return mapped;
  }

  /** The fingerprint that {@link map} would return, without reserving a number: the series may never be created. */
  peek(rawHigh: number, rawLow: number, pairs: LabelPairs, lookups: FingerprintLookups): FingerprintHalves {
    return this.settled(rawHigh, rawLow, pairs, lookups) ?? this.nextFree(pairs, lookups);
  }

  /**
   * Records a series that is stored under this fingerprint. If it is not the series' fast fingerprint, it is mapped.
   */
  note(high: number, low: number, pairs: LabelPairs): void {
    fastFingerprint(pairs, raw);
    if (raw[0] === high && raw[1] === low && !isReserved(high, low)) return;
    this.record(raw[0], raw[1], uniqueMetricString(pairs), { high, low });
  }

  /** Adds the lines of a mappings.db. */
  load(mappings: Iterable<Mapping>): void {
    for (const { rawHigh, rawLow, metric, high, low } of mappings) {
      this.record(rawHigh, rawLow, latin1(metric), { high, low });
    }
  }

  /** The lines for mappings.db. */
  *entries(): Generator<Mapping> {
    for (const [rawHigh, byLow] of this.table) {
      for (const [rawLow, byMetric] of byLow) {
        for (const [metric, { high, low }] of byMetric) {
          yield { rawHigh, rawLow, metric: Buffer.from(metric, 'latin1'), high, low };
        }
      }
    }
  }

  /** The series' fingerprint, or `undefined` if it needs a new mapping. */
  private settled(
    high: number,
    low: number,
    pairs: LabelPairs,
    lookups: FingerprintLookups,
  ): FingerprintHalves | undefined {
    if (isReserved(high, low)) return this.lookUp(high, low, pairs, lookups);
    const resident = lookups.inMemory(high, low);
    if (resident !== undefined) {
      return pairsEqual(resident, pairs) ? { high, low } : this.lookUp(high, low, pairs, lookups);
    }
    const known = this.lookUp(high, low, pairs, lookups);
    if (known !== undefined) return known;
    const archived = lookups.archived(high, low);
    return archived === undefined || pairsEqual(archived, pairs) ? { high, low } : undefined;
  }

  private lookUp(
    rawHigh: number,
    rawLow: number,
    pairs: LabelPairs,
    lookups: FingerprintLookups,
  ): FingerprintHalves | undefined {
    if (this.mappingCount === 0) return undefined;
    const byMetric = this.table.get(rawHigh)?.get(rawLow);
    const mapped = byMetric?.get(uniqueMetricString(pairs));
    return mapped === undefined || isTaken(mapped.high, mapped.low, pairs, lookups) ? undefined : mapped;
  }

  private nextFree(pairs: LabelPairs, lookups: FingerprintLookups): FingerprintHalves {
    let low = this.highestMapped + 1;
    while (low <= MAPPED_MAX && isTaken(0, low, pairs, lookups)) low++;
    if (low > MAPPED_MAX) {
      throw new TidemarkError(
        'TIDEMARK_TOO_MANY_COLLISIONS',
        `all ${MAPPED_MAX} fingerprints for colliding series are in use`,
        { details: { highest: this.highestMapped } },
      );
    }
    return { high: 0, low };
  }

  private record(rawHigh: number, rawLow: number, metric: string, mapped: FingerprintHalves): void {
    const byLow = getOrAdd(this.table, rawHigh, () => new Map<number, ByMetric>());
    const byMetric = getOrAdd(byLow, rawLow, () => new Map<string, FingerprintHalves>());
    if (!byMetric.has(metric)) this.mappingCount++;
    byMetric.set(metric, mapped);
    if (isReserved(mapped.high, mapped.low)) this.highestMapped = Math.max(this.highestMapped, mapped.low);
  }
}

const raw = new Int32Array(2);

const getOrAdd = <V>(map: Map<number, V>, key: number, create: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const added = create();
  map.set(key, added);
  return added;
};

/** Whether a fingerprint is in the range of mapped ones. */
export const isReserved = (high: number, low: number): boolean => high === 0 && low >>> 0 <= MAPPED_MAX;

/** Whether another series is stored under the mapped fingerprint. */
const isTaken = (high: number, low: number, pairs: LabelPairs, lookups: FingerprintLookups): boolean => {
  const holder = lookups.inMemory(high, low) ?? lookups.archived(high, low);
  return holder !== undefined && !pairsEqual(holder, pairs);
};

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
