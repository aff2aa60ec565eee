/**
 * Every sample that was ever given to the store, whatever became of it. Subscribers may be given what a later crash takes,
 * and journal from before a series ended: so what they get is held against this, not against what the model has now.
 */
import { fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { toLabelPairs } from '../model/labels.ts';
import { type Bits, labelsOf, SERIES_MAX } from './values.ts';

export class TriedSamples {
  /** By number of the series, by time. */
  private readonly samples = new Map<number, Map<number, Bits[]>>();

  add(number: number, time: number, high: number, low: number): void {
    const ofSeries = this.samples.get(number) ?? new Map<number, Bits[]>();
    this.samples.set(number, ofSeries.set(time, [...(ofSeries.get(time) ?? []), { high, low }]));
  }

  /** Numbers of the series that may have the fingerprint and were given such a sample, each as often as it was. */
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

/** Only series whose labels give the same fingerprint are ever stored under another. */
const colliding: readonly number[] = [...byOwnFingerprint.values()].filter((numbers) => numbers.length > 1).flat();

const mayHave = (fingerprint: string): readonly number[] => byOwnFingerprint.get(fingerprint) ?? colliding;
