/** The directory of the demo: a temporary one that is removed at the end, or one that was named and is new or empty. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../text/error-text.ts';
import { readingError } from '../input-files.ts';
import { UsageError } from '../verb.ts';

export interface DemoDirectory {
  readonly path: string;
  readonly isTemporary: boolean;
  /** Removes a temporary directory. */
  readonly remove: () => void;
}

const entriesOf = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new UsageError(`--demo: ${readingError(path, error).message}`);
  }
};

/** Throws a usage error for a directory that has content: the demo would mix its metrics into it and damage its files. */
export const demoDirectory = (named: string | undefined): DemoDirectory => {
  if (named === undefined) {
    const path = mkdtempSync(join(tmpdir(), 'tidemark-demo-'));
    return { path, isTemporary: true, remove: () => rmSync(path, { recursive: true, force: true }) };
  }
  if (entriesOf(named).length > 0)
    throw new UsageError(
      `--demo takes a directory that is new or empty, because it damages files; ${named} has content. Without DIR it makes a temporary one.`,
    );
  return { path: named, isTemporary: false, remove: () => {} };
};
