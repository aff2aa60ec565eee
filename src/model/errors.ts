/**
 * Every error that Tidemark throws on purpose has this one class, a stable `code` and the `cause`.
 *
 * docs/errors.md has a heading for each code: what happened, what is safe, what to do. A test compares this list with
 * those headings.
 */
import { cutText, escapeControls } from './shown-value.ts';

export const errorCodes = [
  // Mistakes in the call.
  'TIDEMARK_INVALID_OPTION',
  'TIDEMARK_INVALID_LABELS',
  'TIDEMARK_INVALID_TIMESTAMP',
  'TIDEMARK_INVALID_VALUE',
  'TIDEMARK_INVALID_SELECTOR',
  'TIDEMARK_INVALID_RULES',
  'TIDEMARK_QUERY_SYNTAX',
  'TIDEMARK_QUERY_FAILED',
  'TIDEMARK_QUERY_LIMIT',
  'TIDEMARK_INVALID_POSITION',
  'TIDEMARK_INVALID_TEXT',
  'TIDEMARK_OUT_OF_ORDER',
  'TIDEMARK_DUPLICATE_TIMESTAMP',
  'TIDEMARK_TOO_OLD',
  'TIDEMARK_TOO_FAR_AHEAD',
  'TIDEMARK_READ_ONLY',
  'TIDEMARK_CLOSED',
  'TIDEMARK_ABORTED',
  'TIDEMARK_MISSING_PACKAGE',
  'TIDEMARK_STREAM_CONFLICT',
  // A mistake in how the program was built or installed.
  'TIDEMARK_MISSING_FILE',
  // Temporary: the same call works later.
  'TIDEMARK_THROTTLED',
  'TIDEMARK_LOCKED',
  // Problems of the data on disk, or of the disk itself.
  'TIDEMARK_DISK_FULL',
  'TIDEMARK_IO',
  'TIDEMARK_NOT_A_STORE',
  'TIDEMARK_UNSUPPORTED_VERSION',
  'TIDEMARK_CORRUPT_CHUNK',
  'TIDEMARK_CORRUPT_SERIES_FILE',
  'TIDEMARK_CORRUPT_HEADS',
  'TIDEMARK_CORRUPT_MAPPINGS',
  'TIDEMARK_CORRUPT_INDEX',
  'TIDEMARK_CORRUPT_JOURNAL',
  'TIDEMARK_TOO_MANY_COLLISIONS',
  // Defects of Tidemark.
  'TIDEMARK_INTERNAL',
] as const;

/** The stable code of a {@link TidemarkError}. */
export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable facts: the option's name, the file, the byte offset, what was expected. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A last resort: the code that builds a message already shortens values given by the caller. */
const MESSAGE_LENGTH_MAX = 2000;

/** An error of the store. `code` is stable, the message is for people. */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(
      escapeControls(cutText(message, MESSAGE_LENGTH_MAX)),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The code of an error: `TIDEMARK_…`, or of a system error `ENOENT`, `ENOSPC` …; `undefined` if it has none. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** The message of an error, or the text of any other thrown value. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether the error reports damaged data. An error of the disk is not damage: the data may still be whole. */
export const isDamage = (error: unknown): error is TidemarkError =>
  error instanceof TidemarkError && error.code.startsWith('TIDEMARK_CORRUPT_');

/** Whether the disk is full. The store then pauses writing; nothing is damaged. */
export const isDiskFull = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'TIDEMARK_DISK_FULL';
};

/** Whether the disk caused the error. The store then waits until the disk works again and retries the operation. */
export const isDiskTrouble = (error: unknown): boolean =>
  isDiskFull(error) || (error instanceof TidemarkError && error.code === 'TIDEMARK_IO');
