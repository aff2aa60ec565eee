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

/** The part of the tree that a file belongs to: its folder below src, or the file itself where it is in none. */
export const zoneOf = (path: string): string => {
  const parts = path.split('/');
  if (parts[0] !== 'src') return parts[0];
  return parts.length > 2 ? parts[1] : parts[1].replace(/\.ts$/, '');
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
