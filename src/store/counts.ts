/** Numbers that only the metrics and `stateCounts` show. The parts of the store that keep others show those themselves. */
import { Observations } from './metrics/observations.ts';

export class Counts {
  /** Number of series in quarantine. */
  quarantined = 0;
  persistErrors = 0;
  /** Bytes of decoded checksum files in memory, as of the last checkpoint. */
  checksumCacheBytes = 0;
  chunksPersisted = 0;
  chunksDropped = 0;
  readonly observations = new Observations();
}
