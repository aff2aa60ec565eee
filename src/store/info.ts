/** Sizes and counts of an open store, for `tidemark info` and the pages. */
import type { StoreInfo } from '../api/api.ts';
import { EARLIEST } from '../model/int64.ts';
import { directorySizes } from './directory-sizes.ts';
import { listQuarantine } from './quarantined.ts';
import { settingsOf } from './retention-choice.ts';
import type { Session } from './session.ts';
import { newestTime, oldestTime } from './time-span.ts';

export const infoOf = async (session: Session): Promise<StoreInfo> => {
  const { engine, running } = session;
  const { journal, archived, how } = running.recovered;
  const { files: _files, ...bytes } = await directorySizes(engine.fileSystem, engine.directory, () =>
    engine.clock.breathe(),
  );
  const quarantined = await listQuarantine(session);
  const firstTime = oldestTime(running.engine, running.recovered);
  const lastTime = newestTime(running.engine, running.recovered);
  const { remembered } = engine.retention;
  return {
    directory: engine.directory,
    version: 1,
    opened: how,
    seriesInMemory: engine.table.live,
    seriesArchived: archived.size,
    seriesQuarantined: quarantined.length,
    chunksInMemory: engine.slab.used,
    chunksWaiting: engine.chunks.waiting,
    ...(firstTime === EARLIEST ? {} : { firstTime }),
    ...(lastTime === EARLIEST ? {} : { lastTime }),
    ...(remembered === undefined ? {} : { retention: settingsOf(remembered) }),
    bytes,
    journal: { id: journal.storeId, first: journal.first, end: journal.end, durable: journal.durable },
  };
};
