/**
 * What a codec answers when it is asked to add a sample, and the one error it throws. Small integers, because the answer
 * is given for every sample.
 */
import { TidemarkError } from '../errors.ts';

/** The sample is in the chunk. */
export const ADDED = 0;
/** The chunk is complete: the sample starts a new one, of the default encoding. */
export const OVERFLOW = 1;
/**
 * The chunk has to be written again with wider parameters, which are in the lower bits and belong to the codec; then the
 * sample is added to the result.
 */
export const TRANSCODE = 0x1000;
export const TRANSCODE_PARAMETERS = 0x0fff;

/** An error about the bytes of a chunk, or about a sample that its chunk cannot follow. */
export const corruptChunk = (message: string, details: Readonly<Record<string, unknown>> = {}): TidemarkError =>
  new TidemarkError('TIDEMARK_CORRUPT_CHUNK', message, { details });
