/** The answer to a sender whose request can't be taken for the moment: 429, and when to try again. */
import { HttpError } from '../reply.ts';

/** Seconds after which a sender may try again. */
const RETRY_AFTER_SECONDS = '1';

export class TryLaterError extends HttpError {
  override readonly headers = { 'Retry-After': RETRY_AFTER_SECONDS };

  constructor(message: string) {
    super(429, 'unavailable', message);
  }
}
