/** Scalar expressions: a number for each step. */

import type { ScalarOperator } from './execution.ts';
import type { Steps } from './rows.ts';

export class Constant implements ScalarOperator {
  private readonly value: number;
  private readonly steps: Steps;

  constructor(value: number, steps: Steps) {
    this.value = value;
    this.steps = steps;
  }

  run(): Promise<Float64Array> {
    return Promise.resolve(this.steps.column().fill(this.value));
  }
}

/** `time()`: seconds. */
export class StepTimes implements ScalarOperator {
  private readonly steps: Steps;

  constructor(steps: Steps) {
    this.steps = steps;
  }

  run(): Promise<Float64Array> {
    const column = this.steps.column();
    for (let step = 0; step < column.length; step++) column[step] = this.steps.timeAt(step) / 1000;
    return Promise.resolve(column);
  }
}

/** Computes a scalar from one or two scalars. */
export class ScalarOperation implements ScalarOperator {
  private readonly left: ScalarOperator;
  private readonly right: ScalarOperator;
  private readonly compute: (left: number, right: number) => number;

  constructor(left: ScalarOperator, right: ScalarOperator, compute: (left: number, right: number) => number) {
    this.left = left;
    this.right = right;
    this.compute = compute;
  }

  async run(): Promise<Float64Array> {
    const left = await this.left.run();
    const right = await this.right.run();
    for (let step = 0; step < left.length; step++) left[step] = this.compute(left[step], right[step]);
    return left;
  }
}
