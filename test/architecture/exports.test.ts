/** What the product exports, the product uses: what only tests call belongs to the tests. */
import { expect } from 'chai';
import { codeOf, sourceFiles } from './source-tree.ts';

/** Exports that the product does not name anywhere else, with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  'src/cli/run.ts: runOneVerb': 'the entry point of `npm run simulate`, which is beside the product',
};

const codes = new Map(sourceFiles.map((path) => [path, codeOf(path)]));
const words = new Map([...codes].map(([path, code]) => [path, code.match(/\b[\w$]+\b/g) ?? []]));

/** How often the product names something. Its declaration is one of the times. */
const counts = new Map<string, number>();
for (const each of words.values()) for (const word of each) counts.set(word, (counts.get(word) ?? 0) + 1);

describe('the exports of the product', () => {
  it('are used by the product, each of them', () => {
    const unused = [...codes].flatMap(([path, code]) =>
      [...code.matchAll(/^export (?:async )?(?:const|function\*?|class) (\w+)/gm)]
        .map(([, name]) => name)
        .filter((name) => counts.get(name) === 1)
        .map((name) => `${path}: ${name}`),
    );
    expect(unused.sort()).to.deep.equal(Object.keys(exceptions).sort());
  });
});
