/**
 * From matchers to fingerprints, by the label indexes.
 *
 * Equal labels are one set each; the smallest comes first and the others narrow it. A matcher of few literal texts is the
 * union of their sets; a regular expression that of the values that match, unless what the other matchers left is so
 * little that looking at its labels is cheaper. Matchers that also match the empty string can't be answered by sets of
 * those who have the label: where they exclude few literal texts, these are subtracted, otherwise they are left for the
 * caller to try on the labels. So the answer is a superset, and exactly the series meant once `residual` is applied.
 */
import type { CompiledMatcher } from '../model/matcher.ts';
import { difference, type FingerprintSet, intersection, unionAll } from './fingerprint-set.ts';
import type { LabelIndex } from './label-index.ts';

export interface Found {
  /** High and low halves of the fingerprints, in ascending order. */
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  /** Matchers that the labels of each series must still be tried on. */
  readonly residual: readonly CompiledMatcher[];
}

/** With fewer candidates than this, their labels are looked at rather than more sets. */
const FEW_CANDIDATES = 4096;

/** Series that may match, by the label indexes. */
export const matchFingerprints = async (index: LabelIndex, matchers: readonly CompiledMatcher[]): Promise<Found> => {
  const equal = matchers.filter(isEqualTo);
  const positive = matchers.filter((matcher) => !matcher.matchesEmpty && !isEqualTo(matcher));
  const negative = matchers.filter((matcher) => matcher.matchesEmpty);
  const residual: CompiledMatcher[] = [];

  let found = await intersectEqual(index, equal);
  for (const matcher of byEffort(positive)) {
    if (found?.size === 0) break;
    if (found !== undefined && found.size <= FEW_CANDIDATES) residual.push(matcher);
    else found = narrow(found, await matching(index, matcher));
  }
  found ??= await index.allFingerprints();
  for (const matcher of negative) {
    if (found.size === 0) break;
    const excluded = found.size > FEW_CANDIDATES ? await excludedBy(index, matcher) : undefined;
    if (excluded === undefined) residual.push(matcher);
    else found = difference(found, excluded);
  }
  return { ...halvesOf(found), residual };
};

/** Those whose labels are all equal to what the matchers say; `undefined` without matchers. */
const intersectEqual = async (
  index: LabelIndex,
  matchers: readonly CompiledMatcher[],
): Promise<FingerprintSet | undefined> => {
  const sets = await index.fingerprintsOfPairs(matchers.map(({ name, literals = [] }) => [name, literals[0]] as const));
  return sets.sort((a, b) => a.size - b.size).reduce<FingerprintSet | undefined>(narrow, undefined);
};

/** Those with a value of the label that matches. */
const matching = async (index: LabelIndex, matcher: CompiledMatcher): Promise<FingerprintSet> => {
  const { name, op, literals, matches } = matcher;
  if ((op === '=' || op === '=~') && literals !== undefined) return withValues(index, name, literals);
  return withValues(index, name, await index.valuesThat(name, matches));
};

/** Those with a value that a matcher of the empty string excludes, if these are few literal texts. */
const excludedBy = async (
  index: LabelIndex,
  { name, op, literals }: CompiledMatcher,
): Promise<FingerprintSet | undefined> => {
  if ((op === '!=' || op === '!~') && literals !== undefined) return withValues(index, name, literals);
  return undefined;
};

const withValues = async (index: LabelIndex, name: string, values: readonly string[]): Promise<FingerprintSet> =>
  unionAll(await index.fingerprintsOfPairs(values.map((value) => [name, value] as const)));

const narrow = (found: FingerprintSet | undefined, set: FingerprintSet): FingerprintSet =>
  found === undefined ? set : intersection(found, set);

/** Whether the matcher is answered by the set of one label pair. */
const isEqualTo = ({ op, literals, matchesEmpty }: CompiledMatcher): boolean =>
  (op === '=' || op === '=~') && !matchesEmpty && literals?.length === 1;

/** Literal texts first: they need no list of values. */
const byEffort = (matchers: readonly CompiledMatcher[]): CompiledMatcher[] => [
  ...matchers.filter(({ literals }) => literals !== undefined),
  ...matchers.filter(({ literals }) => literals === undefined),
];

const halvesOf = (set: FingerprintSet): { highs: Int32Array; lows: Int32Array } => {
  const highs = new Int32Array(set.size);
  const lows = new Int32Array(set.size);
  for (let i = 0; i < highs.length; i++) {
    highs[i] = set.high(i);
    lows[i] = set.low(i);
  }
  return { highs, lows };
};
