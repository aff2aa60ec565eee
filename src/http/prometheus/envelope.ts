/** Prometheus' envelope around an answer, as pieces: the whole answer is never one text. */
import { sendPieces } from '../reply.ts';
import type { StoreExchange } from '../router.ts';

const ITEMS_PER_PIECE = 128;

interface Notes {
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** A JSON array, in pieces of some items. */
export function* arrayPieces<T>(items: readonly T[], textOf: (item: T) => string): Generator<string> {
  yield '[';
  for (let from = 0; from < items.length; from += ITEMS_PER_PIECE) {
    const texts = items.slice(from, from + ITEMS_PER_PIECE).map(textOf);
    yield (from === 0 ? '' : ',') + texts.join(',');
  }
  yield ']';
}

function* envelopePieces(
  data: Iterable<string | Uint8Array>,
  { warnings = [], infos = [] }: Notes,
): Generator<string | Uint8Array> {
  yield '{"status":"success","data":';
  yield* data;
  if (warnings.length > 0) yield `,"warnings":${JSON.stringify(warnings)}`;
  if (infos.length > 0) yield `,"infos":${JSON.stringify(infos)}`;
  yield '}';
}

/** Streams `{"status":"success","data":…}`, with warnings and infos if there are any. */
export const sendEnvelope = (
  exchange: StoreExchange,
  data: Iterable<string | Uint8Array>,
  notes: Notes = {},
): Promise<void> => sendPieces(exchange, 'application/json; charset=utf-8', envelopePieces(data, notes));
