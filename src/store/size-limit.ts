/** Retention by bytes: what goes first when the directory has grown beyond its limit. */
import type { Checkpoints } from './checkpoints.ts';
import { directorySizes } from './directory-sizes.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './opening.ts';
import type { Retention } from './retention.ts';
import { oldestTime } from './time-span.ts';
import type { Visits } from './visits.ts';

/** A journal that takes more of the limit on the directory's size is shortened before samples are dropped. */
const JOURNAL_SHARE = 0.1;

interface SizeLimitParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly retention: Retention;
  readonly checkpoints: Checkpoints;
  readonly visits: Visits;
}

/**
 * Retention by bytes: adds up the directory, and while it is too large moves the limit a step and drops what that
 * makes old, before it is measured again. What a checkpoint can free of the journal is freed first, and what lies in
 * quarantine does not count: no sample must go for the sake of either.
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
    await checkpoints.writeInTurn(false);
    bytes = await sizeUnderRetention(engine);
  }
  if (retention.noteSize(bytes, oldestTime(engine, recovered))) await visits.all();
};

const sizeUnderRetention = async ({ fileSystem, directory, clock }: Engine): Promise<number> => {
  const { total, quarantine } = await directorySizes(fileSystem, directory, () => clock.breathe());
  return total - quarantine;
};
