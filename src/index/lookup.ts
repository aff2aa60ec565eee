/** Matching by the label indexes: smallest sets first; what they can't decide is left to the caller. */
import type { CompiledMatcher } from '../model/matcher.ts';
import { type FingerprintSet, intersection, unionAll } from './fingerprint-set.ts';
import type { LabelIndex } from './label-index.ts';

export interface MatchedFingerprints {
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  /** Matchers that have to be decided on the labels. */
  readonly residual: readonly CompiledMatcher[];
}

export const matchFingerprints = async (
  index: LabelIndex,
  matchers: readonly CompiledMatcher[],
): Promise<MatchedFingerprints> => {
  const residual: CompiledMatcher[] = [];
  let found: FingerprintSet | undefined;
  for (const matcher of matchers) {
    if (matcher.matchesEmpty || matcher.op === '!=' || matcher.op === '!~') {
      residual.push(matcher);
      continue;
    }
    const values =
      matcher.literals !== undefined
        ? matcher.literals
        : (await index.valuesOf(matcher.name)).filter((value) => matcher.matches(value));
    const sets = await index.fingerprintsOfPairs(values.map((value) => [matcher.name, value] as never));
    const set = unionAll(sets);
    found = found === undefined ? set : intersection(found, set);
  }
  const set = found ?? (await index.allFingerprints());
  const highs = new Int32Array(set.size);
  const lows = new Int32Array(set.size);
  for (let i = 0; i < set.size; i++) {
    highs[i] = set.high(i);
    lows[i] = set.low(i);
  }
  return { highs, lows, residual };
};
