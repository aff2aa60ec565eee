/**
 * CRC-32C (Castagnoli), the checksum of LevelDB's files and of the frames of remote read. Node has only the other
 * CRC-32. Eight tables process eight bytes in each step, which is about five times as fast as one table.
 */
const POLYNOMIAL = 0x82f63b78;

const makeTables = (): Uint32Array[] => {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[0][byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[0][byte];
    for (let slice = 1; slice < 8; slice++) {
      crc = tables[0][crc & 0xff] ^ (crc >>> 8);
      tables[slice][byte] = crc >>> 0;
    }
  }
  return tables;
};

const [t0, t1, t2, t3, t4, t5, t6, t7] = makeTables();

/** The CRC-32C of `bytes[start, end)`, unsigned. `before`: that of the bytes that come before them. */
export const crc32c = (bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number => {
  let crc = before ^ -1;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc =
      t7[crc & 0xff] ^
      t6[(crc >>> 8) & 0xff] ^
      t5[(crc >>> 16) & 0xff] ^
      t4[crc >>> 24] ^
      t3[bytes[i + 4]] ^
      t2[bytes[i + 5]] ^
      t1[bytes[i + 6]] ^
      t0[bytes[i + 7]];
  }
  for (; i < end; i++) crc = t0[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
};
