/** Rules that write the same series: Prometheus takes them, but the second one fails or changes what the first wrote. */
import type { RuleGroup } from './rule-types.ts';
import { seriesKey } from './series-key.ts';

/** One sentence for each name and label set that several rules have. */
export const duplicateRules = (groups: readonly RuleGroup[]): string[] => {
  const counts = new Map<string, { readonly name: string; count: number }>();
  for (const { rules, labels: ofGroup } of groups) {
    for (const rule of rules) {
      const name = 'record' in rule ? rule.record : rule.alert;
      const key = `${'record' in rule}\0${name}\0${seriesKey({ ...ofGroup, ...rule.labels })}`;
      const found = counts.get(key) ?? { name, count: 0 };
      found.count++;
      counts.set(key, found);
    }
  }
  return [...counts.values()]
    .filter(({ count }) => count > 1)
    .map(({ name, count }) => `${name}: ${count} rules have this name and the same labels`);
};
