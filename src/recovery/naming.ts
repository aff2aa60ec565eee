/**
 * Gives series files their labels back when neither the checkpoint nor the archive names them. Asked are, in this order:
 * the mapping table, the label-pair index as the crash left it, hint files of an earlier quarantine, and what the journal
 * and its history tell of the series.
 *
 * An answer counts only if it can be checked: the fingerprint of the labels must be the file's. Mapped fingerprints are
 * not computed from the labels; for these the mapping table is the check, or, where that is lost, that the labels'
 * own fingerprint belongs to another series, which is why there would be a mapping.
 */
import type { FileSystem } from '../disk/file-system.ts';
import { readMappings } from '../disk/mappings.ts';
import { listQuarantined } from '../disk/quarantine-list.ts';
import { FingerprintMap } from '../index/fingerprint-map.ts';
import { FingerprintSet, intersection } from '../index/fingerprint-set.ts';
import type { LabelIndex } from '../index/label-index.ts';
import { isCorruptIndex } from '../index/replaceable-store.ts';
import { readHistory } from '../journal/read-history.ts';
import { MAPPED_MAX } from '../model/collisions.ts';
import { fastFingerprint, parseFingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, toLabelPairs } from '../model/labels.ts';
import { MalformedBytes } from '../model/malformed-bytes.ts';
import { sortedPairs } from '../model/sorted-pairs.ts';
import { parseUniqueMetric } from '../model/unique-metric.ts';

export interface NamingParts {
  readonly fileSystem: FileSystem;
  /** The store's directory. */
  readonly directory: string;
  readonly journalDirectory: string;
  /** As the crash left it: it is made anew only after what was found is in a checkpoint. */
  readonly labels: Pick<LabelIndex, 'scanPairs'>;
  /** Gives the event loop to the host. */
  readonly breathe: () => Promise<void>;
}

interface FingerprintHalves {
  readonly high: number;
  readonly low: number;
}

/** The labels of those series that something names for certain. */
export const nameSeries = async (
  parts: NamingParts,
  wanted: readonly FingerprintHalves[],
): Promise<FingerprintMap<LabelPairs>> => {
  const naming = new Naming(wanted);
  if (wanted.length === 0) return naming.names;
  naming.askMappings(parts);
  await naming.askLabelIndex(parts);
  if (naming.isOpen) naming.askHints(parts);
  if (naming.isOpen) await naming.askJournal(parts);
  return naming.names;
};

const own = new Int32Array(2);

/** Whether a fingerprint is from the range of mapped ones. */
export const isReserved = (high: number, low: number): boolean => high === 0 && low >>> 0 <= MAPPED_MAX;

/** Whether the labels have this fingerprint of their own. */
export const isOwnFingerprint = (high: number, low: number, pairs: LabelPairs): boolean => {
  fastFingerprint(pairs, own);
  return own[0] === high && own[1] === low;
};

class Naming {
  readonly names = new FingerprintMap<LabelPairs>();
  private readonly wanted: FingerprintSet;
  private open: number;

  constructor(wanted: readonly FingerprintHalves[]) {
    this.wanted = FingerprintSet.of(wanted.flatMap(({ high, low }) => [high, low]));
    this.open = this.wanted.size;
  }

  /** Whether any is still without a name. */
  get isOpen(): boolean {
    return this.open > 0;
  }

  askMappings({ fileSystem, directory }: NamingParts): void {
    for (const { high, low, metric } of readMappings(fileSystem, directory).mappings) {
      if (!this.wanted.has(high, low)) continue;
      try {
        this.take(high, low, parseUniqueMetric(metric), true);
      } catch (error) {
        if (!(error instanceof MalformedBytes)) throw error;
      }
    }
  }

  async askLabelIndex({ labels, breathe }: NamingParts): Promise<void> {
    const found = new FingerprintMap<string[]>();
    let isWhole = true;
    try {
      for await (const page of labels.scanPairs(() => {})) {
        for (const { name, value, fingerprints } of page) {
          const here = intersection(fingerprints, this.wanted);
          for (let i = 0; i < here.size; i++) {
            const texts = found.get(here.high(i), here.low(i));
            if (texts === undefined) found.set(here.high(i), here.low(i), [name, value]);
            else texts.push(name, value);
          }
        }
        await breathe();
      }
    } catch (error) {
      if (!isCorruptIndex(error)) throw error;
      // What was read before the damage names a series only if its fingerprint says so.
      isWhole = false;
    }
    for (let i = 0; i < this.wanted.size; i++) {
      const high = this.wanted.high(i);
      const low = this.wanted.low(i);
      const texts = found.get(high, low);
      const pairs = texts === undefined ? undefined : pairsOf(texts);
      if (pairs !== undefined) this.take(high, low, pairs, isWhole && isReserved(high, low));
    }
  }

  askHints({ fileSystem, directory }: NamingParts): void {
    for (const { fingerprint, pairs } of listQuarantined(fileSystem, directory)) {
      const halves = parseFingerprint(fingerprint);
      if (halves !== undefined && pairs !== undefined) this.take(halves.high, halves.low, pairs, false);
    }
  }

  async askJournal({ fileSystem, journalDirectory, breathe }: NamingParts): Promise<void> {
    if (fileSystem.stat(journalDirectory) === undefined) return;
    let events = 0;
    for (const event of readHistory({ fileSystem, directory: journalDirectory })) {
      if (++events % EVENTS_PER_BREATH === 0) await breathe();
      if (!('fingerprint' in event) || !('labels' in event) || event.labels === undefined) continue;
      const halves = parseFingerprint(event.fingerprint);
      // The journal's records have a checksum: what they say of a mapped series is so.
      if (halves !== undefined) this.take(halves.high, halves.low, toLabelPairs(event.labels), true);
    }
  }

  private take(high: number, low: number, pairs: LabelPairs, isCertain: boolean): void {
    if (!this.wanted.has(high, low) || this.names.get(high, low) !== undefined || pairs.length === 0) return;
    if (!isCertain && !isOwnFingerprint(high, low, pairs)) return;
    this.names.set(high, low, pairs);
    this.open--;
  }
}

const EVENTS_PER_BREATH = 4096;

/** Sorted; `undefined` when a name has two values, which no series has. */
const pairsOf = (texts: string[]): LabelPairs | undefined => {
  try {
    return sortedPairs(texts);
  } catch {
    return undefined;
  }
};
