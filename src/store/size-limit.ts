/** Retention by bytes, when the directory has grown beyond its limit. */
import type { Checkpoints } from './checkpoints.ts';
import { directorySizes } from './directory-sizes.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';
import type { Retention } from './retention.ts';
import { oldestTime } from './time-span.ts';
import type { Visits } from './visits.ts';

/** A journal that takes more than this share of the limit is shortened before samples are dropped. */
const JOURNAL_SHARE = 0.1;

interface SizeLimitParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly retention: Retention;
  readonly checkpoints: Checkpoints;
  readonly visits: Visits;
}

/**
 * Applies retention by bytes. It measures the directory; if that is too large, it moves the limit one step and drops
 * the chunks that end before it. The next call measures again. Journal that a checkpoint can free is freed first, and
 * quarantined files don't count, so no sample is dropped because of either.
 */
export const applySizeLimit = async ({
  engine,
  recovered,
  retention,
  checkpoints,
  visits,
}: SizeLimitParts): Promise<void> => {
  const limitBytes = engine.retention.limits.bytes;
  let bytes = await sizeUnderRetention(engine);
  const replayable = recovered.journal.end - checkpoints.from;
  if (bytes > limitBytes && replayable > limitBytes * JOURNAL_SHARE) {
    await checkpoints.request();
    bytes = await sizeUnderRetention(engine);
  }
  if (retention.noteSize(bytes, oldestTime(engine, recovered))) await visits.all();
};

const sizeUnderRetention = async ({ fileSystem, directory, clock }: Engine): Promise<number> => {
  const { total, quarantine } = await directorySizes(fileSystem, directory, () => clock.breathe());
  return total - quarantine;
};
