import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { errorCodes } from '../../src/model/errors.ts';

const page = readFileSync('docs/errors.md', 'utf8');
const headings = [...page.matchAll(/^### (TIDEMARK_[A-Z_]+)$/gm)].map(([, code]) => code);

describe('docs/errors.md', () => {
  it('has one heading for each error code, in the order of the code list, and no other', () => {
    expect(headings).to.deep.equal([...errorCodes]);
  });

  it('says of each what happened, what is safe and what to do', () => {
    const sections = page.split(/^### /m).slice(1);
    for (const section of sections) {
      const questions = [...section.matchAll(/^\*\*([^*]+)\*\*/gm)].map(([, question]) => question);
      expect(questions, section.split('\n', 1)[0]).to.deep.equal(['What happened.', 'What is safe.', 'What to do.']);
    }
  });
});
