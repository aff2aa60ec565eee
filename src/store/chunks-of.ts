/**
 * Lists the chunks of a series with their times: those in its file, those that wait for persistence, and the open one.
 */
import type { ChunkInfo } from '../api/api.ts';
import { encodingName } from '../chunk/decode.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import { NO_ROW } from '../series/table.ts';
import type { Running } from './running.ts';

/** Oldest chunk first; empty for a series that does not exist. */
export const chunksOf = async (running: Running, pairs: LabelPairs): Promise<ChunkInfo[]> => {
  const { high, low } = running.directory.fingerprintOf(pairs);
  const key = fingerprintText(high, low);
  // While the file's key is held, no chunk moves from memory to the file between the two reads.
  const release = await running.engine.fileKeys.acquire(key);
  try {
    return await collect(running, pairs, { high, low, key });
  } finally {
    release();
  }
};

const collect = async (
  running: Running,
  pairs: LabelPairs,
  { high, low, key }: { readonly high: number; readonly low: number; readonly key: string },
): Promise<ChunkInfo[]> => {
  const { table, cache, chunks, slab } = running.engine;
  const infos: ChunkInfo[] = [];
  const { firstTimes, lastTimes, encodings } = await running.reader.fileTimes(high, low);
  for (let i = 0; i < firstTimes.length; i++) {
    const encoding = encodings[i] > 2 ? undefined : encodingName(encodings[i]);
    infos.push({
      where: 'file',
      loaded: cache.holds(key, i),
      encoding,
      firstTime: firstTimes[i],
      lastTime: lastTimes[i],
    });
  }
  const row = table.findPairs(pairs);
  if (row === NO_ROW) return infos;
  const openHead = table.headOpen(row) ? table.headSlot(row) : -1;
  for (const slot of chunks.allSlots(row)) {
    infos.push({
      where: slot === openHead ? 'open' : 'waiting',
      loaded: true,
      encoding: encodingName(slab.encoding[slot]),
      firstTime: chunks.firstTimeOf(slot),
      lastTime: slot === openHead ? table.lastTime(row) : chunks.lastTimeOf(slot),
    });
  }
  return infos;
};
