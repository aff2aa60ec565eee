/** Reads the records of a version 2 heads.db, with labels in their stored order, without code of the product. */
export interface RawRecord {
  readonly fingerprint: string;
  /** Names and values in the order in which they are stored, which may be any order. */
  readonly pairs: readonly string[];
  readonly watermark: number;
  readonly mtimeNs: bigint;
  readonly chunkDescsOffset: number;
  readonly savedFirstTime: bigint;
  readonly chunks: number;
}

export const rawRecords = (bytes: Buffer): RawRecord[] => {
  let at = 16;
  const svarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  };
  const text = (): string => {
    const length = Number(svarint());
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const count = Number(bytes.readBigUInt64BE(at));
  at += 8;
  return Array.from({ length: count }, () => {
    at++;
    const fingerprint = bytes.toString('hex', at, at + 8);
    at += 8;
    const pairs = Array.from({ length: 2 * Number(svarint()) }, text);
    const watermark = Number(svarint());
    const mtimeNs = svarint();
    const chunkDescsOffset = Number(svarint());
    const savedFirstTime = svarint();
    const descriptors = Number(svarint());
    for (let i = 0; i < 2 * watermark; i++) svarint();
    at += (descriptors - watermark) * 1025;
    const chunks = descriptors - watermark;
    return { fingerprint, pairs, watermark, mtimeNs, chunkDescsOffset, savedFirstTime, chunks };
  });
};
