import { expect } from 'chai';
import type { SeriesSource } from '../../../src/promql/source.ts';
import { ask, failure, load } from './ask.ts';

const jobs = (): Promise<SeriesSource> =>
  load(60, [
    'a{job="x",instance="1"} 1',
    'a{job="x",instance="2"} 2',
    'a{job="y",instance="1"} 4',
    'b{job="x",instance="1"} 10',
    'b{job="y",instance="1"} 40',
    'total{job="x",version="7"} 100',
    'total{job="y"} 200',
  ]);

const table: readonly (readonly [string, readonly string[]])[] = [
  ['a + b', ['{instance="1", job="x"} 11', '{instance="1", job="y"} 44']],
  ['a + 1', ['{instance="1", job="x"} 2', '{instance="1", job="y"} 5', '{instance="2", job="x"} 3']],
  ['1 - a{job="y"}', ['{instance="1", job="y"} -3']],
  ['a > 1', ['a{instance="1", job="y"} 4', 'a{instance="2", job="x"} 2']],
  // The vector's value is kept, even if the scalar is on the left.
  ['1 < a', ['a{instance="1", job="y"} 4', 'a{instance="2", job="x"} 2']],
  ['a{job="x"} == bool 2', ['{instance="1", job="x"} 0', '{instance="2", job="x"} 1']],
  ['a < b', ['a{instance="1", job="x"} 1', 'a{instance="1", job="y"} 4']],
  ['a < bool b', ['{instance="1", job="x"} 1', '{instance="1", job="y"} 1']],
  ['a != NaN', ['a{instance="1", job="x"} 1', 'a{instance="1", job="y"} 4', 'a{instance="2", job="x"} 2']],
  ['sum by (job) (a) / on (job) total', ['{job="x"} 0.03', '{job="y"} 0.02']],
  ['a{instance="1"} + ignoring (instance, version) total', ['{job="x"} 101', '{job="y"} 204']],
  [
    'a * on (job) group_left (version) total',
    [
      '{instance="1", job="x", version="7"} 100',
      '{instance="1", job="y"} 800',
      '{instance="2", job="x", version="7"} 200',
    ],
  ],
  [
    'total > on (job) group_right a',
    ['a{instance="1", job="x"} 100', 'a{instance="1", job="y"} 200', 'a{instance="2", job="x"} 100'],
  ],
  ['a{job="x"} == on (instance) b{job="x"} / 10', ['{instance="1"} 1']],
  ['a and b', ['a{instance="1", job="x"} 1', 'a{instance="1", job="y"} 4']],
  ['a unless b', ['a{instance="2", job="x"} 2']],
  ['a{job="y"} or b', ['a{instance="1", job="y"} 4', 'b{instance="1", job="x"} 10']],
  ['a{job="y"} and on (none) total', ['a{instance="1", job="y"} 4']],
  ['a unless on (job) total{job="x"}', ['a{instance="1", job="y"} 4']],
  ['a + none', []],
  [
    'a or vector(1)',
    ['a{instance="1", job="x"} 1', 'a{instance="1", job="y"} 4', 'a{instance="2", job="x"} 2', '{} 1'].sort(),
  ],
];

describe('binary operators', () => {
  for (const [text, expected] of table) {
    it(`${text} gives ${expected.join(', ') || 'nothing'}`, async () => {
      const source = await jobs();
      expect((await ask(source, text, { at: 0 })).sort()).to.deep.equal(expected);
    });
  }

  it('of scalars give scalars', async () => {
    const source = await load(60, []);
    expect(await ask(source, '2 ^ 3 ^ 2 - -1', { at: 0 })).to.deep.equal(['513']);
    expect(await ask(source, '1 < bool 2', { at: 0 })).to.deep.equal(['1']);
    expect(await ask(source, 'NaN != bool NaN', { at: 0 })).to.deep.equal(['1']);
    expect(await ask(source, 'time() % 100', { from: 60, through: 180 })).to.deep.equal(['{} 60 20 80']);
  });

  it('set operators decide at each step', async () => {
    const source = await load(60, ['a{x="1"} 1 2 3', 'b{x="1"} 5 stale 7']);
    const asked = { from: 0, through: 120 };
    expect(await ask(source, 'a and b', asked)).to.deep.equal(['a{x="1"} 1 _ 3']);
    expect(await ask(source, 'a unless b', asked)).to.deep.equal(['a{x="1"} _ 2 _']);
    expect(await ask(source, 'b or a', asked)).to.deep.equal(['a{x="1"} _ 2 _', 'b{x="1"} 5 _ 7']);
    expect(await ask(source, '(a > 2) or a', asked)).to.deep.equal(['a{x="1"} 1 2 3']);
  });

  it('partners that take turns are one series of the result', async () => {
    const source = await load(60, ['a{x="1"} 1 1 1', 'b{x="1",y="1"} 2 stale', 'b{x="1",y="2"} _ 3 3']);
    expect(await ask(source, 'a + ignoring (y) b', { from: 0, through: 120 })).to.deep.equal(['{x="1"} 3 4 4']);
    expect(await ask(source, 'b + ignoring (y) a', { from: 0, through: 120 })).to.deep.equal(['{x="1"} 3 4 4']);
  });

  it('fail if partners are not unique, with the messages of Prometheus', async () => {
    const source = await jobs();
    const fail = (text: string): Promise<string> => failure(source, text, { at: 0 });
    expect(await fail('total + on (job) a')).to.equal(
      'TIDEMARK_QUERY_FAILED: found duplicate series for the match group {job="x"} on the right hand-side of the operation: [{__name__="a", instance="1", job="x"}, {__name__="a", instance="2", job="x"}];many-to-many matching not allowed: matching labels must be unique on one side',
    );
    expect(await fail('a + on (job) group_right total')).to.contain('on the left hand-side of the operation');
    expect(await fail('a + on (job) total')).to.equal(
      'TIDEMARK_QUERY_FAILED: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    );
    expect(await fail('a == on (job) total')).to.contain('many-to-one matching must be explicit');
    expect(await fail('{__name__=~"a|b"} * on (job) group_left total')).to.equal(
      'TIDEMARK_QUERY_FAILED: multiple matches for labels: grouping labels must ensure unique matches',
    );
  });

  it('do not mind duplicates where the other side is empty', async () => {
    const source = await jobs();
    expect(await ask(source, 'none + on (job) a', { at: 0 })).to.deep.equal([]);
  });
});
