/**
 * Which retention a series has when rules by selector are given. Series with the same retention are one class, so a row
 * needs only the number of its class.
 *
 * A series has the longest time of the rules that match it. The default is for series that no rule matches. So a rule may
 * also shorten the time: docs/decisions/0026-retention-by-rules.md.
 */
import type { LabelPairs } from './labels.ts';
import { type CompiledMatcher, matchesPairs } from './matcher.ts';
import { parseSelector } from './selector.ts';

/** How long the series that match a selector are kept; Infinity for ever. */
export interface RetentionRule {
  readonly selector: string;
  readonly timeMs: number;
}

/** The class of a series is one byte of its row. */
export const RULES_MAX = 100;

export class RetentionClasses {
  /** The distinct times, shortest first. The class of a series is an index into them. */
  readonly times: readonly number[];
  private readonly rules: readonly { readonly matchers: readonly CompiledMatcher[]; readonly index: number }[];
  private readonly defaultIndex: number;

  /** Throws `TIDEMARK_INVALID_SELECTOR`. */
  constructor(defaultMs: number, rules: readonly RetentionRule[]) {
    this.times = [...new Set([defaultMs, ...rules.map(({ timeMs }) => timeMs)])].sort(ascending);
    this.defaultIndex = this.times.indexOf(defaultMs);
    this.rules = rules
      .map(({ selector, timeMs }) => ({ matchers: parseSelector(selector), index: this.times.indexOf(timeMs) }))
      .sort((a, b) => b.index - a.index);
  }

  get hasRules(): boolean {
    return this.rules.length > 0;
  }

  /** The class of a series with these labels. */
  classOf(pairs: LabelPairs): number {
    for (const { matchers, index } of this.rules) if (matchesPairs(matchers, pairs)) return index;
    return this.defaultIndex;
  }
}

/** A plain difference would be NaN for two infinite times. */
const ascending = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
