const MASK_DELTA = 0xa282ead8;

/** Masks a CRC as LevelDB stores it, because a CRC over bytes that contain CRCs would be weak. */
export const maskCrc = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
