/** The door `tidemark/rules`: docs/rules.md describes every call. */

export type { AlertmanagerOptions } from './alertmanager.ts';
export { type BackfillRulesOptions, type BackfillRulesResult, backfillRules } from './backfill-rules.ts';
export type { DeliveredAlert } from './deliver-alerts.ts';
export { duplicateRules } from './duplicate-rules.ts';
export {
  queryRollup,
  type RollupFunction,
  type RollupOptions,
  type RollupQuery,
  rollupExpression,
  rollupName,
  rollupRetention,
  rollupRules,
} from './rollups.ts';
export { parseRules, problemText, type RuleFile, readRuleFile } from './rule-files/rule-file.ts';
export type { Problem } from './rule-files/yaml-tree.ts';
export type { AlertingRule, RecordingRule, Rule, RuleGroup } from './rule-types.ts';
export type {
  ActiveAlert,
  AlertStateCounts,
  GroupState,
  RuleState,
  RulesSource,
} from './rules-state.ts';
export { type RulesOptions, type RunningRules, startRules } from './start-rules.ts';
export {
  runUnitTests,
  type UnitTestFailure,
  type UnitTestOptions,
  type UnitTestReport,
} from './testing/run-unit-tests.ts';
export { readUnitTestFile, type UnitTestFile } from './testing/unit-test-file.ts';
