/** Time, chance and files arrive through ports, so that the simulator owns them: nothing else may reach for them. */
import { expect } from 'chai';
import { codeOf, importsOf, sourceFiles, zoneOf } from './source-tree.ts';

/** Doors for people run on a real machine, in real time; the store and everything below it does not know. */
const doors = ['http', 'cli', 'ui'];

const implementations = [
  'src/clock.ts',
  'src/simulation/simulated-clock.ts',
  'src/random.ts',
  'src/disk/node-file-system.ts',
  'src/disk/flock-holder.ts',
  'src/disk/directory-claim.ts',
  'src/disk/process-identity.ts',
  'src/index/level-stores.ts',
  'src/index/level-inspection.ts',
  // What the machine and the package are, read once and never written.
  'src/memory-limit.ts',
  'src/package.ts',
];

const bound = sourceFiles.filter((path) => !doors.includes(zoneOf(path)) && !implementations.includes(path));

const reachesFor = (pattern: RegExp): string[] =>
  bound.flatMap((path) => [...codeOf(path).matchAll(pattern)].map(([found]) => `${path}: ${found}`));

describe('product code outside the ports', () => {
  it('asks no clock but the one it was given', () => {
    expect(reachesFor(/\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bprocess\.hrtime\b/g)).to.deep.equal([]);
  });

  it('sets no timer of its own', () => {
    const timers = reachesFor(/(?<![.\w])(?:globalThis\.)?(?:setTimeout|setInterval|setImmediate)\(/g);
    // The simulator gives real I/O of the libraries below it a turn; its own time does not pass meanwhile.
    expect(timers.filter((found) => !found.startsWith('src/simulation/drive.ts'))).to.deep.equal([]);
  });

  it('draws no chance but from the source it was given', () => {
    expect(reachesFor(/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/g)).to.deep.equal([]);
  });

  it('touches no file but through the file system it was given', () => {
    const files = bound.flatMap(importsOf).filter(({ target }) => /^node:fs\b/.test(target));
    expect(files.map(({ from, target }) => `${from}: ${target}`)).to.deep.equal([]);
  });

  it('starts no thread but the one that series files have, and those of the simulator', () => {
    const threads = sourceFiles.flatMap(importsOf).filter(({ target }) => target === 'node:worker_threads');
    const others = threads.filter(({ from }) => !/^src\/(disk\/series-file|cli\/verbs\/simulate)-/.test(from));
    expect(others.map(({ from }) => from)).to.deep.equal([]);
  });
});
