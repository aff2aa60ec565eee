/** What both kinds of rules have in common: their health, and the series that they wrote in the last evaluation. */
import type { LabelPairs, Labels } from '../model/labels.ts';
import type { RuleSeries, RuleStorage } from './rule-storage.ts';

/** One sample that an evaluation gives. */
export interface NewSample {
  readonly key: string;
  readonly labels: Labels;
  readonly value: number;
  /** The series, if it is known already. */
  readonly series?: RuleSeries | undefined;
}

/** Where evaluations report what could not be written. */
export type RefusalListener = (error: unknown) => void;

/** The series that a rule writes. One that a later evaluation does not give ends with a stale marker. */
export class RuleOutput {
  private previous = new Map<string, RuleSeries>();

  /** The series of a key, if the last evaluation wrote it. */
  seriesOf(key: string): RuleSeries | undefined {
    return this.previous.get(key);
  }

  get size(): number {
    return this.previous.size;
  }

  /** Continues a series of an earlier process, so that it ends with a stale marker if the rule gives it no more. */
  continue(key: string, series: RuleSeries): void {
    this.previous.set(key, series);
  }

  async write(
    samples: readonly NewSample[],
    at: number,
    { storage, refused, breathe }: { storage: RuleStorage; refused: RefusalListener; breathe: () => Promise<void> },
  ): Promise<void> {
    const seen = new Map<string, RuleSeries>();
    let steps = 0;
    for (const { key, labels, value, series: known } of samples) {
      try {
        const series = known ?? this.previous.get(key) ?? storage.series(labels);
        seen.set(key, series);
        series.append(at, value);
      } catch (error) {
        refused(error);
      }
      if (++steps % 256 === 0) await breathe();
    }
    for (const [key, series] of this.previous) {
      if (seen.has(key)) continue;
      try {
        series.appendStale(at);
      } catch (error) {
        refused(error);
      }
      if (++steps % 256 === 0) await breathe();
    }
    this.previous = seen;
  }
}

/** Labels with others put over them; an empty text removes a label. */
export const withLabels = (pairs: LabelPairs, others: Labels): Labels => {
  const labels: Record<string, string> = {};
  for (let i = 0; i < pairs.length; i += 2) labels[pairs[i]] = pairs[i + 1];
  for (const [name, value] of Object.entries(others)) {
    if (value === '') delete labels[name];
    else labels[name] = value;
  }
  return labels;
};
