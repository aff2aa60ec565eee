/** Paths with `*`, `?` and `[…]` as Go's `filepath.Glob` takes them: a pattern without a match is no error. */
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

const isPattern = (text: string): boolean => /[*?[]/.test(text);

const regexOf = (segment: string): RegExp =>
  new RegExp(
    `^${segment.replace(/\[\^?[^\]]+\]|[\s\S]/g, (part) => {
      if (part === '*') return '.*';
      if (part === '?') return '.';
      return part.length > 1 ? part : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    })}$`,
    's',
  );

/** The files of a path with patterns, sorted. A path without a pattern is returned as it is. */
export const globPaths = async (path: string): Promise<readonly string[]> => {
  if (!isPattern(path)) return [path];
  let found = [isAbsolute(path) ? '/' : ''];
  for (const segment of path.split('/').filter((part) => part !== '')) {
    if (!isPattern(segment)) {
      found = found.map((folder) => join(folder, segment));
      continue;
    }
    const matching = regexOf(segment);
    const lists = found.map(async (folder) => {
      const names = await readdir(folder === '' ? '.' : folder).catch(() => []);
      return names
        .filter((name) => matching.test(name))
        .sort()
        .map((name) => join(folder, name));
    });
    found = (await Promise.all(lists)).flat();
  }
  return found;
};
