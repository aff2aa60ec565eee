/** Stale markers are found by their bits: loading one as a number may turn it into an ordinary NaN. */
import { HIGH_WORD, LOW_WORD } from '../../model/byte-order.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/staleness.ts';

/** Finds the stale markers of one column after the other. Only a column with NaN needs a view of its words. */
export class StaleMarkers {
  private values: Float64Array | undefined;
  private words: Uint32Array = NO_WORDS;

  /** Whether a value that is NaN is a stale marker. */
  isMarker(values: Float64Array, index: number): boolean {
    if (this.values !== values) {
      this.values = values;
      this.words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
    }
    return this.words[2 * index + HIGH_WORD] === STALE_HIGH && this.words[2 * index + LOW_WORD] === STALE_LOW;
  }
}

const NO_WORDS = new Uint32Array(0);
