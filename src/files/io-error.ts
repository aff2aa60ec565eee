/**
 * System errors of file calls -> errors of the store: `TIDEMARK_DISK_FULL` when there is no space, `TIDEMARK_IO`
 * otherwise. The error has the system's code and the file's name, which Node's errors of reads and writes lack.
 */
import { codeOf, isDiskFull, TidemarkError, textOf } from '../model/errors.ts';

/** Wraps an error of a call on `file`. An error that is already a {@link TidemarkError} is returned as it is. */
export const ioError = (error: unknown, action: string, file: string): TidemarkError => {
  if (error instanceof TidemarkError) return error;
  const code = codeOf(error);
  return new TidemarkError(
    isDiskFull(error) ? 'TIDEMARK_DISK_FULL' : 'TIDEMARK_IO',
    `can't ${action} ${file}: ${reasonOf(error)}`,
    {
      cause: error,
      details: { file, ...(code === undefined ? {} : { systemCode: code }) },
    },
  );
};

/** What the system says, without the call and the file that Node adds: the message has both already. */
const reasonOf = (error: unknown): string => textOf(error).replace(/^(E[A-Z\d]+: .*), [a-z]+(?: '[^']*')?$/s, '$1');

/** Whether a call failed because nothing exists at the path. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
