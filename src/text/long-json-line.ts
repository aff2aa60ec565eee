/**
 * Reads a JSON line of many megabytes in slices. Its bytes stay outside the JavaScript heap, and its samples become
 * typed columns. This works only for the usual shape, `{"metric":{…},"values":[…],"timestamps":[…]}`; a line of another
 * shape is parsed as a whole.
 */
import { grown } from '../model/grown.ts';
import { checkTimestamps, LineError, type ParsedLine, parseJson, parseJsonLine, readNumbers } from './json-lines.ts';

const sliceBytes = 256 * 1024;
const comma = 0x2c;

const beginning = '{"metric":{';
const beforeValues = '},"values":[';
const beforeTimestamps = '],"timestamps":[';
const ending = ']}';

/** A growing column of numbers. */
class Column {
  private data: Float64Array<ArrayBuffer> = new Float64Array(4096);
  length = 0;

  add(numbers: readonly number[]): void {
    if (this.length + numbers.length > this.data.length) {
      const capacity = Math.max(2 * this.data.length, this.length + numbers.length);
      this.data = grown(this.data, new Float64Array(capacity));
    }
    this.data.set(numbers, this.length);
    this.length += numbers.length;
  }

  get numbers(): Float64Array {
    return this.data.subarray(0, this.length);
  }
}

/** The elements of an array, one slice of them at a time. `bytes` does not include the brackets. */
function* elementSlices(bytes: Buffer): Iterable<readonly unknown[]> {
  for (let start = 0; start < bytes.length; ) {
    const cut = bytes.indexOf(comma, start + sliceBytes);
    const end = cut < 0 ? bytes.length : cut;
    const elements = parseJson(`[${bytes.toString('utf8', start, end)}]`) as unknown[];
    // The comma at the cut must be followed by another element.
    if (elements.length === 0 || (cut >= 0 && cut === bytes.length - 1))
      throw new LineError('not JSON: an element is missing between two commas');
    yield elements;
    start = end + 1;
  }
}

/** The parts of a line of the usual shape; `undefined` for another shape. */
const partsOf = (bytes: Buffer): { metric: Buffer; values: Buffer; timestamps: Buffer } | undefined => {
  if (bytes.toString('latin1', 0, beginning.length) !== beginning) return undefined;
  const valuesAt = bytes.indexOf(beforeValues);
  const timestampsAt = bytes.indexOf(beforeTimestamps, valuesAt);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x20) end--;
  if (valuesAt < 0 || timestampsAt < 0 || bytes.toString('latin1', end - ending.length, end) !== ending)
    return undefined;
  return {
    metric: bytes.subarray(0, valuesAt),
    values: bytes.subarray(valuesAt + beforeValues.length, timestampsAt),
    timestamps: bytes.subarray(timestampsAt + beforeTimestamps.length, end - ending.length),
  };
};

/**
 * Parses one line, as `parseJsonLine` does, and calls `breathe` after each slice. Throws a {@link LineError} that states
 * what is wrong with the line.
 */
export const parseLongJsonLine = async (
  bytes: Buffer,
  { breathe, ...options }: { readonly bits?: boolean; readonly breathe: () => Promise<void> },
): Promise<ParsedLine> => {
  const parts = partsOf(bytes);
  if (parts === undefined) return parseJsonLine(bytes.toString(), options);
  const { labels } = parseJsonLine(`${parts.metric.toString()}},"values":[],"timestamps":[]}`);
  const bits = options.bits === true;
  const times = new Column();
  for (const slice of elementSlices(parts.timestamps)) {
    times.add(checkTimestamps(slice, times.length));
    await breathe();
  }
  const numbers = new Column();
  const perValue = bits ? 2 : 1;
  for (const slice of elementSlices(parts.values)) {
    numbers.add(readNumbers(slice, { bits, first: numbers.length / perValue }));
    await breathe();
  }
  const timestamps = times.numbers;
  if (numbers.length !== perValue * timestamps.length)
    throw new LineError(`${numbers.length / perValue} values but ${timestamps.length} timestamps`);
  return bits
    ? { labels, timestamps, values: [], bits: numbers.numbers }
    : { labels, timestamps, values: numbers.numbers, bits: undefined };
};
