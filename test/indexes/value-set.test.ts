import { expect } from 'chai';
import fc from 'fast-check';
import { ValueSet } from '../../src/indexes/value-set.ts';
import { TextTable } from '../../src/model/text-table.ts';

const texts = new TextTable();
const value = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'ü', '🚀', 'x'.repeat(63), 'x'.repeat(64), 'ü'.repeat(40), 'y'.repeat(9000)),
  fc.string({ maxLength: 3 }),
);
const step = fc.tuple(fc.constantFrom('add', 'delete', 'has', 'reopen'), value);

describe('ValueSet', () => {
  it('does what a set does, through any number of encodings', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let set = new ValueSet();
        const model = new Set<string>();
        for (const [action, text] of steps) {
          if (action === 'add') expect(set.add(text)).to.equal(!model.has(text) && model.add(text) !== undefined);
          if (action === 'delete') expect(set.delete(text)).to.equal(model.delete(text));
          if (action === 'has') expect(set.has(text)).to.equal(model.has(text));
          if (action === 'reopen') set = ValueSet.decode(set.encode());
          expect(set.size).to.equal(model.size);
        }
        expect(set.values(texts).sort()).to.deep.equal([...model].sort());
        expect(ValueSet.decode(set.encode()).values(texts).sort()).to.deep.equal([...model].sort());
      }),
      { numRuns: 300 },
    );
  });

  it('holds many values', () => {
    const set = new ValueSet();
    for (let i = 0; i < 50_000; i++) set.add(`value-${i}`);
    for (let i = 0; i < 50_000; i += 2) set.delete(`value-${i}`);
    const again = ValueSet.decode(set.encode());
    expect(again.size).to.equal(25_000);
    expect(again.has('value-49999')).to.equal(true);
    expect(again.has('value-49998')).to.equal(false);
  });

  it('is the same set when its table is in many parts', () => {
    const set = new ValueSet();
    const model = new Set<string>();
    for (let i = 0; i < 200_000; i++) {
      const value = `value-${Math.imul(i, 2654435761) >>> 12}`;
      expect(set.add(value)).to.equal(!model.has(value));
      model.add(value);
      if (i % 3 !== 0) continue;
      const gone = `value-${Math.imul(i >> 1, 2654435761) >>> 12}`;
      expect(set.delete(gone)).to.equal(model.delete(gone));
    }
    expect(set.size).to.equal(model.size);
    expect(set.size).to.be.greaterThan(70_000);
    expect(set.values(texts).sort()).to.deep.equal([...model].sort());
    expect(set.valuesThat((value) => value.endsWith('7'), texts)).to.have.length(
      [...model].filter((value) => value.endsWith('7')).length,
    );
    const again = ValueSet.decode(set.encode());
    expect(again.size).to.equal(model.size);
    expect(again.byteCount).to.be.within(model.size * 8, model.size * 40);
    for (const value of model) if (!again.has(value)) expect.fail(`${value} is missing`);
    expect(again.has('value-x')).to.equal(false);
  });

  it('takes values whose hashes are all in one part', () => {
    const set = new ValueSet();
    const values: string[] = [];
    for (let i = 0; values.length < 40_000; i++) {
      const text = i.toString(36);
      let hash = 0x811c9dc5;
      hash = Math.imul(hash ^ (text.length * 2), 0x01000193);
      for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
      if (hash >>> 28 === 7) values.push(text);
    }
    for (const value of values) set.add(value);
    expect(set.size).to.equal(40_000);
    expect(ValueSet.decode(set.encode()).has(values[39_999])).to.equal(true);
  });

  it('takes a value that is stored twice once', () => {
    const set = ValueSet.decode(Buffer.from('0602610262' + '0261', 'hex'));
    expect(set.size).to.equal(2);
    expect(set.encode().toString('hex')).to.be.oneOf(['0402610262', '0402620261']);
  });

  it('gives the values that pass a test, those beyond ASCII and long ones as well, and none that was removed', () => {
    const long = 'x'.repeat(100);
    const set = new ValueSet();
    for (const value of ['', 'node-1', 'node-2', 'köln', 'käse', '日本', long, 'gone']) set.add(value);
    set.delete('gone');
    const seen: string[] = [];
    const passed = set.valuesThat((value) => {
      seen.push(value);
      return value.startsWith('k') || value.length > 50 || value === 'node-2';
    }, texts);
    expect(passed).to.have.members(['köln', 'käse', long, 'node-2']);
    expect(seen).to.have.members(set.values(texts));
  });

  it('is encoded correctly when its count needs one byte more than in the decoded bytes', () => {
    for (const count of [63, 8191]) {
      let set = new ValueSet();
      for (let i = 0; i < count; i++) set.add(String(i));
      set = ValueSet.decode(Uint8Array.from(set.encode()));
      set.add('more');
      const again = ValueSet.decode(Uint8Array.from(set.encode()));
      expect(again.values(texts).sort()).to.deep.equal(set.values(texts).sort());
      expect(again.size).to.equal(count + 1);
    }
  });

  it('leaves the bytes it was decoded from alone', () => {
    const bytes = Buffer.from('0402610262', 'hex');
    const set = ValueSet.decode(bytes);
    set.delete('a');
    set.add('c');
    expect(bytes.toString('hex')).to.equal('0402610262');
    expect(set.encode().toString('hex')).to.be.oneOf(['0402620263', '0402630262']);
  });
});
