/** The two errors of decoders about their bytes. Decoders of files turn them into `TIDEMARK_CORRUPT_…`. */

/** The bytes end within a value. A reader of slices then fetches more bytes. */
export class OutOfBytes extends Error {
  override readonly name = 'OutOfBytes';

  constructor() {
    super('unexpected end of data');
  }
}

/** The bytes are not valid for the expected format. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}
