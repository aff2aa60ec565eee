/**
 * Every sequence of what Tidemark and a double of the original do to a directory, closed in order or killed, in turn.
 * `TO_AND_FRO_LENGTH` and `TO_AND_FRO_SEED` ask for others.
 */
import { join } from 'node:path';
import { expect } from 'chai';
import { withDirectory } from '../disk/support.ts';
import { faultsOf, openToLook, type Step, sequencesOf, ToAndFro } from './support/to-and-fro.ts';

const LENGTHS = (process.env['TO_AND_FRO_LENGTH'] ?? '2').split(',').map(Number);
const SEED = Number(process.env['TO_AND_FRO_SEED'] ?? 1);

/** Longer ones that each found something once, or stand for many. */
const longer: readonly (readonly Step[])[] = [
  ['Tc', 'Ob', 'Tc', 'Oa'],
  ['Tk', 'Ob', 'Ob', 'Tk'],
  ['Oa', 'Tk', 'Oc', 'Ob'],
  ['Ob', 'Oa', 'Oc', 'Tk'],
];

describe('a directory that Tidemark and the original have in turn', () => {
  const sequences = [
    ...LENGTHS.flatMap(sequencesOf),
    ...(process.env['TO_AND_FRO_LENGTH'] === undefined ? longer : []),
  ];
  for (const [number, sequence] of sequences.entries()) {
    it(`has all samples once and in order: ${sequence.join(' ')}`, () =>
      withDirectory(async (root) => {
        const play = new ToAndFro(join(root, 'steps'), SEED * 1000 + number);
        for (const [index, step] of sequence.entries()) await play.play(step, index);
        const expected = await play.expected();
        for (const readOnly of [true, false, false]) {
          const store = await openToLook(play.directory, readOnly);
          try {
            expect(await faultsOf(store, expected), `${play.story.join('; ')}; read only: ${readOnly}`).to.deep.equal(
              [],
            );
          } finally {
            await store.close();
          }
        }
      }));
  }
});
