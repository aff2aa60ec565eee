/**
 * Columns of the series table: typed arrays that grow in place. Their memory is reserved as addresses and taken from
 * the operating system as it is used, so a longer column costs neither a copy nor a pause. Copying the rows of a
 * million series would hold the event loop for a fifth of a second.
 */
interface ColumnType<Column> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, offset: number, length: number): Column;
}

interface ColumnLike<Self> {
  readonly buffer: ArrayBufferLike;
  set(from: Self): void;
}

/**
 * A column can become so many times as long in place: with 1,024 rows at first, two million rows. Of a longer column
 * fewer addresses are reserved, but at least twice its length.
 */
const GROWTH = 2048;
const RESERVED_BYTES_MAX = 4 * 1024 ** 3;

/** A column of zeros. With its length given, it is as fast as one over a buffer of fixed length. */
export const newColumn = <Column>(type: ColumnType<Column>, length: number): Column => {
  const byteLength = length * type.BYTES_PER_ELEMENT;
  return new type(memoryOf(byteLength), 0, length);
};

const memoryOf = (byteLength: number): SharedArrayBuffer => {
  const maxByteLength = Math.max(2 * byteLength, Math.min(byteLength * GROWTH, RESERVED_BYTES_MAX));
  try {
    return new SharedArrayBuffer(byteLength, { maxByteLength });
  } catch {
    // Where addresses are scarce, a longer column is a copy.
    return new SharedArrayBuffer(byteLength);
  }
};

/** The same column with more elements; the new ones are 0. Use the one that is returned, and no more the one before. */
export const longerColumn = <Column extends ColumnLike<Column>>(
  type: ColumnType<Column>,
  column: Column,
  length: number,
): Column => {
  const buffer = column.buffer as SharedArrayBuffer;
  const byteLength = length * type.BYTES_PER_ELEMENT;
  if (byteLength <= buffer.maxByteLength) {
    buffer.grow(byteLength);
    return new type(buffer, 0, length);
  }
  const longer = newColumn(type, length);
  longer.set(column);
  return longer;
};
