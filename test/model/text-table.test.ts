import { expect } from 'chai';
import { TextTable } from '../../src/model/text-table.ts';
import { heapGrowth, ownString } from '../support/heap.ts';
import { seeded } from '../support/seeded.ts';

describe('TextTable', () => {
  it('returns an equal text, however many there are', () => {
    const table = new TextTable();
    const { int } = seeded(20_261_201);
    for (let i = 0; i < 100_000; i++) {
      const text = `${String.fromCharCode(int(0xd000))}${'x'.repeat(int(80))}${int(1000)}`;
      if (table.share(text) !== text)
        expect.fail(`${JSON.stringify(text)} became ${JSON.stringify(table.share(text))}`);
    }
    expect(table.share('')).to.equal('');
  });

  it('keeps one string of many equal ones', () => {
    const table = new TextTable();
    const texts: string[] = [];
    const growth = heapGrowth(() => {
      for (let i = 0; i < 20_000; i++)
        texts.push(table.share(ownString(`a value that series share, number ${i % 10}`)));
    });
    expect(texts).to.have.length(20_000);
    // Their references take 160 kB, the table 128 kB, and 20,000 strings would take 1 MB besides.
    expect(growth).to.be.below(700_000);
  });
});
