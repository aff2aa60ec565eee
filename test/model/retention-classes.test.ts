import { expect } from 'chai';
import type { TidemarkError } from '../../src/model/errors.ts';
import { RetentionClasses } from '../../src/model/retention-classes.ts';

const HOUR = 3_600_000;
const pairs = (name: string, job = ''): string[] => ['__name__', name, ...(job === '' ? [] : ['job', job])];

describe('RetentionClasses', () => {
  it('are one class without rules', () => {
    const classes = new RetentionClasses(HOUR, []);
    expect(classes.times).to.deep.equal([HOUR]);
    expect(classes.hasRules).to.equal(false);
    expect(classes.classOf(pairs('up'))).to.equal(0);
  });

  it('give a series the longest time of the rules that match, in any order, and the default to the others', () => {
    const rules = [
      { selector: '{job="a"}', timeMs: 2 * HOUR },
      { selector: '{__name__=~"u.*"}', timeMs: 5 * HOUR },
      { selector: 'debug', timeMs: HOUR },
      { selector: '{keep="yes"}', timeMs: Infinity },
    ];
    for (const order of [rules, [...rules].reverse()]) {
      const classes = new RetentionClasses(3 * HOUR, order);
      const timeOf = (labels: string[]): number => classes.times[classes.classOf(labels)];
      expect(classes.times).to.deep.equal([HOUR, 2 * HOUR, 3 * HOUR, 5 * HOUR, Infinity]);
      expect(timeOf(pairs('up'))).to.equal(5 * HOUR);
      expect(timeOf(pairs('up', 'a'))).to.equal(5 * HOUR);
      expect(timeOf(pairs('debug', 'a'))).to.equal(2 * HOUR);
      expect(timeOf(pairs('debug'))).to.equal(HOUR);
      expect(timeOf(pairs('other'))).to.equal(3 * HOUR);
      expect(timeOf([...pairs('debug'), 'keep', 'yes'])).to.equal(Infinity);
    }
  });

  it('have one class for rules with equal times, and for several infinite ones', () => {
    const classes = new RetentionClasses(Infinity, [
      { selector: 'a', timeMs: HOUR },
      { selector: 'b', timeMs: HOUR },
      { selector: 'c', timeMs: Infinity },
    ]);
    expect(classes.times).to.deep.equal([HOUR, Infinity]);
    expect(classes.classOf(pairs('c'))).to.equal(classes.classOf(pairs('d')));
  });

  it('refuse a selector that can not be parsed', () => {
    let code: string | undefined;
    try {
      new RetentionClasses(HOUR, [{ selector: 'up{', timeMs: 1 }]);
    } catch (error) {
      code = (error as TidemarkError).code;
    }
    expect(code).to.equal('TIDEMARK_INVALID_SELECTOR');
  });
});
