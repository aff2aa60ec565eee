/** The groups of an aggregation: each series belongs to one, found once by its labels. */
import type { LabelPairs } from '../../model/labels.ts';
import { keepLabels, LabelNumbers, removeLabels } from './labels-of-results.ts';
import type { Row } from './rows.ts';

export class Grouping {
  private readonly numbers = new LabelNumbers();
  /** Whether the metric name of a group's labels goes at the end of the query: as for its first series. */
  private readonly dropNames: boolean[] = [];
  private readonly isWithout: boolean;
  private readonly sortedNames: readonly string[];
  private readonly names: ReadonlySet<string>;
  private readonly buffer: string[] = [];

  constructor(names: readonly string[], isWithout: boolean) {
    this.isWithout = isWithout;
    this.sortedNames = [...new Set(names)].sort();
    this.names = new Set(names);
  }

  get size(): number {
    return this.numbers.size;
  }

  /** The number of the row's group. */
  numberOf(row: Row): number {
    if (this.isWithout) removeLabels(row.labels, this.names, this.buffer);
    else keepLabels(row.labels, this.sortedNames, this.buffer);
    const number = this.numbers.numberOf(this.buffer, true);
    if (number === this.dropNames.length) this.dropNames.push(row.dropName);
    return number;
  }

  labelsOf(group: number): LabelPairs {
    return this.numbers.sets[group];
  }

  dropsName(group: number): boolean {
    return this.dropNames[group];
  }
}
