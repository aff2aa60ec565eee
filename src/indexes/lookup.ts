/**
 * Finds the fingerprints that may match, with the label indexes.
 *
 * - A matcher that allows exactly one value is answered by one set. The smallest of these sets comes first, and the
 *   others narrow it.
 * - A matcher that allows a few literal texts is answered by the union of their sets.
 * - Any other regular expression is answered by the union of the sets of all values that match.
 * - A matcher that also matches the empty string selects series without the label too, so the sets of series that have
 *   the label can't answer it. If it excludes a few literal texts, their sets are subtracted.
 * - All other matchers are in `residual`: the caller must try them on the labels of each series. So are matchers that
 *   come when only few candidates are left, because looking at their labels is cheaper than reading more sets.
 *
 * The result is a superset of the matching series, and exact once `residual` is applied.
 */
import type { WorkSlices } from '../async/slices.ts';
import type { CompiledMatcher } from '../model/matcher.ts';
import type { FingerprintSet } from './fingerprint-set.ts';
import type { LabelIndex } from './label-index.ts';
import { differenceInSlices, intersectionInSlices, unionAllInSlices } from './sets-in-slices.ts';

export interface Found {
  /** High and low halves of the fingerprints, in ascending order. */
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  /** Matchers that must still be tried on the labels of each series. */
  readonly residual: readonly CompiledMatcher[];
}

/** With at most this many candidates, their labels are examined instead of more sets. */
const FEW_CANDIDATES = 4096;

/** Returns the series that may match. Pauses within and between sets when the slice is over. */
export const matchFingerprints = async (
  index: LabelIndex,
  matchers: readonly CompiledMatcher[],
  slices: WorkSlices,
): Promise<Found> => {
  const equal = matchers.filter(isEqualTo);
  const positive = matchers.filter((matcher) => !matcher.matchesEmpty && !isEqualTo(matcher));
  const negative = matchers.filter((matcher) => matcher.matchesEmpty);
  const residual: CompiledMatcher[] = [];

  let found = await intersectEqual(index, equal, slices);
  for (const matcher of byEffort(positive)) {
    if (found?.size === 0) break;
    if (slices.isOver) await slices.breathe();
    if (found !== undefined && found.size <= FEW_CANDIDATES) residual.push(matcher);
    else found = await withMatching(index, matcher, found, slices);
  }
  found ??= await index.allFingerprints(slices);
  for (const matcher of negative) {
    if (found.size === 0) break;
    const excluded = found.size > FEW_CANDIDATES ? await excludedBy(index, matcher, slices) : undefined;
    if (slices.isOver) await slices.breathe();
    if (excluded === undefined) residual.push(matcher);
    else found = await differenceInSlices(found, excluded, slices);
  }
  if (slices.isOver) await slices.breathe();
  return { ...halvesOf(found), residual };
};

/** The series whose labels equal those of all matchers; `undefined` without matchers. */
const intersectEqual = async (
  index: LabelIndex,
  matchers: readonly CompiledMatcher[],
  slices: WorkSlices,
): Promise<FingerprintSet | undefined> => {
  const sets = await index.fingerprintsOfPairs(matchers.map(({ name, literals = [] }) => [name, literals[0]] as const));
  let found: FingerprintSet | undefined;
  for (const set of sets.sort((a, b) => a.size - b.size)) found = await narrow(found, set, slices);
  return found;
};

/** Narrows what was found to the series with a matching value. If nothing was looked up yet, returns all of these. */
const withMatching = async (
  index: LabelIndex,
  matcher: CompiledMatcher,
  found: FingerprintSet | undefined,
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  const { name, op, literals } = matcher;
  if ((op !== '=' && op !== '=~') || literals === undefined) {
    const set = await index.fingerprintsMatching(matcher, slices);
    if (slices.isOver) await slices.breathe();
    return narrow(found, set, slices);
  }
  const sets = await setsOf(index, name, literals);
  if (found === undefined) return unionAllInSlices(sets, slices);
  // Many series may have one of the values, but few of those found so far. So each set is narrowed before it is merged.
  const narrowed: FingerprintSet[] = [];
  for (const set of sets) {
    if (slices.isOver) await slices.breathe();
    narrowed.push(await intersectionInSlices(found, set, slices));
  }
  return unionAllInSlices(narrowed, slices);
};

/**
 * The series that a matcher of the empty string excludes, if it excludes a few literal texts; `undefined` otherwise.
 */
const excludedBy = async (
  index: LabelIndex,
  { name, op, literals }: CompiledMatcher,
  slices: WorkSlices,
): Promise<FingerprintSet | undefined> =>
  (op === '!=' || op === '!~') && literals !== undefined
    ? unionAllInSlices(await setsOf(index, name, literals), slices)
    : undefined;

const setsOf = (index: LabelIndex, name: string, values: readonly string[]): Promise<FingerprintSet[]> =>
  index.fingerprintsOfPairs(values.map((value) => [name, value] as const));

const narrow = async (
  found: FingerprintSet | undefined,
  set: FingerprintSet,
  slices: WorkSlices,
): Promise<FingerprintSet> => (found === undefined ? set : intersectionInSlices(found, set, slices));

/** Whether the matcher is answered by the set of one label pair. */
const isEqualTo = ({ op, literals, matchesEmpty }: CompiledMatcher): boolean =>
  (op === '=' || op === '=~') && !matchesEmpty && literals?.length === 1;

/** Matchers with literal texts come first, because they need no list of values. */
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
