import type { ArchiveIndex } from '../../src/indexes/archive-index.ts';
import type { TimeRange } from '../../src/indexes/codable.ts';

/** The time range that the index has for a series, or `undefined`. */
export const timeRangeOf = async (index: ArchiveIndex, high: number, low: number): Promise<TimeRange | undefined> => {
  for await (const { entries } of index.scanTimeRanges()) {
    const found = entries.find((entry) => entry.high === high && entry.low === low);
    if (found !== undefined) return { firstTime: found.firstTime, lastTime: found.lastTime };
  }
  return undefined;
};
