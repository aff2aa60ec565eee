import { TidemarkError } from './errors.ts';
import { detailOf, shownValue } from './shown-value.ts';

/** The error for an option that has no allowed value. `allowed` follows "allowed:" in the message. */
export const invalidOption = (name: string, value: unknown, allowed: string, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_OPTION', `${name} is ${shownValue(value)}; allowed: ${allowed}`, {
    cause,
    details: { option: name, value: detailOf(value) },
  });
