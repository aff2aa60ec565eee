/** What the system says of the disk, said as the store says it. */
import { ioError } from '../disk/io-error.ts';
import { systemCode } from '../errors.ts';

/** A system error as one of the store's, with what was being done; any other error stays as it is. */
export const storeError = (error: unknown, action: string, what: string): unknown =>
  systemCode(error) === undefined ? error : ioError(error, action, what);
