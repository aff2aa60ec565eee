/**
 * The outcomes of adding a sample to a chunk, and the only error that codecs throw. Outcomes are small integers because
 * every appended sample returns one.
 */
import { TidemarkError } from '../model/errors.ts';

/** The sample is in the chunk. */
export const ADDED = 0;
/** The chunk is full: the sample starts a new chunk of the default encoding. */
export const OVERFLOW = 1;
/**
 * The chunk has to be rewritten with wider parameters before the sample can be added. The lower bits hold the
 * parameters, in the codec's own form.
 */
export const TRANSCODE = 0x1000;
export const TRANSCODE_PARAMETERS = 0x0fff;

/** An error about damaged bytes of a chunk, or about a sample that is too early for its chunk. */
export const corruptChunk = (message: string, details: Readonly<Record<string, unknown>> = {}): TidemarkError =>
  new TidemarkError('TIDEMARK_CORRUPT_CHUNK', message, { details });
