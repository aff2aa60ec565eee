/**
 * `info(v, {selector})`: adds the labels of info series, such as `target_info`, to the series with the same `instance`
 * and `job`.
 */
import { type LabelPairs, labelValue, METRIC_NAME } from '../../model/labels.ts';
import { type CompiledMatcher, compileMatcher, type Matcher } from '../../model/matcher.ts';
import type { Execution, VectorOperator } from './execution.ts';
import { labelsText } from './go-text.ts';
import { keepLabels, LabelNumbers, withLabel } from './labels-of-results.ts';
import { failed } from './limits.ts';
import { hasBit, isEmpty, type Row, type RowSink, type Steps, setBit } from './rows.ts';
import { collect } from './vector-operators.ts';

/** The labels by which series and info series belong together, sorted. */
const IDENTIFYING = ['instance', 'job'];

const isPositive = ({ op }: Matcher): boolean => op === '=' || op === '=~';

const nameMatchers = (matchers: readonly Matcher[]): readonly Matcher[] => {
  const given = matchers.filter(({ name }) => name === METRIC_NAME);
  if (given.length === 0) return [{ name: METRIC_NAME, op: '=', value: 'target_info' }];
  if (given.some(isPositive)) return given;
  return [...given, { name: METRIC_NAME, op: '=~', value: '.+_info' }];
};

/** What selects the info series. */
export const infoMatchers = (matchers: readonly Matcher[]): readonly Matcher[] => [
  ...nameMatchers(matchers),
  ...matchers.filter(({ name }) => name !== METRIC_NAME),
];

/** The info series with one pair of `instance` and `job`. */
interface InfoGroup {
  readonly rows: Row[];
}

export class InfoFunction implements VectorOperator {
  readonly isDistinct = false;
  private readonly execution: Execution;
  private readonly base: VectorOperator;
  /** Its values are the times of the samples. */
  private readonly infos: VectorOperator;
  private readonly steps: Steps;
  private readonly names: readonly CompiledMatcher[];
  /** The labels to copy; empty for all. */
  private readonly wanted: ReadonlySet<string>;
  /** Whether a series without any copied label is left out. */
  private readonly needsLabels: boolean;
  private readonly identity: string[] = [];

  constructor(
    execution: Execution,
    base: VectorOperator,
    infos: VectorOperator,
    matchers: readonly Matcher[],
    steps: Steps,
  ) {
    this.execution = execution;
    this.base = base;
    this.infos = infos;
    this.steps = steps;
    this.names = nameMatchers(matchers).map(compileMatcher);
    const data = matchers.filter(({ name }) => name !== METRIC_NAME).map(compileMatcher);
    this.wanted = new Set(data.map(({ name }) => name));
    this.needsLabels = data.some(({ matchesEmpty }) => !matchesEmpty);
  }

  async run(sink: RowSink): Promise<void> {
    const { steps, execution } = this;
    const numbers = new LabelNumbers();
    const groups: InfoGroup[] = [];
    const infos = await collect(this.infos);
    for (const row of infos) {
      const number = numbers.numberOf(this.identityOf(row.labels), true);
      if (number === groups.length) groups.push({ rows: [] });
      groups[number].rows.push(row);
    }
    await this.base.run(async (row) => {
      if (this.names.every((matcher) => matcher.matches(labelValue(row.labels, METRIC_NAME)))) return sink(row);
      const number = numbers.find(this.identityOf(row.labels));
      const results = this.enrich(row, number < 0 ? [] : groups[number].rows);
      steps.release(row);
      for (const result of results) {
        if (isEmpty(result.present)) steps.release(result);
        else await sink(result);
      }
      if (execution.budget.spend(steps.count)) await execution.budget.breathe();
    });
    for (const row of infos) steps.release(row);
  }

  private identityOf(labels: LabelPairs): LabelPairs {
    keepLabels(labels, IDENTIFYING, this.identity);
    return this.identity;
  }

  /** One row for each set of labels that the series has at some steps. */
  private enrich(row: Row, infos: readonly Row[]): Row[] {
    const results = new Map<string, Row | undefined>();
    for (let step = 0; step < this.steps.count; step++) {
      if (!hasBit(row.present, step)) continue;
      const chosen = this.newest(infos, step);
      const key = chosen.join(' ');
      if (!results.has(key))
        results.set(
          key,
          this.rowWith(
            row,
            chosen.map((index) => infos[index].labels),
          ),
        );
      const result = results.get(key);
      if (result === undefined) continue;
      result.values[step] = row.values[step];
      setBit(result.present, step);
    }
    return [...results.values()].filter((result) => result !== undefined);
  }

  /** Of each info metric the series with the newest sample: indexes, ascending. */
  private newest(infos: readonly Row[], step: number): number[] {
    const byName = new Map<string, number>();
    for (const [index, info] of infos.entries()) {
      if (!hasBit(info.present, step)) continue;
      const name = labelValue(info.labels, METRIC_NAME);
      const known = byName.get(name);
      if (known === undefined || infos[known].values[step] < info.values[step]) {
        byName.set(name, index);
      } else if (infos[known].values[step] === info.values[step]) {
        const time = info.values[step] * 1000;
        throw failed(
          `found duplicate series for info metric: existing ${labelsText(infos[known].labels)} @ ${time}, new ${labelsText(info.labels)} @ ${time}`,
        );
      }
    }
    return [...byName.values()].sort((a, b) => a - b);
  }

  /** An empty row with the labels of the series and those of the info series; `undefined` if it is left out. */
  private rowWith(row: Row, infos: readonly LabelPairs[]): Row | undefined {
    const added = new Map<string, string>();
    for (const info of infos) {
      for (let i = 0; i < info.length; i += 2) {
        const name = info[i];
        if (name === METRIC_NAME || IDENTIFYING.includes(name)) continue;
        if (this.wanted.size > 0 && !this.wanted.has(name)) continue;
        if (labelValue(row.labels, name) !== '') continue;
        const known = added.get(name);
        if (known !== undefined && known !== info[i + 1]) throw failed(`conflicting label: ${name}`);
        added.set(name, info[i + 1]);
      }
    }
    if (added.size === 0 && this.needsLabels) return undefined;
    let labels = row.labels;
    for (const [name, value] of added) labels = withLabel(labels, name, value);
    return this.steps.take(labels, row.dropName);
  }
}
