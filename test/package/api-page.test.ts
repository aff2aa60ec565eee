import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const page = readFileSync('docs/api.md', 'utf8');
const source = readFileSync('src/api/api.ts', 'utf8');

/** The member names of an interface of src/store/api.ts, as they are declared: one a line, two spaces in. */
const membersOf = (name: string): string[] => {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source)?.[1] ?? '';
  const members = [...body.matchAll(/^ {2}(?:readonly )?([\w$]+)[?(:]/gm)].map(([, member]) => member);
  return [...new Set(members)];
};

const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading).join('\n');

describe('docs/api.md', () => {
  it('has a heading for every call and property of a store', () => {
    const members = membersOf('Store');
    expect(members).to.include.members(['append', 'select', 'registry', 'close']);
    const named = new Set(headings.match(/[\w$]+/g));
    expect(members.filter((member) => !named.has(member))).to.deep.equal([]);
  });

  it('has a row for every option of openStore', () => {
    const options = membersOf('StoreOptions');
    expect(options).to.include.members(['retention', 'clock']);
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|')[1]);
    expect(options.filter((option) => !rows.some((row) => row.includes(`\`${option}\``)))).to.deep.equal([]);
  });

  it('has a heading for everything that the package exports as a value', async () => {
    const headed = new Set(headings.match(/[\w$]+/g));
    // Told of where they belong: the error class and its codes on a page of their own, the clock among the options.
    const elsewhere = ['TidemarkError', 'errorCodes', 'systemClock'];
    const exported = Object.keys(await import('../../src/index.ts')).filter((name) => !elsewhere.includes(name));
    expect(exported).to.include('openStore');
    expect(exported.filter((name) => !headed.has(name))).to.deep.equal([]);
  });

  it('names every member of a series handle', () => {
    expect(membersOf('SeriesHandle').filter((member) => !page.includes(`\`${member}`))).to.deep.equal([]);
  });
});
