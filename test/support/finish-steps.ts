/** Runs a generator to its end; returns its result. */
export const finishSteps = <Result>(steps: Generator<unknown, Result>): Result => {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
};
