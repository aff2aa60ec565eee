/** What a run of the benchmark comes to: written as JSON, read again to make the tables of the documentation. */
import type { Calibration } from './calibration.ts';
import { median } from './measure.ts';
import type { FigureName, Figures } from './reference.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface SizeResult {
  readonly size: string;
  readonly seriesCount: number;
  readonly rounds: number;
  readonly runs: number;
  readonly figures: Partial<Record<FigureName, Spread>>;
  /** Medians of what was noted beside the figures, by case. */
  readonly facts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface BenchResult {
  readonly version: string;
  /** The day of the run. */
  readonly date: string;
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number; readonly memoryGB: number };
  readonly calibration: Calibration;
  readonly sizes: readonly SizeResult[];
  /** The same sizes of another checkout, run by run in turn with these. */
  readonly against?: readonly SizeResult[];
  /** Cases that ended with an error instead of figures. */
  readonly failures: readonly string[];
}

const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Collects the figures of several runs of one size. */
export class FigureCollector {
  readonly #figures = new Map<FigureName, number[]>();
  readonly #facts = new Map<string, Map<string, number[]>>();

  add(caseName: string, figures: Figures, facts: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(figures)) push(this.#figures, name as FigureName, value);
    const ofCase = this.#facts.get(caseName) ?? new Map<string, number[]>();
    this.#facts.set(caseName, ofCase);
    for (const [name, value] of Object.entries(facts)) push(ofCase, name, value);
  }

  figures(): SizeResult['figures'] {
    return Object.fromEntries([...this.#figures].map(([name, values]) => [name, spread(values)]));
  }

  facts(): SizeResult['facts'] {
    const medians = (facts: Map<string, number[]>) =>
      Object.fromEntries([...facts].map(([name, values]) => [name, median(values)]));
    return Object.fromEntries([...this.#facts].map(([caseName, facts]) => [caseName, medians(facts)]));
  }
}

const push = <Key>(lists: Map<Key, number[]>, key: Key, value: number): void => {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
};
