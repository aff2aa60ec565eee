import { expect } from 'chai';
import { TextTable } from '../../src/model/text-table.ts';
import { heapGrowth, ownString } from '../support/heap.ts';
import { seeded } from '../support/seeded.ts';

/** Two texts whose hashes are 1,895,335,918. */
const COLLIDING = ['host-135797', 'host-218881'];

describe('TextTable', () => {
  it('returns an equal text, however many there are', () => {
    // Texts of all lengths around the longest that is shared, most of them ASCII, for four places.
    const table = new TextTable(2);
    const { int } = seeded(20_261_201);
    for (let i = 0; i < 100_000; i++) {
      const first = String.fromCharCode(int(4) === 0 ? int(0xd000) : 0x20 + int(0x60));
      const text = `${first}${'x'.repeat(int(80))}${int(4)}`;
      if (table.share(text) !== text) expect.fail(`${JSON.stringify(text)} became another text`);
      const bytes = Buffer.from(text);
      if (table.read(bytes, 0, bytes.length) !== text) expect.fail(`${JSON.stringify(text)} was read as another text`);
    }
    expect(table.share('')).to.equal('');
  });

  it('tells texts with the same hash apart', () => {
    const table = new TextTable(0);
    for (const text of COLLIDING) expect(table.share(text)).to.equal(text);
    for (const text of COLLIDING) expect(table.read(Buffer.from(text), 0, text.length)).to.equal(text);
  });

  it('keeps one string of many equal ones', () => {
    const table = new TextTable();
    const texts: string[] = [];
    const growth = heapGrowth(() => {
      for (let i = 0; i < 20_000; i++)
        texts.push(table.share(ownString(`a value that series share, number ${i % 10}`)));
    });
    expect(texts).to.have.length(20_000);
    // Their references take 160 kB, and 20,000 strings would take 1 MB besides.
    expect(growth).to.be.below(700_000);
  });

  it('does not keep the large texts from which texts were cut', () => {
    const table = new TextTable();
    const values: string[] = [];
    const growth = heapGrowth(() => {
      for (let i = 0; i < 100; i++) {
        const line = ownString(`${i} is the value of a label, ${'x'.repeat(100_000)}`);
        values.push(table.share(line.slice(0, 27)));
      }
    });
    expect(values).to.have.length(100);
    // The lines take 10 MB.
    expect(growth).to.be.below(1_000_000);
  });
});
