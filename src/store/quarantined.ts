/**
 * Lists the series in quarantine, and reads their samples as far as possible. Both pause between files and between
 * chunks, so that they don't hold the event loop.
 */
import type { QuarantinedSeries, SeriesSamples } from '../api/api.ts';
import { Slices } from '../async/slices.ts';
import { SampleColumns } from '../chunk/chunk.ts';
import { damagedChunksOf } from '../disk/quarantine/hint.ts';
import { type QuarantinedFile, quarantinedFiles } from '../disk/quarantine/quarantine-list.ts';
import { readQuarantined } from '../disk/series-files/quarantined-file.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import { toLabels } from '../model/labels.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import type { Session } from './session.ts';

/** Runs all steps of a generator, and pauses between them. Returns what it yielded and what it returned. */
const inSlices = async <Step, Result>(
  { engine: { clock } }: Session,
  steps: Generator<Step, Result>,
): Promise<{ readonly yielded: Step[]; readonly result: Result }> => {
  const slices = new Slices(clock);
  const yielded: Step[] = [];
  for (;;) {
    const { done, value } = steps.next();
    if (done) return { yielded, result: value };
    if (value !== undefined) yielded.push(value);
    if (slices.isOver) await slices.breathe();
  }
};

const filesOf = async (session: Session): Promise<readonly QuarantinedFile[]> => {
  const { fileSystem, directory } = session.engine;
  return (await inSlices(session, quarantinedFiles(fileSystem, directory))).yielded;
};

export const listQuarantine = async (session: Session): Promise<QuarantinedSeries[]> =>
  (await filesOf(session)).map(({ fingerprint, pairs, reason, time, file }) => {
    return { fingerprint, labels: pairs && toLabels(pairs), reason, time, file };
  });

/** Reads all quarantined files of the fingerprint, in order. */
export const readFromQuarantine = async (
  session: Session,
  fingerprint: Fingerprint,
): Promise<SeriesSamples & { readonly problems: readonly string[] }> => {
  const { fileSystem, directory } = session.engine;
  const files = (await filesOf(session)).filter((entry) => entry.fingerprint === fingerprint);
  if (files.length === 0) {
    throw new TidemarkError(
      'TIDEMARK_INVALID_OPTION',
      `nothing is in quarantine for fingerprint ${shownValue(fingerprint)}`,
      {
        details: { option: 'fingerprint', value: detailOf(fingerprint) },
      },
    );
  }
  const columns = new SampleColumns();
  const problems: string[] = [];
  for (const { file, reason } of files) {
    if (file === undefined) continue;
    const steps = readQuarantined(fileSystem, directory, file, columns, damagedChunksOf(reason));
    problems.push(...(await inSlices(session, steps)).result);
  }
  const words = columns.words.slice(0, columns.count * 2);
  const pairs = files.find((entry) => entry.pairs !== undefined)?.pairs ?? [];
  return {
    labels: toLabels(pairs),
    fingerprint,
    timestamps: columns.timestamps.slice(0, columns.count),
    values: new Float64Array(words.buffer),
    problems,
  };
};
