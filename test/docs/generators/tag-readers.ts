/** Which source files ask for which tag of the statecharts, read from their text. */
import { codeOf, sourceFiles } from '../../architecture/source-tree.ts';

/** The functions of machines/store.machine.ts that combine tags, with the tags that they ask. */
const combining: Readonly<Record<string, readonly string[]>> = {
  isRunning: ['running'],
  admissionOf: ['running', 'readOnly', 'throttled'],
};

const productFiles = sourceFiles.filter((path) => path.startsWith('src/'));

const storeTagsIn = (code: string): string[] => [
  ...[...code.matchAll(/\b(?:hasTag|bool)\('(\w+)'\)/g)].map(([, tag]) => tag),
  ...Object.entries(combining).flatMap(([name, tags]) => (code.includes(`${name}(`) ? tags : [])),
];

const seriesTagsIn = (code: string): string[] => [...code.matchAll(/\bseriesTags\.(\w+)\[/g)].map(([, tag]) => tag);

const readersBy = (tagsIn: (code: string) => readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const readers = new Map<string, string[]>();
  for (const path of productFiles)
    for (const tag of new Set(tagsIn(codeOf(path)))) readers.set(tag, [...(readers.get(tag) ?? []), path]);
  return readers;
};

/** The files that ask for a tag of the store's chart. */
export const storeTagReaders = readersBy(storeTagsIn);

/** The files that ask for a tag of the chart of a series. */
export const seriesTagReaders = readersBy(seriesTagsIn);
