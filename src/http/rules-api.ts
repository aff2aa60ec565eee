/**
 * The endpoints of the page Alerts. Beside what Prometheus' `/api/v1/rules` has, the page shows the values of rules, the
 * missed evaluations, a rule's threshold, and what has happened to its alerts.
 */
import type { AlertEvent, Labels } from '../index.ts';
import { formatValue } from '../text/values.ts';
import { badData, HttpError, sendData } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';
import { type RuleLine, ruleLine } from './rule-line.ts';
import type { AlertingRuleState, RecordingRuleState, RuleGroupState } from './rules-source.ts';

/** The newest events of a rule's alerts are sent, up to this number. */
const eventsMax = 500;
/** Active alerts that are sent in all. */
const alertsMax = 500;

type Rule = RecordingRuleState | AlertingRuleState;

/** JSON has no NaN and no infinity: they are text. */
const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : formatValue(value));

/** The first `count` active alerts of a rule. */
const alertsOf = (rule: Rule, count: number) =>
  rule.type === 'recording'
    ? []
    : rule.alerts.slice(0, count).map(({ value, ...alert }) => ({ ...alert, value: jsonNumber(value) }));

const resultOf = ({ result }: Rule) =>
  result === undefined
    ? undefined
    : { series: result.series, lowest: jsonNumber(result.lowest), highest: jsonNumber(result.highest) };

const groupIdOf = ({ id, name }: RuleGroupState): string => id ?? name;
const ruleIdOf = ({ id, name }: Rule): string => id ?? name;

const listAll = ({ rules, response }: StoreExchange): Promise<void> => {
  let left = alertsMax;
  const ruleJson = (rule: Rule) => {
    const alerts = alertsOf(rule, left);
    left -= alerts.length;
    const alertCount = rule.type === 'alerting' ? rule.alerts.length : 0;
    return { ...rule, id: ruleIdOf(rule), result: resultOf(rule), alerts, alertCount };
  };
  return sendData(response, {
    groups: (rules?.groups() ?? []).map((group) => ({
      id: groupIdOf(group),
      name: group.name,
      file: group.file,
      intervalMs: group.intervalMs,
      evaluationMs: group.evaluationMs,
      lastEvaluation: group.lastEvaluation,
      missed: group.missed ?? 0,
      rules: group.rules.map(ruleJson),
    })),
  });
};

/** The rule that the parameters `group` and `rule` name. */
const ruleOf = ({ rules, params }: StoreExchange): { readonly groupId: string; readonly rule: Rule } => {
  const [groupId, ruleId] = ['group', 'rule'].map((name) => params.get(name));
  if (groupId === null || ruleId === null) throw badData('The parameters group and rule are needed.');
  const group = rules?.groups().find((one) => groupIdOf(one) === groupId);
  const rule = group?.rules.find((one) => ruleIdOf(one) === ruleId);
  if (rule === undefined) throw new HttpError(404, 'not_found', 'There is no such rule; /ui/rules lists them.');
  return { groupId, rule };
};

/** What has happened to the alerts of a rule, oldest first, of a long history its end. */
const historyOf = async (exchange: StoreExchange, groupId: string, ruleId: string): Promise<AlertEvent[]> => {
  let events: AlertEvent[] = [];
  for await (const event of exchange.store.alertHistory()) {
    if (exchange.signal.aborted) break;
    if (event.group !== groupId || event.rule !== ruleId) continue;
    events.push(event);
    if (events.length >= 2 * eventsMax) events = events.slice(-eventsMax);
  }
  return events.slice(-eventsMax);
};

const showRule = async (exchange: StoreExchange): Promise<void> => {
  const { groupId, rule } = ruleOf(exchange);
  const drawn: RuleLine = ruleLine(rule.expr);
  const history = rule.type === 'alerting' ? await historyOf(exchange, groupId, ruleIdOf(rule)) : [];
  const annotations: Labels = rule.type === 'alerting' ? rule.annotations : {};
  await sendData(exchange.response, { ...drawn, annotations, history });
};

export const ruleRoutes: readonly Route[] = [
  { methods: ['GET'], path: '/ui/rules', handle: listAll },
  { methods: ['GET'], path: '/ui/rule', handle: showRule },
];
