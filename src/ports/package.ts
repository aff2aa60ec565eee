/**
 * Finds files that the package ships beside its code: the thread of the series files, the pages. In the package and in a
 * clone they lie at known places. A program that was bundled has this code in a file of its own, so there they are looked
 * for in the installed package as well.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where the package keeps them. */
const LIBRARY = join('dist', 'lib');

/**
 * The path of the first of `places` that exists. A place is a path relative to `base`, the address of the code that
 * asks; the last part of the first one is also looked for in the installed package. `undefined`: it is nowhere.
 */
export const shippedFile = (places: readonly [string, ...string[]], base: string | undefined): string | undefined => {
  const beside = isFileUrl(base) ? places.map((place) => fileURLToPath(new URL(place, base))) : [];
  const found = beside.find((path) => existsSync(path));
  if (found !== undefined) return found;
  const installed = installedPackage(base);
  const path = installed && join(installed, LIBRARY, places[0]);
  return path !== undefined && existsSync(path) ? path : undefined;
};

/** A bundler for CommonJS may leave the address out. */
const isFileUrl = (url: string | undefined): url is string => url?.startsWith('file:') === true;

/** The folder of the installed package, as the code at `base` or the program's main file finds it. */
const installedPackage = (base: string | undefined): string | undefined => {
  const starts = [base, process.argv[1] && pathToFileURL(process.argv[1]).href].filter(isFileUrl);
  for (const start of starts) {
    try {
      return dirname(createRequire(start).resolve('tidemark/package.json'));
    } catch {
      // Not there. The next place may have it.
    }
  }
  return undefined;
};
