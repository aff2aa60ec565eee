/** What all parts of one evaluation share. */
import { Annotations } from './annotations.ts';
import type { EngineOptions, EvalRequest } from './engine-options.ts';
import { hasTypeOrUnit, withoutName } from './labels-of-results.ts';
import { Budget } from './limits.ts';
import { type Row, type RowSink, Steps } from './rows.ts';

export class Execution {
  readonly options: EngineOptions;
  readonly request: EvalRequest;
  readonly budget: Budget;
  readonly annotations: Annotations;
  /** What could not be read; each text once. */
  readonly problems = new Set<string>();
  /** A type or a unit was removed together with a metric name: then series of one metric can have equal labels too. */
  hasLostTypes = false;

  constructor(request: EvalRequest, options: EngineOptions) {
    this.options = options;
    this.request = request;
    this.budget = new Budget(options, request.signal);
    this.annotations = new Annotations(request.text);
  }

  /** Throws before anything is allocated if one column over the steps would already be too much. */
  steps(start: number, stepMs: number, count: number): Steps {
    this.budget.hold(count, 8 * count);
    this.budget.release(count, 8 * count);
    return new Steps(start, stepMs, count, this.budget);
  }

  /** The metric name goes now, or at the end of the query. */
  dropName(row: Row): void {
    if (this.options.delayedNameRemoval) {
      row.dropName = true;
      return;
    }
    if (hasTypeOrUnit(row.labels)) this.hasLostTypes = true;
    row.labels = withoutName(row.labels);
  }
}

/** Gives the series of an instant vector, one after the other, each over all steps. Rows without a value are left out. */
export interface VectorOperator {
  /** The label sets of the rows differ even without the metric name. */
  readonly isDistinct: boolean;
  run(sink: RowSink): Promise<void>;
}

/** Gives a number for each step. */
export interface ScalarOperator {
  run(): Promise<Float64Array>;
}
