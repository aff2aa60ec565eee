/** `/api/v1/export`: the samples of selectors as JSON lines. */
import { jsonLinePieces } from '../../text/json-lines.ts';
import { matchParams, rangeParams } from '../params.ts';
import { sendPieces } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { encodeWarnings, warningsHeader, warningsMax, warningsOf } from '../warnings.ts';

async function* exportedLines({ store, params, signal, response }: StoreExchange): AsyncIterable<string> {
  const bits = params.get('bits') === '1';
  const warnings: string[] = [];
  for (const selector of matchParams(params, { required: true })) {
    for await (const one of store.select(selector, { ...rangeParams(params), signal })) {
      if (warnings.length < warningsMax) warnings.push(...warningsOf(one));
      if (one.timestamps.length > 0) yield* jsonLinePieces(one, { bits });
    }
  }
  if (warnings.length > 0) response.addTrailers({ [warningsHeader]: encodeWarnings(warnings) });
}

export const exportLines = (exchange: StoreExchange): Promise<void> => {
  const { request, response } = exchange;
  // Only a chunked response can have a trailer, so there is none for HEAD and in HTTP/1.0.
  if (request.httpVersion === '1.1' && request.method !== 'HEAD') response.setHeader('Trailer', warningsHeader);
  return sendPieces(exchange, 'application/stream+json; charset=utf-8', exportedLines(exchange));
};
