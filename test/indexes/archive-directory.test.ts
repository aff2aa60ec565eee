import { expect } from 'chai';
import fc from 'fast-check';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';

const key = fc.tuple(fc.constantFrom(0, -1, 0x25550000), fc.integer({ min: 0, max: 200 }));
const step = fc.tuple(fc.boolean(), key, fc.integer({ min: 0, max: 9 }));

const slotsOf = (directory: ArchiveDirectory): number[] => {
  const slots: number[] = [];
  for (let slot = directory.nextSlot(0); slot >= 0; slot = directory.nextSlot(slot + 1)) slots.push(slot);
  return slots;
};

describe('ArchiveDirectory', () => {
  it('does what a map from fingerprints to times does', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const directory = new ArchiveDirectory();
        const model = new Map<string, number>();
        for (const [isAdd, [high, low], time] of steps) {
          if (isAdd) {
            directory.add(high, low, time, time + 1);
            model.set(`${high} ${low}`, time);
          } else expect(directory.remove(high, low)).to.equal(model.delete(`${high} ${low}`));
        }
        expect(directory.size).to.equal(model.size);
        const found = slotsOf(directory).map((slot) => [
          `${directory.highAt(slot)} ${directory.lowAt(slot)}`,
          directory.firstTimeAt(slot),
        ]);
        expect(found).to.have.deep.members([...model]);
        for (const [text, time] of model) {
          const [high, low] = text.split(' ').map(Number);
          expect(directory.has(high, low)).to.equal(true);
          expect(directory.firstTimeOf(high, low)).to.equal(time);
          expect(directory.lastTimeOf(high, low)).to.equal(time + 1);
        }
      }),
    );
  });

  it('knows nothing of series that are not archived', () => {
    const directory = new ArchiveDirectory();
    directory.add(1, 2, 10, 20);
    directory.remove(1, 2);
    expect(directory.has(1, 2)).to.equal(false);
    expect(directory.firstTimeOf(1, 2)).to.be.NaN;
    expect(directory.lastTimeOf(1, 2)).to.be.NaN;
    expect(directory.overlaps(1, 2, 0, 100)).to.equal(false);
    expect(directory.nextSlot(0)).to.equal(-1);
  });

  it('tells which series overlap a range, ends included', () => {
    const directory = new ArchiveDirectory();
    directory.add(1, 2, 10, 20);
    directory.add(3, 4, -(2 ** 63), 20);
    expect(directory.overlaps(1, 2, 20, 30)).to.equal(true);
    expect(directory.overlaps(1, 2, 0, 10)).to.equal(true);
    expect(directory.overlaps(1, 2, 21, 30)).to.equal(false);
    expect(directory.overlaps(1, 2, 0, 9)).to.equal(false);
    expect(directory.overlaps(3, 4, 0, 9)).to.equal(true);
  });

  it('visits each series once that stays, while others come and go', () => {
    const directory = new ArchiveDirectory();
    for (let i = 0; i < 500; i++) directory.add(0, i, i, i);
    const seen: number[] = [];
    for (let slot = directory.nextSlot(0); slot >= 0; slot = directory.nextSlot(slot + 1)) {
      const low = directory.lowAt(slot);
      seen.push(low);
      if (low % 2 === 0) directory.remove(0, low);
      if (low % 5 === 0) directory.add(1, low, 0, 0);
    }
    expect(seen.filter((low) => low % 2 === 1 && low < 500 && low % 5 !== 0)).to.have.length(200);
    expect(new Set(seen.filter((low) => low % 5 !== 0)).size).to.equal(400);
  });

  it('takes about 40 bytes a series', () => {
    const directory = new ArchiveDirectory();
    for (let i = 0; i < 1 << 16; i++) directory.add(i, i, 0, 0);
    expect(directory.byteCount / directory.size).to.equal(40);
    directory.clear();
    expect(directory.size).to.equal(0);
    expect(directory.has(5, 5)).to.equal(false);
  });
});
