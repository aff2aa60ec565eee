/** Writes an ExportMetricsServiceResponse: empty if all points were taken, with `partial_success` if some were not. */
import { ProtobufWriter } from '../wire/protobuf-writer.ts';

export type OtlpFormat = 'protobuf' | 'json';

export const exportResponse = (format: OtlpFormat, rejectedPoints: number, message: string): Buffer => {
  const isPartial = rejectedPoints > 0 || message !== '';
  if (format === 'json') {
    // Integers of 64 bits are text in the JSON of Protocol Buffers.
    const partialSuccess = { rejectedDataPoints: String(rejectedPoints), errorMessage: message };
    return Buffer.from(JSON.stringify(isPartial ? { partialSuccess } : {}));
  }
  if (!isPartial) return Buffer.alloc(0);
  const writer = new ProtobufWriter();
  writer.begin(1);
  writer.uint(1, rejectedPoints);
  writer.string(2, message);
  writer.end();
  return writer.finish();
};
