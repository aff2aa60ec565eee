/** Temporary directories for tests, created on demand and removed after each test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A new empty directory that no other test uses. */
export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  made.push(directory);
  return directory;
};

/** Removes all temporary directories; call it in an `afterEach`. */
export const removeTemporaryDirectories = (): void => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
};
