/** Sequences that broke the store once, as short as they could be made. The store must survive each of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { type Regression, sequenceOf } from './regression.ts';
import { playSequence } from './simulate.ts';
import { type Step, stepTypes } from './steps.ts';

const folder = join('test', 'simulation', 'regressions');
const regressions = readdirSync(folder)
  .sort()
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Regression);

const typesOf = (steps: readonly Step[]): Step['type'][] =>
  steps.flatMap((step) => (step.type === 'together' ? [step.type, ...typesOf(step.steps)] : [step.type]));

describe('The store survives', () => {
  for (const regression of regressions) {
    it(regression.title, async () => {
      expect(regression.why, 'what went wrong').to.match(/\S/);
      // The player passes over a step of an unknown type.
      expect(stepTypes).to.include.members(typesOf(regression.steps));
      const { failure } = await playSequence(sequenceOf(regression), { openStore, checkDirectory });
      expect(failure?.message, failure?.trace.slice(-30).join('\n')).to.equal(undefined);
    });
  }
});
