/**
 * The payload of an events record: one or more lifecycle events that happened together
 * (docs/formats/journal.md, "Events").
 *
 *     varint   number of events, then for each
 *     1        code: 0 JSON, 1 series created
 *     JSON:    zigzag varint length, UTF-8 text
 *     created: 8 time, float64 as two big-endian halves; 8 fingerprint, big endian; the metric
 *              (docs/formats/codable.md)
 *
 * Creations are by far the most frequent events. They have their own form, which takes a third of the JSON's bytes.
 */
import { HIGH_WORD, LOW_WORD } from '../../model/byte-order.ts';
import { ByteReader } from '../../model/byte-reader.ts';
import type { ByteWriter } from '../../model/byte-writer.ts';
import type { LifecycleEvent, SeriesCreated } from '../../model/events.ts';
import { fingerprintText } from '../../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../../model/labels.ts';
import { MalformedBytes, OutOfBytes } from '../../model/malformed-bytes.ts';
import { TextTable } from '../../model/text-table.ts';

const JSON_EVENT = 0;
const SERIES_CREATED = 1;

const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

export const encodeEvents = (events: readonly LifecycleEvent[], writer: ByteWriter): void => {
  writer.uvarint(events.length);
  for (const event of events) {
    if (event.type === 'seriesCreated') encodeSeriesCreated(event, writer);
    else encodeJson(event, writer);
  }
};

const encodeJson = (event: LifecycleEvent, writer: ByteWriter): void => {
  writer.byte(JSON_EVENT);
  writer.string(JSON.stringify(event));
};

const encodeSeriesCreated = (event: SeriesCreated, writer: ByteWriter): void => {
  const high = Number.parseInt(event.fingerprint.slice(0, 8), 16);
  const low = Number.parseInt(event.fingerprint.slice(8), 16);
  encodeCreated(event.time, high, low, Object.entries(event.labels).flat(), writer);
};

/** Writes one creation. The caller writes the number of the record's events before it. */
export const encodeCreated = (time: number, high: number, low: number, pairs: LabelPairs, writer: ByteWriter): void => {
  writer.byte(SERIES_CREATED);
  scratch[0] = time;
  writer.halvesBE(scratchWords[HIGH_WORD], scratchWords[LOW_WORD]);
  writer.halvesBE(high, low);
  writer.metric(pairs);
};

/** Reads events records. All events that one decoder reads share their label strings. */
export class EventsDecoder {
  private readonly reader = new ByteReader(new TextTable());

  /** The events of the payload between `start` and `end`. Throws {@link MalformedBytes}. */
  decode(bytes: Buffer, start: number, end: number): LifecycleEvent[] {
    const { reader } = this;
    reader.reset(bytes, start, end);
    try {
      const count = reader.uvarint();
      if (count > reader.remaining) throw new MalformedBytes(`${count} events in ${reader.remaining} bytes`);
      const events: LifecycleEvent[] = [];
      for (let index = 0; index < count; index++) events.push(decodeEvent(reader));
      if (reader.remaining !== 0) throw new MalformedBytes(`${reader.remaining} bytes after the last event`);
      return events;
    } catch (error) {
      if (error instanceof OutOfBytes) throw new MalformedBytes('event beyond the record');
      throw error;
    }
  }
}

const decodeEvent = (reader: ByteReader): LifecycleEvent => {
  const code = reader.byte();
  if (code === SERIES_CREATED) return decodeSeriesCreated(reader);
  if (code !== JSON_EVENT) throw new MalformedBytes(`unknown event code ${code}`);
  const event = parseJson(reader.string());
  if (!isEvent(event)) throw new MalformedBytes('an event without type or time');
  return event;
};

const decodeSeriesCreated = (reader: ByteReader): SeriesCreated => {
  scratchWords[HIGH_WORD] = reader.int32BE();
  scratchWords[LOW_WORD] = reader.int32BE();
  const time = scratch[0];
  const high = reader.int32BE();
  const fingerprint = fingerprintText(high, reader.int32BE());
  return { type: 'seriesCreated', time, fingerprint, labels: toLabels(reader.unsortedMetric()) };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedBytes('an event that is not JSON');
  }
};

const isEvent = (value: unknown): value is LifecycleEvent =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  typeof value.type === 'string' &&
  'time' in value &&
  typeof value.time === 'number';
