/**
 * The token of `serve`, kept in the store's directory so that open pages and configured programs go on after a restart.
 * The file is readable by its owner alone. Backups don't contain it.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, messageOf } from '../text/error-text.ts';

const TOKEN_FILE = 'HTTP_TOKEN';
const OWNER_ONLY = 0o600;
const fileBytesMax = 4096;

export interface KeptToken {
  readonly token: string;
  /** Whether the directory has the token already. */
  readonly isKept: boolean;
  /** Why a file that is there is not used. */
  readonly problem?: string;
}

const newToken = (problem?: string): KeptToken => ({
  token: randomBytes(16).toString('hex'),
  isKept: false,
  ...(problem === undefined ? {} : { problem }),
});

/** The token that a directory keeps, or a new one. A token that other users could read is not used again. */
export const readToken = (directory: string): KeptToken => {
  const path = join(directory, TOKEN_FILE);
  try {
    const { mode, size } = statSync(path);
    // Windows has no such permissions; there the directory's own ones protect the file.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      return newToken(`${path} can be read by others, so its token is replaced`);
    const token = size > fileBytesMax ? '' : readFileSync(path, 'utf8').trim();
    return /^[\w.~-]{8,}$/.test(token)
      ? { token, isKept: true }
      : newToken(`${path} has no token, so it is written again`);
  } catch (error) {
    return newToken(codeOf(error) === 'ENOENT' ? undefined : `${path} can't be read: ${messageOf(error)}`);
  }
};

/**
 * Keeps a token in a directory, which must be an open store's: another process must not write it meanwhile. Returns why
 * it could not be kept, or `undefined`.
 */
export const keepToken = (directory: string, token: string): string | undefined => {
  const path = join(directory, TOKEN_FILE);
  const temporary = `${path}.tmp`;
  try {
    rmSync(temporary, { force: true });
    // A new file, so that its permissions are the given ones from the start.
    const fd = openSync(temporary, 'wx', OWNER_ONLY);
    try {
      writeFileSync(fd, `${token}\n`);
    } finally {
      closeSync(fd);
    }
    chmodSync(temporary, OWNER_ONLY);
    renameSync(temporary, path);
    return undefined;
  } catch (error) {
    rmSync(temporary, { force: true });
    return messageOf(error);
  }
};
