/** The two ways in which bytes fail to be what a decoder expects. Decoders of files turn them into `TIDEMARK_CORRUPT_…`. */

/** The bytes end within a value: a reader of slices takes it as "fetch more". */
export class OutOfBytes extends Error {
  override readonly name = 'OutOfBytes';

  constructor() {
    super('unexpected end of data');
  }
}

/** The bytes can't be what they should be. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}
