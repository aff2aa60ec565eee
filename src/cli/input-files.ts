/** The files that arguments name; `-` is stdin. An error names the file. */
import { once } from 'node:events';
import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { codeOf, messageOf } from '../text/error-text.ts';
import type { Terminal } from './terminal.ts';

const STDIN = '-';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

/** The name of an input in messages. */
export const nameOfInput = (path: string): string => (path === STDIN ? 'stdin' : path);

/** An error of reading that names the file and the reason. */
export const readingError = (path: string, error: unknown): Error => {
  const reason = reasons[codeOf(error) ?? ''] ?? messageOf(error);
  return new Error(`${nameOfInput(path)} can't be read: ${reason}`, { cause: error });
};

/** Rejects with an error that names the file if one of the inputs can't be read. */
export const checkInputs = async (paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    if (path === STDIN) continue;
    try {
      await access(path, constants.R_OK);
      if ((await stat(path)).isDirectory()) throw new Error(reasons['EISDIR']);
    } catch (error) {
      throw readingError(path, error);
    }
  }
};

/** Opens an input as a stream. Rejects with an error that names the file; later errors are those of the stream. */
export const openInput = async (path: string, { input }: Pick<Terminal, 'input'>): Promise<Readable> => {
  if (path === STDIN) return input;
  const stream = createReadStream(path);
  try {
    await once(stream, 'ready');
    return stream;
  } catch (error) {
    throw readingError(path, error);
  }
};

/** The text of a file or of stdin. Rejects with an error that names the file. */
export const readInputText = async (path: string, terminal: Pick<Terminal, 'input'>): Promise<string> => {
  const stream = await openInput(path, terminal);
  try {
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array));
    return Buffer.concat(pieces).toString();
  } catch (error) {
    throw readingError(path, error);
  }
};
