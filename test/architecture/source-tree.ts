/** The product's source files as data: what each imports, and its text without comments. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

export interface Import {
  readonly from: string;
  /** The imported file, or the name of a package or of a module of Node's. */
  readonly target: string;
  /** Erased when compiling. */
  readonly isType: boolean;
}

const posix = (path: string): string => path.split(sep).join('/');

export const sourceFiles: readonly string[] = ['machines', 'streams', 'src']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => posix(join(folder, path))),
  )
  .sort();

/** A row of the table of folders in docs/architecture.md. */
export interface Room {
  /** As the table names it: a folder with a slash at its end, or a file. */
  readonly path: string;
  /** What the table says that it imports, by short names. */
  readonly imports: readonly string[];
}

/** From the top down: a room imports only what comes after it. */
export const rooms: readonly Room[] = [
  ...readFileSync('docs/architecture.md', 'utf8').matchAll(
    /^\| `((?:src|machines|streams)\/[^`]*)` \|[^|]*\|([^|]*)\|$/gm,
  ),
].map(([, path, cell]) => ({ path, imports: [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name) }));

/** The room that a file belongs to: the innermost folder of the table; `undefined` for a file outside. */
export const roomOf = (path: string): string | undefined =>
  rooms
    .map((room) => room.path)
    .filter((room) => path === room || (room.endsWith('/') && path.startsWith(room)))
    .sort((a, b) => b.length - a.length)[0];

/** How the table's last column names a room. */
export const shortName = (room: string): string => room.replace(/^src\//, '').replace(/\/$/, '');

/** The folder below src that a file is in, the file itself where it is in none, or the folder beside src. */
export const zoneOf = (path: string): string => {
  const parts = path.split('/');
  return parts[0] === 'src' ? parts[1] : parts[0];
};

const statement = /^(?:import|export)\s+(type\s+)?(?:[^;'"]*?\sfrom\s+)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

export const importsOf = (path: string): Import[] => {
  const text = readFileSync(path, 'utf8');
  const resolved = (target: string): string =>
    target.startsWith('.') ? posix(normalize(join(dirname(path), target))) : target;
  return [
    ...[...text.matchAll(statement)].map(([, type, target]) => ({
      from: path,
      target: resolved(target),
      isType: type !== undefined,
    })),
    ...[...text.matchAll(dynamic)].map(([, target]) => ({ from: path, target: resolved(target), isType: false })),
  ];
};

export const isOwnFile = ({ target }: Import): boolean => target.endsWith('.ts');

/** The code of a file, comments blanked out, so that a word in a sentence is no use of it. */
export const codeOf = (path: string): string =>
  readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$/gm, '');
