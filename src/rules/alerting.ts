/**
 * Evaluates an alerting rule. For each series of the expression's result there is an alert, with labels and annotations
 * expanded from the rule's templates. Alerts write `ALERTS` and `ALERTS_FOR_STATE`, as Prometheus does:
 *
 *     ALERTS{alertname="RoomTooHot", alertstate="firing", room="kitchen"} 1
 *     ALERTS_FOR_STATE{alertname="RoomTooHot", room="kitchen"} 1767225600        seconds; when the condition began
 */
import type { InspectionEvent } from 'xstate';
import type { AlertContext } from '../../machines/alert.machine.ts';
import { TidemarkError, textOf } from '../model/errors.ts';
import type { AlertEvent } from '../model/events.ts';
import { fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, type Labels, METRIC_NAME, toLabelPairs, toLabels } from '../model/labels.ts';
import { sortedPairs } from '../model/sorted-pairs.ts';
import { formatValue } from '../text/values.ts';
import {
  AlertActors,
  type AlertAnnouncement,
  type AlertPublisher,
  type AlertRow,
  alertStateOf,
} from './alert-table.ts';
import type { CompiledAlertingRule } from './compile-groups.ts';
import { type NewSample, withLabels } from './evaluate-rule.ts';
import { sameLabels } from './recording.ts';
import type { RuleSample, RuleStorage } from './rule-storage.ts';
import { seriesKey } from './series-key.ts';
import { expandAlertTemplate } from './templates/alert-template.ts';
import { TemplateError } from './templates/template-error.ts';
import type { TemplateSurroundings } from './templates/template-functions.ts';

const ALERT_NAME = 'alertname';

export interface AlertingOptions {
  readonly rule: CompiledAlertingRule;
  /** The group's unique name. */
  readonly group: string;
  readonly storage: RuleStorage;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly publish: AlertPublisher;
  readonly breathe: () => Promise<void>;
  readonly inspector?: (() => ((event: InspectionEvent) => void) | undefined) | undefined;
}

/** A series of the result, as an alert. */
interface FoundAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly value: number;
}

/** An alert of an earlier process. */
export interface RestoredAlert {
  readonly event: AlertEvent;
  readonly state: 'pending' | 'firing';
  readonly activeAt: number;
  readonly firedAt: number;
}

export class Alerting {
  readonly rows = new Map<string, AlertRow>();
  private readonly options: AlertingOptions;
  private readonly actors: AlertActors;
  private reason: Extract<AlertEvent, { type: 'alertResolved' }>['reason'];

  constructor(options: AlertingOptions) {
    this.options = options;
    this.actors = new AlertActors({
      announce: (row, announcement, context, at) => this.announce(row, announcement, context, at),
      inspector: options.inspector,
    });
  }

  /** Evaluates the rule for a time. Returns the samples to write; the alerts have their new states. */
  async evaluate(result: readonly RuleSample[], at: number, limit: number): Promise<readonly NewSample[]> {
    const found = await this.find(result, at);
    let steps = 0;
    for (const [key, alert] of found) {
      const row = this.rows.get(key) ?? this.add(key, alert);
      row.value = alert.value;
      row.annotations = alert.annotations;
      row.seenAt = at;
      this.actors.send(row, { type: 'seen', at });
      if (++steps % 64 === 0) await this.options.breathe();
    }
    for (const [key, row] of this.rows) {
      if (!found.has(key)) this.actors.send(row, { type: 'missing', at });
      if (row.state === 'gone') this.rows.delete(key);
      if (++steps % 64 === 0) await this.options.breathe();
    }
    const active = [...this.rows].filter(([, row]) => alertStateOf(row.state) !== 'inactive');
    if (limit > 0 && active.length > limit) {
      this.dismiss(at, 'limitExceeded');
      throw new TidemarkError('TIDEMARK_QUERY_FAILED', `exceeded limit of ${limit} with ${active.length} alerts`);
    }
    return active.flatMap(([, row]) => this.samplesOf(row));
  }

  /** Ends all alerts: the rule is gone, or gives too many. */
  dismiss(at: number, reason: 'ruleRemoved' | 'limitExceeded'): void {
    this.reason = reason;
    for (const row of this.rows.values()) this.actors.send(row, { type: 'dismiss', at });
    this.reason = undefined;
    this.rows.clear();
  }

  /** Puts an alert of an earlier process back into its state. */
  restore({ event, state, activeAt, firedAt }: RestoredAlert): void {
    const pairs = toLabelPairs(event.labels);
    const row = this.newRow(pairs, event.labels, event.annotations);
    row.state = state === 'firing' ? 'firing.active' : 'pending';
    row.context = { ...row.context, activeAt, firedAt };
    row.episode = event.episode;
    row.value = Number(event.value);
    this.rows.set(seriesKey(event.labels), row);
  }

  /** The samples of an alert, and their series, which the row keeps. */
  samplesOf(row: AlertRow): readonly NewSample[] {
    const { storage, rule } = this.options;
    const alertState = alertStateOf(row.state);
    const alerts = { ...row.labels, [METRIC_NAME]: 'ALERTS', alertstate: alertState };
    const forState = { ...row.labels, [METRIC_NAME]: 'ALERTS_FOR_STATE' };
    if (row.series?.alertState !== alertState) {
      const kept = row.series?.forState ?? storage.series(forState);
      row.series = { alertState, alerts: storage.series(alerts), forState: kept };
    }
    const key = `${rule.id}\0${seriesKey(row.labels)}`;
    return [
      { key: `${alertState}\0${key}`, labels: alerts, value: 1, series: row.series.alerts },
      {
        key: `for\0${key}`,
        labels: forState,
        value: Math.floor(row.context.activeAt / 1000),
        series: row.series.forState,
      },
    ];
  }

  /** The alerts that the result gives, by their labels. */
  private async find(result: readonly RuleSample[], at: number): Promise<ReadonlyMap<string, FoundAlert>> {
    const { rule, storage, externalLabels, externalUrl, breathe } = this.options;
    const surroundings: TemplateSurroundings = {
      now: at,
      externalUrl,
      query: async (expr) =>
        (await storage.query(expr, at)).map(({ labels, value }) => ({ labels: toLabels(labels), value })),
    };
    const found = new Map<string, FoundAlert>();
    let steps = 0;
    for (const { labels: pairs, value } of result) {
      const data = { labels: toLabels(pairs), externalLabels, value, surroundings, breathe };
      const expand = async (texts: CompiledAlertingRule['labelTemplates']): Promise<Labels> => {
        const expanded: Record<string, string> = {};
        for (const [name, template] of texts) {
          expanded[name] = await expandAlertTemplate(template, data).catch(failedTemplate);
        }
        return expanded;
      };
      const labels = withLabels(pairs, {
        [METRIC_NAME]: '',
        ...(await expand(rule.labelTemplates)),
        [ALERT_NAME]: rule.name,
      });
      const key = seriesKey(labels);
      if (found.has(key)) throw sameLabels('alert');
      found.set(key, { labels, annotations: await expand(rule.annotationTemplates), value });
      if (++steps % 16 === 0) await breathe();
    }
    return found;
  }

  private add(key: string, { labels, annotations }: FoundAlert): AlertRow {
    const row = this.newRow(toLabelPairs(labels), labels, annotations);
    this.rows.set(key, row);
    return row;
  }

  private newRow(pairs: LabelPairs, labels: Labels, annotations: Labels): AlertRow {
    const { forMs, keepFiringForMs } = this.options.rule;
    return {
      pairs,
      labels,
      annotations,
      value: Number.NaN,
      state: 'inactive',
      context: { forMs, keepFiringForMs, activeAt: 0, firedAt: 0, keptSince: 0, resolvedAt: 0 },
      episode: '',
      seenAt: 0,
      sentAt: 0,
      series: undefined,
    };
  }

  private announce(row: AlertRow, announcement: AlertAnnouncement, context: AlertContext, at: number): void {
    const { group, rule, publish } = this.options;
    const isNew = announcement.type !== 'alertResolved' && context.activeAt === at;
    if (isNew) row.episode = episodeOf(group, rule.id, row.pairs, at);
    row.sentAt = at;
    const facts = factsOf(row, { group, rule: rule.id, at });
    if (announcement.type !== 'alertResolved') publish({ type: announcement.type, ...facts });
    else {
      const reason = this.reason === undefined ? {} : { reason: this.reason };
      const fired = context.firedAt === 0 ? {} : { firedAt: context.firedAt };
      publish({ type: 'alertResolved', ...facts, was: announcement.was, ...fired, ...reason });
    }
  }
}

/** What all events of an alert tell. */
export const factsOf = (
  row: Pick<AlertRow, 'episode' | 'labels' | 'annotations' | 'value' | 'context'>,
  { group, rule, at }: { readonly group: string; readonly rule: string; readonly at: number },
): Omit<Extract<AlertEvent, { type: 'alertFired' }>, 'type'> => ({
  time: at,
  episode: row.episode,
  group,
  rule,
  labels: row.labels,
  annotations: row.annotations,
  value: formatValue(row.value),
  activeAt: row.context.activeAt,
});

const failedTemplate = (error: unknown): string => {
  if (error instanceof TemplateError || error instanceof TidemarkError) {
    return `<error expanding template: ${textOf(error)}>`;
  }
  throw error;
};

/** Fingerprint of group, rule and labels, and the time at which the episode began. */
export const episodeOf = (group: string, rule: string, pairs: LabelPairs, at: number): string => {
  const halves = new Int32Array(2);
  fastFingerprint(sortedPairs([...pairs, '\0group', group, '\0rule', rule]), halves);
  return `${fingerprintText(halves[0], halves[1])}-${at}`;
};
