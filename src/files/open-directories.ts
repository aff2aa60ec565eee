/**
 * The directories that this process has open for writing. The table is kept on `globalThis`, so that two copies of this
 * package in one process share it.
 */

export interface OpenDirectory {
  /** Random text that identifies this opening. DIRTY has the same text while `isMarked`. */
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  readonly since: number;
  /** Whether DIRTY is written and is not about to be removed. */
  isMarked: boolean;
  /** Whether the path under which the directory was opened still leads to it. */
  isInPlace(): boolean;
}

const KEY = Symbol.for('tidemark.openDirectories');

const table = (): Map<string, OpenDirectory> => {
  const holder = globalThis as { [KEY]?: Map<string, OpenDirectory> };
  let directories = holder[KEY];
  if (directories === undefined) {
    directories = new Map();
    // Not enumerable: programs that list their globals should not see it.
    Object.defineProperty(holder, KEY, { value: directories });
  }
  return directories;
};

/** The entry of the opening that has one of the names. */
export const findOpen = (names: readonly string[]): OpenDirectory | undefined => {
  for (const name of names) {
    const found = table().get(name);
    if (found !== undefined) return found;
  }
  return undefined;
};

export const addOpen = (names: readonly string[], directory: OpenDirectory): void => {
  for (const name of names) table().set(name, directory);
};

export const removeOpen = (names: readonly string[], directory: OpenDirectory): void => {
  for (const name of names) if (table().get(name) === directory) table().delete(name);
};
