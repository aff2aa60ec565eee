/** The rule by which some of the simulated series outlive the others, and the option that names it. */
import type { StoreOptions } from '../../src/api/api.ts';
import { labelsOf } from './value-source.ts';

const NAME = 'requests_total';
const RULE = { selector: NAME, time: '3650d' } as const;

/** Whether the rule applies to the series with this number. Longer than the rule's time no simulation lasts. */
export const isRuled = (series: number): boolean => labelsOf(series)?.['__name__'] === NAME;

/** The option `retention`. Without a setting of rules it is a plain time, which leaves remembered rules as they are. */
export const retentionOption = (
  timeMs: number | null,
  { hasRules, ruleIsOn }: { readonly hasRules: boolean; readonly ruleIsOn: boolean },
): NonNullable<StoreOptions['retention']> => {
  const time = timeMs ?? 'off';
  return hasRules ? { time, rules: ruleIsOn ? [RULE] : [] } : time;
};
