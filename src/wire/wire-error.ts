/** Bytes from elsewhere that are not in the format that their sender announced. The message names the place. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
