/** Time, chance and files arrive through ports, so that the simulator owns them: nothing else may reach for them. */
import { expect } from 'chai';
import { codeOf, importsOf, sourceFiles, zoneOf } from './source-tree.ts';

/** Doors for people run on a real machine, in real time; the store and everything below it does not know. */
const doors = ['http', 'cli', 'ui'];

const implementations = [
  'src/ports/clock.ts',
  'src/ports/random.ts',
  'src/files/node-file-system.ts',
  'src/files/flock-holder.ts',
  'src/files/directory-claim.ts',
  'src/files/process-identity.ts',
  'src/indexes/level-stores.ts',
  'src/indexes/level-inspection.ts',
  // What the machine and the package are, read once and never written.
  'src/ports/memory-limit.ts',
  'src/ports/package.ts',
  'src/ports/version.ts',
];

const bound = sourceFiles.filter((path) => !doors.includes(zoneOf(path)) && !implementations.includes(path));

const reachesFor = (pattern: RegExp): string[] =>
  bound.flatMap((path) => [...codeOf(path).matchAll(pattern)].map(([found]) => `${path}: ${found}`));

describe('product code outside the ports', () => {
  it('asks no clock but the one it was given', () => {
    expect(reachesFor(/\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bprocess\.hrtime\b/g)).to.deep.equal([]);
  });

  it('sets no timer of its own', () => {
    expect(reachesFor(/(?<![.\w])(?:globalThis\.)?(?:setTimeout|setInterval|setImmediate)\(/g)).to.deep.equal([]);
  });

  it('draws no chance but from the source it was given', () => {
    expect(reachesFor(/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/g)).to.deep.equal([]);
  });

  it('touches no file but through the file system it was given', () => {
    const files = bound.flatMap(importsOf).filter(({ target }) => /^node:fs\b/.test(target));
    expect(files.map(({ from, target }) => `${from}: ${target}`)).to.deep.equal([]);
  });

  it('starts no thread but the one that series files have', () => {
    const threads = sourceFiles.flatMap(importsOf).filter(({ target }) => target === 'node:worker_threads');
    const others = threads.filter(({ from }) => !from.startsWith('src/disk/series-files/series-file-'));
    expect(others.map(({ from }) => from)).to.deep.equal([]);
  });
});
