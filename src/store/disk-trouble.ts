/** Telling the disk's errors from others: for these the store waits, and tries again what it was about to do. */
import { ioError } from '../disk/io-error.ts';
import { isDiskFull, systemCode, TidemarkError } from '../errors.ts';

/** Whether an error is the disk's, so that the store waits for it to get well. */
export const isDiskTrouble = (error: unknown): boolean =>
  isDiskFull(error) || (error instanceof TidemarkError && error.code === 'TIDEMARK_IO');

/** A system error as one of the store's, with what was being done; any other error stays as it is. */
export const storeError = (error: unknown, action: string, what: string): unknown =>
  systemCode(error) === undefined ? error : ioError(error, action, what);
