/**
 * Finds out which program opened a LevelDB database last: the original, whose LevelDB is goleveldb, or Tidemark, whose
 * LevelDB is the C++ one. Each writes a new manifest whenever it opens a database, and they begin it differently:
 *
 *   goleveldb   one edit with everything: comparator, log number (2), next file (3), last sequence (4), tables
 *   C++         an edit with comparator and tables only; the log number follows in the next edit
 *
 * A new C++ database has an edit with comparator and log number 0 in MANIFEST-000001, until it is opened. A new
 * goleveldb database begins with MANIFEST-000000, a number that C++ never uses. Copied files have the same manifest, so
 * the result is the same after `cp` and for backups.
 */
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
/** CRC-32C, length, type. */
const RECORD_HEADER_BYTES = 7;
/** In a record's header: its length, 16 bits, little endian. */
const LENGTH_OFFSET = 4;
/** Enough for the comparator and the numbers at the beginning of the first edit. The tables after them are not read. */
export const MANIFEST_HEAD_BYTES = 128;

/**
 * Whether goleveldb wrote the manifest. `name` is the name in CURRENT, `head` the first bytes of that file. A manifest
 * that can't be parsed counts as C++: LevelDB itself reports the damage.
 */
export const isGolevelManifest = (name: string, head: Uint8Array): boolean => {
  if (name === 'MANIFEST-000000') return true;
  if (head.length < RECORD_HEADER_BYTES) return false;
  // The first edit only: the checksum of the record behind it can look like any tag.
  const end = RECORD_HEADER_BYTES + head[LENGTH_OFFSET] + 256 * head[LENGTH_OFFSET + 1];
  const edit = head.subarray(RECORD_HEADER_BYTES, end);
  let offset = 0;
  const uvarint = (): number => {
    let value = 0;
    for (let scale = 1; offset < edit.length; scale *= 128) {
      const byte = edit[offset++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 || scale > 2 ** 49) break;
    }
    return value;
  };
  while (offset < edit.length) {
    const tag = uvarint();
    if (tag === COMPARATOR) {
      const length = uvarint();
      offset += length;
    } else if (tag === LOG_NUMBER) return uvarint() !== 0;
    else if (tag === NEXT_FILE || tag === LAST_SEQUENCE) uvarint();
    else return false;
  }
  return false;
};
