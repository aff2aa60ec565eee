/** Turns system errors of the disk into errors of the store. */
import { ioError } from '../files/io-error.ts';
import { codeOf } from '../model/errors.ts';

/** Turns a system error into a `TidemarkError` that names the action. Any other error is returned unchanged. */
export const storeError = (error: unknown, action: string, what: string): unknown =>
  codeOf(error) === undefined ? error : ioError(error, action, what);
