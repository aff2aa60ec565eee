/** The arrows of docs/architecture.md: imports only go down, and each library is known in few places. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect } from 'chai';
import { importsOf, isOwnFile, roomOf, rooms, shortName, sourceFiles, zoneOf } from './source-tree.ts';

const imports = sourceFiles.flatMap(importsOf);
const ownImports = imports.filter(isOwnFile);

const shown = ({ from, target }: { from: string; target: string }): string => `${from} imports ${target}`;

describe('the table of folders in docs/architecture.md', () => {
  const rankOf = (path: string): number => rooms.findIndex((room) => room.path === roomOf(path));

  it('names the folder of every file, and no folder without a file', () => {
    expect(sourceFiles.filter((path) => roomOf(path) === undefined)).to.deep.equal([]);
    const used = new Set(sourceFiles.map(roomOf));
    expect(rooms.map(({ path }) => path).filter((path) => !used.has(path))).to.deep.equal([]);
  });

  it('is in an order in which imports only go down', () => {
    const upwards = ownImports.filter(({ from, target }) => rankOf(target) < rankOf(from));
    expect(upwards.map(shown)).to.deep.equal([]);
  });

  it('says what each folder imports', () => {
    for (const { path, imports: told } of rooms) {
      const targets = ownImports.filter(({ from }) => roomOf(from) === path).map(({ target }) => roomOf(target) ?? '');
      const others = new Set(targets.filter((target) => target !== path));
      const inOrder = rooms.filter((room) => others.has(room.path)).map((room) => shortName(room.path));
      expect(told, path).to.deep.equal(inOrder);
    }
  });
});

describe('the names of source files', () => {
  it('stand for one thing each; a verb of the command line has the name of what it shows', () => {
    const places = new Map<string, string[]>();
    for (const path of sourceFiles) {
      if (basename(path) === 'index.ts' || path.startsWith('src/cli/verbs/')) continue;
      places.set(basename(path), [...(places.get(basename(path)) ?? []), path]);
    }
    expect([...places.values()].filter(({ length }) => length > 1)).to.deep.equal([]);
  });
});

describe('the imports of the product', () => {
  it('of the public types are types', () => {
    const values = ownImports.filter(({ from, isType }) => !isType && zoneOf(from) === 'api');
    expect(values.map(shown)).to.deep.equal([]);
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
    expect(knownBy('level')).to.deep.equal(['src/indexes/level-stores.ts']);
  });

  it('do not name the PromQL grammar, which is there for comparisons in tests', () => {
    expect(knownBy('@prometheus-io/lezer-promql')).to.deep.equal([]);
  });

  it('name XState and RxJS in the files that docs/architecture.md names', () => {
    for (const [library, zone] of [
      ['xstate', 'machines'],
      ['rxjs', 'streams'],
    ] as const) {
      const named = new RegExp(`^\\| \`${library}\` \\|([^|]*)\\|$`, 'm').exec(
        readFileSync('docs/architecture.md', 'utf8'),
      );
      const files = [...(named?.[1].matchAll(/`([^`]+)`/g) ?? [])].map(([, path]) => path);
      expect(knownBy(library).filter((path) => zoneOf(path) !== zone)).to.deep.equal(files);
    }
  });
});

describe('src/index.ts', () => {
  it('re-exports, and nothing else', () => {
    const own = imports.filter(({ from }) => from === 'src/index.ts');
    expect(own).to.have.length.above(0);
    expect(own.every(isOwnFile)).to.equal(true);
  });
});
