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
import type { CompiledMatcher } from '../model/matcher.ts';
import { difference, FingerprintSet, intersection, MERGED_SETS_MAX, union, unionAll } from './fingerprint-set.ts';
import type { LabelIndex } from './label-index.ts';

export interface Found {
  /** High and low halves of the fingerprints, in ascending order. */
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  /** Matchers that must still be tried on the labels of each series. */
  readonly residual: readonly CompiledMatcher[];
}

/** With at most this many candidates, their labels are examined instead of more sets. */
const FEW_CANDIDATES = 4096;
/** Work on sets with more elements than this is followed by a turn of the event loop: it takes milliseconds. */
const MANY_ELEMENTS = 1 << 15;

/** Elements that are looked at to find one element in a much larger set. */
const STEPS_OF_LEAPS = 16;

/** Gives the event loop a turn. */
type Breathe = () => Promise<void>;
/** Gives the event loop a turn after work on a large set; resolves to the set. */
type Pausing = (set: FingerprintSet) => Promise<FingerprintSet>;

/** Returns the series that may match. */
export const matchFingerprints = async (
  index: LabelIndex,
  matchers: readonly CompiledMatcher[],
  breathe: Breathe,
): Promise<Found> => {
  const pausing = async (set: FingerprintSet): Promise<FingerprintSet> => {
    if (set.size > MANY_ELEMENTS) await breathe();
    return set;
  };
  const equal = matchers.filter(isEqualTo);
  const positive = matchers.filter((matcher) => !matcher.matchesEmpty && !isEqualTo(matcher));
  const negative = matchers.filter((matcher) => matcher.matchesEmpty);
  const residual: CompiledMatcher[] = [];

  let found = await intersectEqual(index, equal);
  if (found !== undefined) await pausing(found);
  for (const matcher of byEffort(positive)) {
    if (found?.size === 0) break;
    if (found !== undefined && found.size <= FEW_CANDIDATES) residual.push(matcher);
    else found = await withMatching(index, matcher, found, { pausing, breathe });
  }
  found = await pausing(found ?? (await index.allFingerprints()));
  for (const matcher of negative) {
    if (found.size === 0) break;
    const excluded = found.size > FEW_CANDIDATES ? await excludedBy(index, matcher, pausing) : undefined;
    if (excluded === undefined) residual.push(matcher);
    else found = await pausing(difference(found, excluded));
  }
  return { ...halvesOf(found), residual };
};

/** The series whose labels equal those of all matchers; `undefined` without matchers. */
const intersectEqual = async (
  index: LabelIndex,
  matchers: readonly CompiledMatcher[],
): Promise<FingerprintSet | undefined> => {
  const sets = await index.fingerprintsOfPairs(matchers.map(({ name, literals = [] }) => [name, literals[0]] as const));
  return sets.sort((a, b) => a.size - b.size).reduce<FingerprintSet | undefined>(narrow, undefined);
};

/** Narrows what was found to the series with a matching value. If nothing was looked up yet, returns all of these. */
const withMatching = async (
  index: LabelIndex,
  matcher: CompiledMatcher,
  found: FingerprintSet | undefined,
  { pausing, breathe }: { readonly pausing: Pausing; readonly breathe: Breathe },
): Promise<FingerprintSet> => {
  const { name, op, literals } = matcher;
  if ((op !== '=' && op !== '=~') || literals === undefined)
    return narrow(found, await pausing(await index.fingerprintsMatching(matcher)));
  const sets = await setsOf(index, name, literals);
  if (found === undefined) return unionWithPauses(sets, pausing);
  // Many series may have one of the values, but few of those found so far. So each set is narrowed before it is merged.
  const narrowed: FingerprintSet[] = [];
  let work = 0;
  for (const set of sets) {
    narrowed.push(intersection(found, set));
    work += stepsOf(found, set);
    if (work < MANY_ELEMENTS) continue;
    work = 0;
    await breathe();
  }
  return unionWithPauses(narrowed, pausing);
};

/** About how many elements an intersection looks at. */
const stepsOf = (a: FingerprintSet, b: FingerprintSet): number =>
  Math.min(a.size + b.size, STEPS_OF_LEAPS * Math.min(a.size, b.size));

/**
 * The series that a matcher of the empty string excludes, if it excludes a few literal texts; `undefined` otherwise.
 */
const excludedBy = async (
  index: LabelIndex,
  { name, op, literals }: CompiledMatcher,
  pausing: Pausing,
): Promise<FingerprintSet | undefined> =>
  (op === '!=' || op === '!~') && literals !== undefined
    ? unionWithPauses(await setsOf(index, name, literals), pausing)
    : undefined;

const setsOf = (index: LabelIndex, name: string, values: readonly string[]): Promise<FingerprintSet[]> =>
  index.fingerprintsOfPairs(values.map((value) => [name, value] as const));

const unionWithPauses = async (sets: readonly FingerprintSet[], pausing: Pausing): Promise<FingerprintSet> => {
  const isSmall = sets.reduce((sum, { size }) => sum + size, 0) <= MANY_ELEMENTS;
  if (isSmall || sets.length > MERGED_SETS_MAX) return pausing(unionAll(sets));
  let all = FingerprintSet.empty;
  for (const set of sets) all = await pausing(union(all, set));
  return all;
};

const narrow = (found: FingerprintSet | undefined, set: FingerprintSet): FingerprintSet =>
  found === undefined ? set : intersection(found, set);

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
