/** Codes with which the store refuses one sample or one label set. They are counted, and the others are taken. */
import type { ErrorCode } from '../index.ts';

export const refusals: ReadonlySet<string> = new Set([
  'TIDEMARK_OUT_OF_ORDER',
  'TIDEMARK_TOO_OLD',
  'TIDEMARK_TOO_FAR_AHEAD',
  'TIDEMARK_DUPLICATE_TIMESTAMP',
  'TIDEMARK_INVALID_LABELS',
  'TIDEMARK_INVALID_TIMESTAMP',
  'TIDEMARK_INVALID_VALUE',
  'TIDEMARK_TOO_MANY_COLLISIONS',
] satisfies ErrorCode[]);
