/**
 * Finds the labels of series files that neither the checkpoint nor the archive names. The sources are, in this order:
 *
 *   1. the mapping table;
 *   2. the label-pair index, as the crash left it;
 *   3. the events of the journal and its history, newest first;
 *   4. hint files of earlier quarantines.
 *
 * The newest event counts: if labels collide, a series can have the fingerprint of one that has ended. A hint can be of
 * such a series, and does not say when it was written.
 *
 * Labels are accepted if their fingerprint is that of the file. A mapped fingerprint is not computed from the labels, so
 * this check is not possible. Then the labels of the mapping table and of the journal's records, which have checksums,
 * are accepted as they are, those of the label-pair index if all of it could be read, and those of hints never.
 */

import { readMappings } from '../disk/mappings.ts';
import { listQuarantined } from '../disk/quarantine/quarantine-list.ts';
import type { FileSystem } from '../files/file-system.ts';
import { FingerprintMap } from '../indexes/fingerprint-map.ts';
import { FingerprintSet, intersection } from '../indexes/fingerprint-set.ts';
import type { LabelIndex } from '../indexes/label-index.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { readHistory } from '../journal/history/read-history.ts';
import { isReserved } from '../model/collisions.ts';
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
  /** The label index as the crash left it. It is rebuilt only after a checkpoint holds what recovery found. */
  readonly labels: Pick<LabelIndex, 'scanPairs'>;
  /** Gives the event loop a turn. */
  readonly breathe: () => Promise<void>;
}

interface FingerprintHalves {
  readonly high: number;
  readonly low: number;
}

/** Returns the labels of the wanted series, for those whose labels are certain. */
export const nameSeries = async (
  parts: NamingParts,
  wanted: readonly FingerprintHalves[],
): Promise<FingerprintMap<LabelPairs>> => {
  const naming = new Naming(wanted);
  if (wanted.length === 0) return naming.names;
  naming.askMappings(parts);
  await naming.askLabelIndex(parts);
  if (naming.isOpen) await naming.askJournal(parts);
  if (naming.isOpen) naming.askHints(parts);
  return naming.names;
};

const own = new Int32Array(2);

/** Whether this fingerprint is the one computed from the labels. */
export const isOwnFingerprint = (high: number, low: number, pairs: LabelPairs): boolean => {
  fastFingerprint(pairs, own);
  return own[0] === high && own[1] === low;
};

/** Whether labels of a source are accepted for a mapped fingerprint, or only if the fingerprint is computed from them. */
type Trust = 'evenIfMapped' | 'ifComputed';

const isCertain = ({ high, low }: FingerprintHalves, pairs: LabelPairs, trust: Trust): boolean =>
  pairs.length > 0 && ((trust === 'evenIfMapped' && isReserved(high, low)) || isOwnFingerprint(high, low, pairs));

class Naming {
  readonly names = new FingerprintMap<LabelPairs>();
  private readonly wanted: FingerprintSet;
  private open: number;

  constructor(wanted: readonly FingerprintHalves[]) {
    this.wanted = FingerprintSet.of(wanted.flatMap(({ high, low }) => [high, low]));
    this.open = this.wanted.size;
  }

  /** Whether any wanted series is still without labels. */
  get isOpen(): boolean {
    return this.open > 0;
  }

  askMappings({ fileSystem, directory }: NamingParts): void {
    for (const { high, low, metric } of readMappings(fileSystem, directory).mappings) {
      if (!this.wanted.has(high, low)) continue;
      try {
        this.take(high, low, parseUniqueMetric(metric), 'evenIfMapped');
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
      // The pairs of a series may be incomplete, so they count only if they have the series' fingerprint.
      isWhole = false;
    }
    for (let i = 0; i < this.wanted.size; i++) {
      const high = this.wanted.high(i);
      const low = this.wanted.low(i);
      const texts = found.get(high, low);
      const pairs = texts === undefined ? undefined : pairsOf(texts);
      if (pairs !== undefined) this.take(high, low, pairs, isWhole ? 'evenIfMapped' : 'ifComputed');
    }
  }

  async askJournal({ fileSystem, journalDirectory, breathe }: NamingParts): Promise<void> {
    if (fileSystem.stat(journalDirectory) === undefined) return;
    const latest = new FingerprintMap<LabelPairs>();
    let events = 0;
    for (const event of readHistory({ fileSystem, directory: journalDirectory })) {
      if (++events % EVENTS_PER_BREATH === 0) await breathe();
      if (!('fingerprint' in event) || !('labels' in event) || event.labels === undefined) continue;
      const halves = parseFingerprint(event.fingerprint);
      if (halves === undefined || !this.wanted.has(halves.high, halves.low)) continue;
      const pairs = toLabelPairs(event.labels);
      if (isCertain(halves, pairs, 'evenIfMapped')) latest.set(halves.high, halves.low, pairs);
    }
    for (const [high, low, pairs] of latest.entries()) this.take(high, low, pairs, 'evenIfMapped');
  }

  askHints({ fileSystem, directory }: NamingParts): void {
    for (const { fingerprint, pairs } of listQuarantined(fileSystem, directory)) {
      const halves = parseFingerprint(fingerprint);
      if (halves !== undefined && pairs !== undefined) this.take(halves.high, halves.low, pairs, 'ifComputed');
    }
  }

  private take(high: number, low: number, pairs: LabelPairs, trust: Trust): void {
    if (!this.wanted.has(high, low) || this.names.get(high, low) !== undefined) return;
    if (!isCertain({ high, low }, pairs, trust)) return;
    this.names.set(high, low, pairs);
    this.open--;
  }
}

const EVENTS_PER_BREATH = 4096;

/** The pairs, sorted; `undefined` when a name has two values, which no series has. */
const pairsOf = (texts: string[]): LabelPairs | undefined => {
  try {
    return sortedPairs(texts);
  } catch {
    return undefined;
  }
};
