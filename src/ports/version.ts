/** The version of the package. In the package that is shipped, the build has put it in this file's place. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const readVersion = (folder: string): string => {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
  } catch (error) {
    const parent = dirname(folder);
    if (parent === folder) throw error;
    return readVersion(parent);
  }
};

export const version = readVersion(import.meta.dirname);
