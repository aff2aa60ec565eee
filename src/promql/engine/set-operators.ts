/**
 * and, or, unless: whole series with their labels. Of the other side only the signatures and the steps at which they
 * occur are kept.
 */
import type { SetOperator, VectorMatching } from '../syntax/ast.ts';
import type { Execution, VectorOperator } from './execution.ts';
import { LabelNumbers } from './labels-of-results.ts';
import { Signatures } from './matching.ts';
import { isEmpty, type Row, type RowSink, type Steps, unite } from './rows.ts';
import { MergedRows, sendAll } from './vector-operators.ts';

/** The steps at which each signature occurs. */
class Occurrences {
  private readonly numbers = new LabelNumbers();
  private readonly steps: Steps;
  private readonly signatures: Signatures;
  private readonly bitmaps: Uint32Array[] = [];

  constructor(matching: VectorMatching, steps: Steps) {
    this.signatures = new Signatures(matching);
    this.steps = steps;
  }

  add(row: Row): void {
    const number = this.numbers.numberOf(this.signatures.of(row.labels), true);
    if (number === this.bitmaps.length) this.bitmaps.push(this.steps.bitmap());
    unite(this.bitmaps[number], row.present);
  }

  of(row: Row): Uint32Array | undefined {
    const number = this.numbers.find(this.signatures.of(row.labels));
    return number < 0 ? undefined : this.bitmaps[number];
  }
}

const keep = (row: Row, steps: Uint32Array | undefined): void => {
  for (let word = 0; word < row.present.length; word++) row.present[word] &= steps === undefined ? 0 : steps[word];
};

const remove = (row: Row, steps: Uint32Array | undefined): void => {
  if (steps === undefined) return;
  for (let word = 0; word < row.present.length; word++) row.present[word] &= ~steps[word];
};

export class SetOperation implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly operator: SetOperator;
  private readonly matching: VectorMatching;
  private readonly left: VectorOperator;
  private readonly right: VectorOperator;
  private readonly steps: Steps;

  constructor(
    execution: Execution,
    operator: SetOperator,
    matching: VectorMatching,
    left: VectorOperator,
    right: VectorOperator,
    steps: Steps,
  ) {
    this.execution = execution;
    this.operator = operator;
    this.matching = matching;
    this.left = left;
    this.right = right;
    this.steps = steps;
    this.isDistinct = operator !== 'or' && left.isDistinct;
  }

  run(sink: RowSink): Promise<void> {
    return this.operator === 'or' ? this.either(sink) : this.filtered(sink);
  }

  private async filtered(sink: RowSink): Promise<void> {
    const { steps, execution } = this;
    const occurrences = new Occurrences(this.matching, steps);
    await this.right.run((row) => {
      occurrences.add(row);
      steps.release(row);
    });
    const change = this.operator === 'and' ? keep : remove;
    await this.left.run((row) => {
      change(row, occurrences.of(row));
      execution.budget.count(steps.words);
      return isEmpty(row.present) ? steps.release(row) : sink(row);
    });
  }

  /** The same series can be on the left at some steps and on the right at others: then it is one series of the result. */
  private async either(sink: RowSink): Promise<void> {
    const { steps, execution } = this;
    const occurrences = new Occurrences(this.matching, steps);
    const merged = new MergedRows(steps);
    await this.left.run((row) => {
      occurrences.add(row);
      merged.add(row);
    });
    await this.right.run((row) => {
      remove(row, occurrences.of(row));
      if (isEmpty(row.present)) steps.release(row);
      else merged.add(row);
    });
    await sendAll(merged.rows, sink, execution, steps);
  }
}
