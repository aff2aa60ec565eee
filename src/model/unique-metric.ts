/**
 * The unique metric string: the key of a label set in mappings.db. Each label is written as the bytes of
 * `name 0xff value`; the labels are sorted as bytes and joined by 0xff. UTF-8 never contains 0xff, so the labels
 * can be read back. docs/formats/labels-and-mappings.md
 */
import type { LabelPairs } from './labels.ts';
import { MalformedBytes } from './malformed-bytes.ts';
import { sortedPairs } from './sorted-pairs.ts';
import { decodeText, encodeText } from './utf8.ts';

const SEPARATOR = 0xff;
const separator = Uint8Array.of(SEPARATOR);

/** The unique metric string as bytes; empty for no labels. */
export const uniqueMetricBytes = (pairs: LabelPairs): Buffer => {
  const labels: Buffer[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    labels.push(Buffer.concat([encodeText(pairs[i]), separator, encodeText(pairs[i + 1])]));
  }
  labels.sort(Buffer.compare);
  return Buffer.concat(labels.flatMap((label, index) => (index === 0 ? [label] : [separator, label])));
};

/** The unique metric string as a key for maps: one character per byte. */
export const uniqueMetricString = (pairs: LabelPairs): string => uniqueMetricBytes(pairs).toString('latin1');

/** The labels of a unique metric string, sorted by name. Throws {@link MalformedBytes} if the bytes are not valid. */
export const parseUniqueMetric = (bytes: Uint8Array): LabelPairs => {
  if (bytes.length === 0) return [];
  const texts: string[] = [];
  let start = 0;
  while (start <= bytes.length) {
    const found = bytes.indexOf(SEPARATOR, start);
    const end = found < 0 ? bytes.length : found;
    texts.push(decodeText(bytes.subarray(start, end)));
    start = end + 1;
  }
  if (texts.length % 2 !== 0) throw new MalformedBytes('unique metric string has a label name without a value');
  return sortedPairs(texts);
};
