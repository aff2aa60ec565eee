import { expect } from 'chai';
import { TestScheduler } from 'rxjs/testing';
import { firstDue, ruleEvaluations } from '../../streams/rule-evaluations.ts';

const run = (catchUpMax: number): { evaluated: number[]; missed: number } => {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).to.deep.equal(expected);
  });
  const evaluated: number[] = [];
  let missed = 0;
  scheduler.run(({ cold }) => {
    ruleEvaluations({
      intervalMs: 10,
      offsetMs: 0,
      now: () => scheduler.now(),
      evaluate: (at) => {
        evaluated.push(at);
        // The evaluation for 20 takes until 55.
        return at === 20 ? cold('35ms |') : cold('1ms |');
      },
      catchUpMax,
      stop$: cold('75ms a'),
      scheduler,
    }).subscribe((evaluation) => {
      missed += evaluation.missed;
    });
  });
  return { evaluated, missed };
};

describe('the pace of rules', () => {
  it('counts the evaluations that a long one has made impossible, and goes on with the newest', () => {
    expect(run(0)).to.deep.equal({ evaluated: [0, 10, 20, 50, 60, 70], missed: 2 });
  });

  it('makes missed evaluations up, in their order', () => {
    expect(run(10)).to.deep.equal({ evaluated: [0, 10, 20, 30, 40, 50, 60, 70], missed: 0 });
  });

  it('makes up no more than it may', () => {
    expect(run(1)).to.deep.equal({ evaluated: [0, 10, 20, 40, 50, 60, 70], missed: 1 });
  });

  it('begins at a multiple of the interval', () => {
    expect(firstDue(25, 10, 0)).to.equal(30);
    expect(firstDue(30, 10, 3)).to.equal(33);
  });
});
