/** `/api/v1/rules` and `/api/v1/alerts`: the rules of a {@link RulesSource}, with Prometheus' filters. */
import { createHash } from 'node:crypto';
import type { Labels, Matcher } from '../../index.ts';
import { compileMatcher } from '../../model/matcher.ts';
import { byCodeUnits, sortedLabels } from '../../text/label-text.ts';
import { named, quoteParam } from '../params.ts';
import { badData, sendData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import type { AlertingRuleState, AlertState, RecordingRuleState, RuleGroupState } from '../rules-source.ts';
import { parseSelector } from './series-selectors.ts';

type Rule = RecordingRuleState | AlertingRuleState;

/** What Prometheus gives as the time of something that never happened. */
const NEVER = '0001-01-01T00:00:00Z';

const timeText = (milliseconds: number): string => (milliseconds === 0 ? NEVER : new Date(milliseconds).toISOString());

/** A value as Go's format `e` writes it: `1e+00`. */
const exponential = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return Object.is(value, -0) ? `-${text}` : text;
};

const alertJson = ({ labels, annotations, state, activeAt, keptSince, value }: AlertState) => ({
  labels: sortedLabels(labels),
  annotations: sortedLabels(annotations),
  state,
  activeAt: timeText(activeAt),
  ...(keptSince === undefined ? {} : { keepFiringSince: timeText(keptSince) }),
  value: exponential(value),
});

const ruleJson = (rule: Rule, withAlerts: boolean) => {
  const { name, expr, health, lastError, evaluationMs, lastEvaluation, type } = rule;
  const labels = sortedLabels(rule.labels);
  const end = {
    health,
    ...(lastError === '' ? {} : { lastError }),
    evaluationTime: evaluationMs / 1000,
    lastEvaluation: timeText(lastEvaluation),
    type,
  };
  if (rule.type === 'recording') return { name, query: expr, labels, ...end };
  return {
    state: rule.state,
    name,
    query: expr,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    labels,
    annotations: sortedLabels(rule.annotations),
    alerts: withAlerts ? rule.alerts.map(alertJson) : [],
    ...end,
  };
};

const groupJson = (
  { name, file, intervalMs, limit, rules, evaluationMs, lastEvaluation }: RuleGroupState,
  withAlerts: boolean,
) => ({
  name,
  file,
  rules: rules.map((rule) => ruleJson(rule, withAlerts)),
  interval: intervalMs / 1000,
  limit,
  evaluationTime: evaluationMs / 1000,
  lastEvaluation: timeText(lastEvaluation),
});

const truths = new Set(['1', 't', 'true']);
const falsehoods = new Set(['', '0', 'f', 'false']);

/** A truth value as Go's `strconv.ParseBool` reads it. */
const flagParam = (params: URLSearchParams, name: string): boolean => {
  const text = params.get(name) ?? '';
  const lower = text.toLowerCase();
  if (truths.has(lower)) return true;
  if (falsehoods.has(lower)) return false;
  throw badData(
    `invalid parameter ${quoteParam(name)}: error converting ${name}: strconv.ParseBool: parsing ${quoteParam(text)}: invalid syntax`,
  );
};

interface Filters {
  readonly keeps: (group: RuleGroupState, rule: Rule) => boolean;
  readonly withAlerts: boolean;
  /** Whether there is a filter at all: without one, groups without rules are listed too. */
  readonly isFilter: boolean;
}

type Matches = (labels: Labels) => boolean;

const matchesOf = (matchers: readonly Matcher[]): Matches => {
  const compiled = matchers.map(compileMatcher);
  return (labels) => compiled.every(({ name, matches }) => matches(Object.hasOwn(labels, name) ? labels[name] : ''));
};

/** Whether the value is one of the listed ones; everything is, if none is listed. */
const isListed = (list: readonly string[], value: string): boolean => list.length === 0 || list.includes(value);

const filtersOf = async ({ params, breathe }: StoreExchange): Promise<Filters> => {
  const [names, groups, files] = ['rule_name[]', 'rule_group[]', 'file[]'].map((name) => params.getAll(name));
  const selectors: Matches[] = [];
  for (const text of params.getAll('match[]')) selectors.push(matchesOf(await parseSelector(text, 'match[]', breathe)));
  const type = (params.get('type') ?? '').toLowerCase();
  if (type !== '' && type !== 'alert' && type !== 'record')
    throw badData(`invalid parameter "type": not supported value ${quoteParam(type)}`);
  const withAlerts = !flagParam(params, 'exclude_alerts');
  return {
    keeps: (group, rule) =>
      (type === '' || rule.type === `${type}ing`) &&
      isListed(names, rule.name) &&
      isListed(groups, group.name) &&
      isListed(files, group.file) &&
      (selectors.length === 0 || selectors.some((matches) => matches(rule.labels))),
    withAlerts,
    isFilter: type !== '' || names.length + groups.length + files.length + selectors.length > 0,
  };
};

interface Page {
  /** The maximum number of groups; `undefined` for all. */
  readonly size: number | undefined;
  readonly token: string | undefined;
}

const pageOf = (params: URLSearchParams): Page => {
  const size = params.get('group_limit') || undefined;
  const token = params.get('group_next_token') || undefined;
  if (token !== undefined && size === undefined)
    throw badData(
      'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups',
    );
  return { size: size === undefined ? undefined : named('group_limit', () => groupLimit(size)), token };
};

const groupLimit = (text: string): number => {
  const number = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(number) < 2 ** 31))
    throw badData(
      `group_limit needs to be a valid number: strconv.ParseInt: parsing ${quoteParam(text)}: invalid syntax`,
    );
  if (number <= 0) throw badData('group_limit needs to be greater than 0');
  return number;
};

/** What names a group in `group_next_token`. */
const tokenOf = ({ file, name }: RuleGroupState): string => createHash('sha1').update(`${file};${name}`).digest('hex');

const byPlace = (a: RuleGroupState, b: RuleGroupState): number =>
  byCodeUnits(a.file, b.file) || byCodeUnits(a.name, b.name);

/** The groups of a page, and the token of the next page. */
const paged = (
  groups: readonly RuleGroupState[],
  { size, token }: Page,
): { readonly groups: readonly RuleGroupState[]; readonly next: string | undefined } => {
  const start = token === undefined ? 0 : groups.findIndex((group) => tokenOf(group) === token);
  if (start < 0)
    throw badData(
      `invalid parameter "group_next_token": invalid group_next_token '${(token ?? '').slice(0, 40)}'. were rule groups changed?`,
    );
  const end = size === undefined ? groups.length : start + size;
  return { groups: groups.slice(start, end), next: end < groups.length ? tokenOf(groups[end]) : undefined };
};

export const listRules = async (exchange: StoreExchange): Promise<void> => {
  const { rules, params, response } = exchange;
  const filters = await filtersOf(exchange);
  const page = pageOf(params);
  const kept = (rules?.groups() ?? [])
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => filters.keeps(group, rule)) }))
    .filter((group) => !filters.isFilter || group.rules.length > 0)
    .sort(byPlace);
  const { groups, next } = paged(kept, page);
  return sendData(response, {
    groups: groups.map((group) => groupJson(group, filters.withAlerts)),
    ...(next === undefined ? {} : { groupNextToken: next }),
  });
};

export const listAlerts = ({ rules, response }: StoreExchange): Promise<void> => {
  const alerts = (rules?.groups() ?? []).flatMap((group) =>
    group.rules.flatMap((rule) => (rule.type === 'alerting' ? rule.alerts.map(alertJson) : [])),
  );
  return sendData(response, { alerts });
};
