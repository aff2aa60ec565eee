/** label_replace and label_join. */
import { labelValue, METRIC_NAME } from '../../model/labels.ts';
import { type CapturingRegex, compileCapturing, expandGroups } from '../../model/regex-captures.ts';
import { RegexSyntaxError } from '../../model/regex-syntax.ts';
import type { VectorOperator } from './execution.ts';
import { isLabelName, withLabel } from './labels-of-results.ts';
import { failed } from './limits.ts';
import type { Row, RowSink } from './rows.ts';

const setLabel = (row: Row, name: string, value: string): void => {
  row.labels = withLabel(row.labels, name, value);
  // A name that was set is not the one that a function wanted to remove.
  if (name === METRIC_NAME) row.dropName = false;
};

/** `label_replace(v, "dst", "replacement", "src", "regex")`. */
export class LabelReplace implements VectorOperator {
  readonly isDistinct = false;
  private readonly input: VectorOperator;
  private readonly texts: readonly string[];

  constructor(input: VectorOperator, texts: readonly string[]) {
    this.input = input;
    this.texts = texts;
  }

  async run(sink: RowSink): Promise<void> {
    const [target, replacement, source, pattern] = this.texts;
    const regex = compiled(pattern);
    if (!isLabelName(target)) throw failed(`invalid destination label name in label_replace(): ${target}`);
    // Most series share few values of a label.
    const replaced = new Map<string, string | undefined>();
    await this.input.run((row) => {
      const value = labelValue(row.labels, source);
      if (!replaced.has(value)) replaced.set(value, expanded(regex, value, replacement));
      const text = replaced.get(value);
      if (text !== undefined) setLabel(row, target, text);
      return sink(row);
    });
  }
}

const compiled = (pattern: string): CapturingRegex => {
  try {
    return compileCapturing(pattern);
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    throw failed(`invalid regular expression in label_replace(): ${pattern}`);
  }
};

/** The replacement with the texts of the groups; `undefined` if the value does not match. */
const expanded = (regex: CapturingRegex, value: string, replacement: string): string | undefined => {
  const groups = regex.match(value);
  if (groups === undefined) return undefined;
  return expandGroups(replacement, regex.names, groups);
};

/** `label_join(v, "dst", "separator", "src", …)`. */
export class LabelJoin implements VectorOperator {
  readonly isDistinct = false;
  private readonly input: VectorOperator;
  private readonly texts: readonly string[];

  constructor(input: VectorOperator, texts: readonly string[]) {
    this.input = input;
    this.texts = texts;
  }

  async run(sink: RowSink): Promise<void> {
    const [target, separator, ...sources] = this.texts;
    for (const source of sources) {
      if (!isLabelName(source)) throw failed(`invalid source label name in label_join(): ${source}`);
    }
    if (!isLabelName(target)) throw failed(`invalid destination label name in label_join(): ${target}`);
    await this.input.run((row) => {
      setLabel(row, target, sources.map((source) => labelValue(row.labels, source)).join(separator));
      return sink(row);
    });
  }
}
