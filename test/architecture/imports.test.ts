/** The arrows of docs/architecture.md: imports only go down, and each library is known in few places. */
import { expect } from 'chai';
import { importsOf, isOwnFile, sourceFiles, zoneOf } from './source-tree.ts';

/** From the bottom up: a zone imports only from zones above it in this list, and from itself. */
const zones = [
  'shown-value',
  'errors',
  'logger',
  'clock',
  'random',
  'clock-scheduler',
  'package',
  'memory-limit',
  'keyed-mutex',
  'all-of',
  'slices',
  'stoppable',
  'model',
  'text',
  'chunk',
  'disk',
  'index',
  'journal',
  'machines',
  'streams',
  'options',
  'metrics',
  'series',
  'query',
  'recovery',
  'simulation',
  'store',
  'record-registry',
  'machine-export',
];

/** Doors for people: they see the product as a user does, and beside it only what is no part of the store. */
const doors = ['http', 'cli', 'ui'];
/** The simulator is no part of the store either: it is a tool that opens stores. */
const openToDoors = ['index', 'package', 'text', 'simulation', ...doors];

const imports = sourceFiles.flatMap(importsOf);
const ownImports = imports.filter(isOwnFile);

/** The public types name things of every layer, and are named by all; they are types alone. */
const isOfThePublicTypes = (path: string): boolean => path === 'src/api.ts';

const shown = ({ from, target }: { from: string; target: string }): string => `${from} imports ${target}`;

describe('the imports of the product', () => {
  it('only go down', () => {
    const upwards = ownImports.filter(({ from, target }) => {
      if (isOfThePublicTypes(from) || isOfThePublicTypes(target)) return false;
      if (from === 'src/index.ts' || doors.includes(zoneOf(from))) return false;
      const [fromRank, targetRank] = [zones.indexOf(zoneOf(from)), zones.indexOf(zoneOf(target))];
      return fromRank === -1 || targetRank === -1 || targetRank > fromRank || target === 'src/index.ts';
    });
    expect(upwards.map(shown)).to.deep.equal([]);
  });

  it('take types alone from, and to, the public types', () => {
    const values = ownImports.filter(
      ({ from, target, isType }) => !isType && [from, target].some(isOfThePublicTypes) && from !== 'src/index.ts',
    );
    expect(values.map(shown)).to.deep.equal([]);
  });

  it('of the command line, the server and the pages go through the door that users go through', () => {
    const around = ownImports.filter(
      ({ from, target }) =>
        doors.includes(zoneOf(from)) &&
        target !== 'src/index.ts' &&
        !openToDoors.filter((zone) => zone !== 'index').includes(zoneOf(target)),
    );
    expect(around.map(shown)).to.deep.equal([]);
  });

  it('keep machines to xstate and streams to rxjs, and both from each other', () => {
    const allowed: Readonly<Record<string, string>> = { machines: 'xstate', streams: 'rxjs' };
    const others = imports.filter(
      ({ from, target, isType }) =>
        zoneOf(from) in allowed && !isType && target !== allowed[zoneOf(from)] && zoneOf(target) !== zoneOf(from),
    );
    expect(others.map(shown)).to.deep.equal([]);
  });

  const knownBy = (library: string): string[] => [
    ...new Set(imports.filter(({ target, isType }) => target === library && !isType).map(({ from }) => from)),
  ];

  it('name LevelDB in one file', () => {
    expect(knownBy('level')).to.deep.equal(['src/index/level-stores.ts']);
  });

  it('name the PromQL grammar in one file', () => {
    expect(knownBy('@prometheus-io/lezer-promql')).to.deep.equal(['src/model/selector.ts']);
  });

  it('name XState in machines and in the one file that keeps the actors', () => {
    const others = knownBy('xstate').filter((path) => zoneOf(path) !== 'machines');
    expect(others.filter((path) => path !== 'src/series/actors.ts' && zoneOf(path) !== 'store')).to.deep.equal([]);
  });

  it('have no files in src/ that this test does not know', () => {
    const known = new Set([...zones, ...doors, 'api', 'index']);
    expect(sourceFiles.filter((path) => !known.has(zoneOf(path)))).to.deep.equal([]);
  });
});

describe('src/index.ts', () => {
  it('re-exports, and nothing else', () => {
    const own = imports.filter(({ from }) => from === 'src/index.ts');
    expect(own).to.have.length.above(0);
    expect(own.every(isOwnFile)).to.equal(true);
  });
});
