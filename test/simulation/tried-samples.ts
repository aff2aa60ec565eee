/**
 * Every sample that was ever given to the store, even if it is lost by now. Subscribers may get samples of uncertain
 * fate, and samples from before a series ended. So deliveries are compared with this record, and not with the samples
 * that the model has now.
 */
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { toLabelPairs } from '../../src/model/labels.ts';
import { type Bits, labelsOf, SERIES_MAX } from './value-source.ts';

export class TriedSamples {
  /** By series number, then by time. */
  private readonly samples = new Map<number, Map<number, Bits[]>>();

  add(number: number, time: number, high: number, low: number): void {
    const ofSeries = this.samples.get(number) ?? new Map<number, Bits[]>();
    this.samples.set(number, ofSeries.set(time, [...(ofSeries.get(time) ?? []), { high, low }]));
  }

  /** What was given to the store for a series at a time. */
  at(number: number, time: number): readonly Bits[] {
    return this.samples.get(number)?.get(time) ?? [];
  }

  /** Numbers of the series that may have the fingerprint and were given such a sample, once for each time. */
  whose(fingerprint: string, time: number, high: number, low: number): number[] {
    return mayHave(fingerprint).flatMap((number) => {
      const given = this.samples.get(number)?.get(time) ?? [];
      return given.filter((bits) => bits.high === high && bits.low === low).map(() => number);
    });
  }
}

/** Numbers of the series by the fingerprint that their labels give. */
const byOwnFingerprint = new Map<string, number[]>();
const halves = new Int32Array(2);
for (let number = 0; number < SERIES_MAX; number++) {
  fastFingerprint(toLabelPairs(labelsOf(number)), halves);
  const text = fingerprintText(halves[0], halves[1]);
  byOwnFingerprint.set(text, [...(byOwnFingerprint.get(text) ?? []), number]);
}

/** Series whose labels give the same fingerprint. Only these are ever stored under another one. */
const colliding: readonly number[] = [...byOwnFingerprint.values()].filter((numbers) => numbers.length > 1).flat();

const mayHave = (fingerprint: string): readonly number[] => byOwnFingerprint.get(fingerprint) ?? colliding;

/** The number of the only series whose labels give the fingerprint; `undefined` if there is none, or several. */
export const numberOfFingerprint = (fingerprint: string): number | undefined => {
  const numbers = byOwnFingerprint.get(fingerprint) ?? [];
  return numbers.length === 1 ? numbers[0] : undefined;
};
