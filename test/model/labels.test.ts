import { expect } from 'chai';
import fc from 'fast-check';
import { TidemarkError } from '../../src/model/errors.ts';
import {
  compareLabelPairs,
  LABEL_BYTES_MAX,
  type Labels,
  labelHash,
  labelsEqual,
  labelsIdentical,
  labelValue,
  pairsEqual,
  pairsHash,
  toLabelPairs,
  toLabels,
} from '../../src/model/labels.ts';

const errorOf = (act: () => unknown): TidemarkError => {
  try {
    act();
  } catch (error) {
    return error as TidemarkError;
  }
  throw new Error('expected an error');
};

const rejects = (labels: unknown, pattern: RegExp): void => {
  const error = errorOf(() => toLabelPairs(labels as Labels));
  expect(error.code).to.equal('TIDEMARK_INVALID_LABELS');
  expect(error.message).to.match(pattern);
};

const names = fc.oneof(
  fc.constantFrom('__name__', 'job', 'a', 'ab', 'b', '__proto__', 'constructor'),
  fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }),
);
const labelSets = fc
  .array(fc.tuple(names, fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })), { minLength: 1, maxLength: 8 })
  .map((entries) => [...new Map(entries)]);

const toObject = (entries: readonly (readonly [string, string])[]): Labels => {
  const labels: Record<string, string> = {};
  for (const [name, value] of entries) {
    Object.defineProperty(labels, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return labels;
};

describe('toLabelPairs', () => {
  it('gives labels that nobody shares, also when reading a value asks for other labels', () => {
    const outer = {
      a: '1',
      get b() {
        expect(toLabelPairs({ z: '9', y: '8' })).to.deep.equal(['y', '8', 'z', '9']);
        return '2';
      },
      c: '3',
    };
    const many: Record<string, string> = {};
    for (let i = 0; i < 200; i++) many[`label_${String(i).padStart(3, '0')}`] = String(i);
    Object.defineProperty(many, 'label_150', { get: () => toLabelPairs({ a: '1' })[1], enumerable: true });
    expect(toLabelPairs(many)).to.have.length(400).and.not.include(undefined);
    const first = toLabelPairs(outer);
    toLabelPairs({ x: '7', w: '6', v: '5', u: '4' });
    expect(first).to.deep.equal(['a', '1', 'b', '2', 'c', '3']);
    expect(() => toLabelPairs({ a: '1', b: 2 as unknown as string })).to.throw(TidemarkError);
    expect(toLabelPairs({ b: '2' })).to.deep.equal(['b', '2']);
  });

  it('sorts by name and leaves out empty values', () => {
    expect(toLabelPairs({ job: 'node', __name__: 'up', zone: '', instance: 'a:1' })).to.deep.equal([
      '__name__',
      'up',
      'instance',
      'a:1',
      'job',
      'node',
    ]);
  });

  it('takes label names in any script', () => {
    expect(toLabelPairs({ città: 'Zürich', '🔥': '東京' })).to.deep.equal(['città', 'Zürich', '🔥', '東京']);
  });

  it('refuses what is not an object of strings, naming the label', () => {
    rejects(undefined, /undefined/);
    rejects(null, /null/);
    rejects(['a', 'b'], /an array/);
    rejects('up', /a string/);
    rejects({ job: 5 }, /label "job".*a number/);
    rejects({ job: undefined }, /label "job".*undefined/);
    expect(errorOf(() => toLabelPairs({ job: null } as unknown as Labels)).details).to.deep.equal({ label: 'job' });
  });

  it('refuses an empty name, and a set without any value', () => {
    rejects({ '': 'x' }, /empty name/);
    rejects({}, /at least one label/);
    rejects({ job: '' }, /at least one label/);
  });

  it('refuses text that has no UTF-8 form', () => {
    rejects({ job: 'a\ud800b' }, /label "job".*surrogate/);
    rejects({ job: '\udc00' }, /surrogate/);
    rejects({ 'x\udbff': 'a' }, /label name.*surrogate/);
    expect(toLabelPairs({ job: '\ud83d\ude80' })).to.deep.equal(['job', '🚀']);
  });

  it('bounds the number of labels and their bytes', () => {
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`l${i}`, 'x']));
    rejects(many, /1000 labels, but there are 1001/);
    expect(toLabelPairs({ a: 'x'.repeat(LABEL_BYTES_MAX - 1) })).to.have.length(2);
    rejects({ a: 'x'.repeat(LABEL_BYTES_MAX) }, /65536 bytes.*65537/);
    rejects({ a: 'ü'.repeat(LABEL_BYTES_MAX / 2) }, /65537/);
  });

  it('gives back the labels it was given, whatever their names', () => {
    fc.assert(
      fc.property(labelSets, (entries) => {
        const labels = toObject(entries);
        const back = toLabels(toLabelPairs(labels));
        expect(Object.entries(back).sort()).to.deep.equal(Object.entries(labels).sort());
        expect(Object.getPrototypeOf(back)).to.equal(Object.prototype);
      }),
    );
  });
});

describe('labelHash, labelsEqual and labelsIdentical', () => {
  it('depend neither on the order of labels nor on empty ones', () => {
    fc.assert(
      fc.property(labelSets, fc.integer(), (entries, turn) => {
        const pairs = toLabelPairs(toObject(entries));
        const at = Math.abs(turn) % entries.length;
        const turned = toObject([...entries.slice(at), ['no such label', ''], ...entries.slice(0, at)]);
        expect(labelHash(turned)).to.equal(pairsHash(pairs));
        expect(labelsEqual(pairs, turned)).to.equal(true);
        expect(labelsIdentical(pairs, turned)).to.equal(true);
      }),
    );
  });

  it('tell label sets apart exactly where their pairs differ', () => {
    const small = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y'), { minKeys: 1 });
    fc.assert(
      fc.property(small, small, (a, b) => {
        const same = JSON.stringify(toLabelPairs(a)) === JSON.stringify(toLabelPairs(b));
        expect(labelsEqual(toLabelPairs(a), b)).to.equal(same);
        expect(labelsIdentical(toLabelPairs(a), b)).to.equal(same);
        expect(pairsEqual(toLabelPairs(a), toLabelPairs(b))).to.equal(same);
        expect(compareLabelPairs(toLabelPairs(a), toLabelPairs(b)) === 0).to.equal(same);
        expect(labelHash(a) === labelHash(b)).to.equal(same);
      }),
    );
  });

  it('do not find a set with a value that is not text', () => {
    const odd = { a: 'x', b: 5 } as unknown as Labels;
    const empty = { a: 'x', b: null } as unknown as Labels;
    expect(labelHash(odd)).to.equal(labelHash({ a: 'x' }));
    for (const areEqual of [labelsEqual, labelsIdentical])
      for (const labels of [odd, empty]) expect(areEqual(['a', 'x'], labels)).to.equal(false);
  });

  it('do not mistake an order of names for that of the object before', () => {
    const names = Array.from({ length: 80 }, (_, n) => `n${String(n).padStart(2, '0')}`);
    const long = toObject(names.map((name) => [name, `value of ${name}`]));
    const backwards = toObject(names.toReversed().map((name) => [name, long[name]]));
    for (const areEqual of [labelsEqual, labelsIdentical]) {
      for (const labels of [long, backwards, { ...long, n79: 'n78' }, { n79: long['n79'] }, long, backwards]) {
        const expected = labels === long || labels === backwards;
        expect(areEqual(toLabelPairs(long), labels)).to.equal(expected);
        expect(areEqual(['n79', long['n79']], labels)).to.equal(Object.keys(labels).length === 1);
      }
    }
  });

  it('spreads similar label sets', () => {
    const hashes = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      hashes.add(labelHash({ __name__: `metric_${i % 100}`, path: `/api/${i % 1000}`, id: String(i) }));
    }
    expect(hashes.size).to.be.greaterThan(19_990);
  });
});

describe('compareLabelPairs', () => {
  it('orders by the first difference, the shorter set first', () => {
    const sets = [
      ['b', '1'],
      ['a', '2'],
      ['a', '1', 'b', '1'],
      ['a', '1'],
    ];
    expect(sets.sort(compareLabelPairs)).to.deep.equal([
      ['a', '1'],
      ['a', '1', 'b', '1'],
      ['a', '2'],
      ['b', '1'],
    ]);
  });
});

describe('labelValue', () => {
  it('is empty for a label that is not there', () => {
    expect(labelValue(['a', '1', 'b', '2'], 'b')).to.equal('2');
    expect(labelValue(['a', '1', 'b', '2'], '2')).to.equal('');
  });
});
