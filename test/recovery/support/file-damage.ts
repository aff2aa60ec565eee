/** Damages one file of a directory; a seed selects the file and the damage. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { seeded } from '../../support/seeded.ts';

/** Kinds of files. Each kind is damaged equally often, however many files it has. */
const kindsByPath: readonly (readonly [kind: string, path: RegExp])[] = [
  ['series', /^[0-9a-f]{2}\/[0-9a-f]{14}\.db$/],
  ['checksums', /^checksums\//],
  ['quarantine', /^orphaned\//],
  ['history', /^journal\/history\//],
  ['subscription', /^journal\/subscriptions\//],
  ['journal', /^journal\/.*\.journal$/],
  ['table of an index', /^(archived_|label).*\/.*\.ldb$/],
  ['log of an index', /^(archived_|label).*\/\d+\.log$/],
  ['manifest of an index', /^(archived_|label).*\/MANIFEST/],
  ['CURRENT of an index', /^(archived_|label).*\/CURRENT$/],
];

export const kindOf = (path: string): string =>
  kindsByPath.find(([, pattern]) => pattern.test(path))?.[0] ?? path.replace(/^journal\//, '');

export interface FileDamage {
  readonly kind: string;
  /** Paths relative to the directory; two if the contents of two files were exchanged. */
  readonly files: readonly string[];
  readonly what: string;
}

type Chance = ReturnType<typeof seeded>;

/** A range of a file of `length` bytes: short, of a record's length, or long. */
const rangeIn = (chance: Chance, length: number): readonly [from: number, to: number] => {
  const from = chance.int(Math.max(1, length));
  return [from, Math.min(length, from + 1 + chance.int([6, 90, 3000][chance.int(3)]))];
};

const changes: Readonly<Record<string, (bytes: Buffer, chance: Chance) => Buffer>> = {
  'a bit flipped': (bytes, chance) => {
    if (bytes.length > 0) bytes[chance.int(bytes.length)] ^= 1 << chance.int(8);
    return bytes;
  },
  'bytes changed': (bytes, chance) => {
    for (let left = 2 + chance.int(12); left > 0 && bytes.length > 0; left--)
      bytes[chance.int(bytes.length)] = chance.int(256);
    return bytes;
  },
  'end cut off': (bytes, chance) => bytes.subarray(0, chance.int(Math.max(1, bytes.length))),
  'range cut out': (bytes, chance) => {
    const [from, to] = rangeIn(chance, bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  'range zeroed': (bytes, chance) => bytes.fill(0, ...rangeIn(chance, bytes.length)),
  'range repeated': (bytes, chance) => {
    const [from, to] = rangeIn(chance, bytes.length);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  'noise at the end': (bytes, chance) =>
    Buffer.concat([bytes, Buffer.from(Array.from({ length: 1 + chance.int(1500) }, () => chance.int(256)))]),
  emptied: () => Buffer.alloc(0),
};

/** Damages one file, or exchanges the contents of two. */
export const damageFile = (directory: string, chance: Chance): FileDamage => {
  const byKind = new Map<string, string[]>();
  for (const path of filesIn(directory)) byKind.set(kindOf(path), [...(byKind.get(kindOf(path)) ?? []), path]);
  const kinds = [...byKind.keys()].sort();
  const kind = kinds[chance.int(kinds.length)];
  const files = byKind.get(kind) ?? [];
  const file = files[chance.int(files.length)];
  const names = Object.keys(changes);
  const choice = chance.int(names.length + 3);
  if (choice === names.length) {
    rmSync(join(directory, file));
    return { kind, files: [file], what: 'deleted' };
  }
  if (choice === names.length + 1 && files.length > 1) {
    const other = files[(files.indexOf(file) + 1 + chance.int(files.length - 1)) % files.length];
    const [one, two] = [file, other].map((name) => readFileSync(join(directory, name)));
    writeFileSync(join(directory, file), two);
    writeFileSync(join(directory, other), one);
    return { kind, files: [file, other], what: 'exchanged' };
  }
  const what = names[choice] ?? names[0];
  writeFileSync(join(directory, file), changes[what](readFileSync(join(directory, file)), chance));
  return { kind, files: [file], what };
};

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
