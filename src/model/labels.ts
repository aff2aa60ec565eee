/**
 * Label sets. Inside the store a label set is a flat array of strings, names and values in turn, sorted by name in
 * UTF-16 code unit order, without empty values: `['__name__', 'up', 'job', 'node']`. In the public API it is a plain
 * object whose enumerable properties are the labels.
 *
 * Every append looks up its series by labels, so {@link labelHash} and {@link labelsEqual} work on the caller's object
 * directly: no sorting, no copy.
 */
import { TidemarkError } from './errors.ts';
import { detailOf, quoted } from './shown-value.ts';
import { INVALID_UTF16, utf8ByteCount } from './utf8.ts';

/**
 * A label set in the public API: label names to values. `__name__` is the metric's name. Empty values count as absent.
 * Those that the store returns are frozen, and it may return the same object again.
 */
export type Labels = Readonly<Record<string, string>>;

/**
 * A label set in the store's form: name, value, name, value …, sorted by name; no empty values. Its texts never change; a
 * string may be replaced by an equal one.
 */
export type LabelPairs = readonly string[];

/** The label that holds the metric's name. */
export const METRIC_NAME = '__name__';

/** Labels that one series may have. */
const LABEL_COUNT_MAX = 1000;
/** Bytes that all names and values of one series may take as UTF-8. */
export const LABEL_BYTES_MAX = 64 * 1024;

/**
 * The label set in the store's form. Throws `TIDEMARK_INVALID_LABELS` if a value is not a string, if a name is empty,
 * if a name or value can't be written as UTF-8, if no label has a value, or if a bound is exceeded.
 */
export const toLabelPairs = (labels: Labels): LabelPairs => {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw invalid(`labels must be an object of names and values, but they are ${describe(labels)}`);
  }
  // A getter in the caller's object may call this function again.
  const collected = isCollecting ? [] : shared;
  isCollecting = true;
  try {
    return collectPairs(labels, collected);
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    // The caller's getter or proxy trap has thrown.
    throw new TidemarkError('TIDEMARK_INVALID_LABELS', 'labels could not be read', { cause: error });
  } finally {
    if (collected === shared) {
      isCollecting = false;
      if (shared.length > SHARED_LENGTH_MAX) shared.length = 0;
    }
  }
};

/**
 * Labels are collected here and then sliced, so that the result has no spare capacity and nothing else is allocated.
 */
const shared: string[] = [];
/** If the shared array has grown beyond this length, it is emptied. */
const SHARED_LENGTH_MAX = 128;
let isCollecting = false;

const collectPairs = (labels: Labels, pairs: string[]): LabelPairs => {
  let length = 0;
  let byteCount = 0;
  for (const name in labels) {
    const value = labels[name];
    if (typeof value !== 'string') {
      throw invalid(`the value of label ${quoted(name)} must be a string, but it is ${describe(value)}`, name);
    }
    if (value === '') continue;
    byteCount += checkedByteCount(name, value);
    insertSorted(pairs, length, name, value);
    length += 2;
  }
  const count = length / 2;
  if (count === 0) throw invalid('a series needs at least one label with a value, but there is none');
  if (count > LABEL_COUNT_MAX) throw invalid(`a series may have ${LABEL_COUNT_MAX} labels, but there are ${count}`);
  if (byteCount > LABEL_BYTES_MAX) {
    throw invalid(
      `the labels of a series may take ${LABEL_BYTES_MAX} bytes as UTF-8, but they take ${byteCount} or more`,
    );
  }
  return pairs.slice(0, length);
};

/** Assigning to this name would set the object's prototype instead of a property. */
const PROTO = '__proto__';

/**
 * Makes empty plain objects. V8 sees how many properties the first ones get, and gives those after them room for as many
 * in the object itself. A literal `{}` has room for four and keeps the rest in a second object, which takes a third more
 * memory and half as long again to collect.
 */
function PlainObject(): void {}
PlainObject.prototype = Object.prototype;
const NewLabels = PlainObject as unknown as new () => Record<string, string>;

/**
 * The label set as a new plain object, frozen because the store may hand it out again. A label named `__proto__` becomes
 * a property like any other.
 *
 * The first labels are written out because the engine remembers, for each place in the code, the name that was set
 * there. Where most series have the same names, this takes less than half of the time that setting the properties in a
 * loop takes.
 */
export const toLabels = (pairs: LabelPairs): Labels => {
  const labels = new NewLabels();
  const { length } = pairs;
  if (length > 0 && pairs[0] !== PROTO) labels[pairs[0]] = pairs[1];
  if (length > 2 && pairs[2] !== PROTO) labels[pairs[2]] = pairs[3];
  if (length > 4 && pairs[4] !== PROTO) labels[pairs[4]] = pairs[5];
  if (length > 6 && pairs[6] !== PROTO) labels[pairs[6]] = pairs[7];
  if (length > 8 && pairs[8] !== PROTO) labels[pairs[8]] = pairs[9];
  if (length > 10 && pairs[10] !== PROTO) labels[pairs[10]] = pairs[11];
  if (length > 12 && pairs[12] !== PROTO) labels[pairs[12]] = pairs[13];
  if (length > 14 && pairs[14] !== PROTO) labels[pairs[14]] = pairs[15];
  for (let i = 16; i < length; i += 2) if (pairs[i] !== PROTO) labels[pairs[i]] = pairs[i + 1];
  // Checking this first would make the caller's loop wait for memory at each label set, and take twice as long.
  return Object.freeze(hasProto(pairs) ? withProto(pairs) : labels);
};

/** Orders label sets by the first name or value that differs. If one is the beginning of the other, it comes first. */
export const compareLabelPairs = (a: LabelPairs, b: LabelPairs): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return a.length - b.length;
};

/** The value of a label, or the empty string if there is no such label. */
export const labelValue = (pairs: LabelPairs, name: string): string => {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === name) return pairs[i + 1];
  }
  return '';
};

/**
 * A 32-bit hash of the label set, equal to {@link pairsHash} of its pairs. It depends neither on the order of the
 * labels nor on labels with empty values. Values that are not strings are skipped: an object with such a value equals
 * no label pairs.
 */
export const labelHash = (labels: Labels): number => {
  let sum = 0;
  for (const name in labels) {
    const value = labels[name];
    if (typeof value === 'string' && value.length > 0) sum = (sum + hashOfLabel(name, value)) | 0;
  }
  return sum;
};

/**
 * {@link labelHash} of label pairs. Successive label sets share most labels, at the same places and as the same string
 * objects. So the last label of each place is kept with its hash; comparing a string with itself costs nothing.
 */
export const pairsHash = (pairs: LabelPairs): number => {
  let sum = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i];
    const value = pairs[i + 1];
    const place = i & HASHED_PLACES_MASK;
    if (hashedTexts[place] !== name || hashedTexts[place + 1] !== value) {
      hashedTexts[place] = name;
      hashedTexts[place + 1] = value;
      hashesOfTexts[place] = hashOfLabel(name, value);
    }
    sum = (sum + hashesOfTexts[place]) | 0;
  }
  return sum;
};

const HASHED_PLACES_MASK = 31;
const hashedTexts = new Array<string>(HASHED_PLACES_MASK + 1).fill('');
/** Of the label whose name is at the same index in `hashedTexts`. The hash of two empty texts is never asked. */
const hashesOfTexts = new Int32Array(HASHED_PLACES_MASK + 1);

/** Whether the object holds exactly the labels of the pairs; empty values count as absent. */
export const labelsEqual = (pairs: LabelPairs, labels: Labels): boolean => {
  let matched = 0;
  let nth = 0;
  for (const name in labels) {
    const value = labels[name];
    const index = indexOfName(pairs, name, nth++);
    if (index >= 0 && pairs[index + 1] === value) matched += 2;
    else if (value !== '') return false;
  }
  return matched === pairs.length;
};

/**
 * The same as {@link labelsEqual}, but faster if the object's values are the very strings of the pairs: `Object.is` first
 * compares the references. `===` reads the lengths of both strings before, which makes it wait for memory when there are
 * many series. For equal strings that are not the same, this function is the slower one.
 */
export const labelsIdentical = (pairs: LabelPairs, labels: Labels): boolean => {
  let matched = 0;
  let nth = 0;
  for (const name in labels) {
    const value = labels[name];
    const index = indexOfName(pairs, name, nth++);
    if (index >= 0 && Object.is(pairs[index + 1], value)) matched += 2;
    else if (value !== '') return false;
  }
  return matched === pairs.length;
};

/** Whether two label sets in the store's form are the same. */
export const pairsEqual = (a: LabelPairs, b: LabelPairs): boolean => {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
};

/** Index in the pairs of the name that an object has as its nth one, or -1. */
const indexOfName = (pairs: LabelPairs, name: string, nth: number): number => {
  const place = nth & ORDER_MASK;
  const index = order[place];
  if (index < pairs.length && pairs[index] === name) return index;
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] !== name) continue;
    order[place] = i;
    return i;
  }
  return -1;
};

const ORDER_MASK = 31;
/**
 * Where the nth name of the last object was found. Objects hardly ever have their names sorted, but successive ones
 * mostly have the same names in the same order.
 */
const order = new Int32Array(ORDER_MASK + 1);

/**
 * FNV-like over the value's code units. Of the name, only its length and three of its characters count, because most
 * series have the same few names. The last steps spread the bits, because sums of plain FNV values would cluster.
 */
const hashOfLabel = (name: string, value: string): number => {
  const nameLength = name.length;
  let hash =
    nameLength ^
    (name.charCodeAt(0) << 8) ^
    (name.charCodeAt(nameLength >> 1) << 15) ^
    (name.charCodeAt(nameLength - 1) << 22);
  hash = Math.imul(hash, 0x9e3779b1);
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
};

/** Inserts a pair among the first `length` texts. The texts after them are left over from other label sets. */
const insertSorted = (pairs: string[], length: number, name: string, value: string): void => {
  let index = length;
  while (index > 0 && pairs[index - 2] > name) {
    pairs[index] = pairs[index - 2];
    pairs[index + 1] = pairs[index - 1];
    index -= 2;
  }
  pairs[index] = name;
  pairs[index + 1] = value;
};

const checkedByteCount = (name: string, value: string): number => {
  if (name === '') throw invalid('a label has an empty name', name);
  // Text that is too long need not be counted to its end, which would take long.
  if (name.length + value.length > LABEL_BYTES_MAX) return name.length + value.length;
  const nameBytes = utf8ByteCount(name);
  if (nameBytes === INVALID_UTF16) throw invalid(`label name ${quoted(name)} holds half a surrogate pair`, name);
  const valueBytes = utf8ByteCount(value);
  if (valueBytes === INVALID_UTF16) {
    throw invalid(`the value of label ${quoted(name)} holds half a surrogate pair`, name);
  }
  return nameBytes + valueBytes;
};

const hasProto = (pairs: LabelPairs): boolean => {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === PROTO) return true;
  return false;
};

const withProto = (pairs: LabelPairs): Labels => {
  const labels: Record<string, string> = {};
  for (let i = 0; i < pairs.length; i += 2) {
    Object.defineProperty(labels, pairs[i], {
      value: pairs[i + 1],
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return labels;
};

const invalid = (message: string, label?: string): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_LABELS', message, {
    details: label === undefined ? {} : { label: detailOf(label) },
  });

const describe = (value: unknown): string => {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
};
