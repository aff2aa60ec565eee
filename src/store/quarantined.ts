/** Lists the series in quarantine, and reads their samples as far as possible. */
import type { QuarantinedSeries, SeriesSamples } from '../api/api.ts';
import { SampleColumns } from '../chunk/chunk.ts';
import { damagedChunksOf } from '../disk/quarantine/hint.ts';
import { listQuarantined, type QuarantinedFile } from '../disk/quarantine/quarantine-list.ts';
import { readQuarantined } from '../disk/series-files/quarantined-file.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import { toLabels } from '../model/labels.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import type { Session } from './session.ts';

export const listQuarantine = ({ engine }: Session): QuarantinedSeries[] =>
  listQuarantined(engine.fileSystem, engine.directory).map(({ fingerprint, pairs, reason, time, file }) => {
    return { fingerprint, labels: pairs && toLabels(pairs), reason, time, file };
  });

/** Reads all quarantined files of the fingerprint, in order. */
export const readFromQuarantine = (
  { engine }: Session,
  fingerprint: Fingerprint,
): SeriesSamples & { readonly problems: readonly string[] } => {
  const { fileSystem, directory } = engine;
  const files = listQuarantined(fileSystem, directory).filter((entry) => entry.fingerprint === fingerprint);
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
  const problems = files.flatMap((entry) => readOne(entry, fileSystem, directory, columns));
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

const readOne = (
  { file, reason }: QuarantinedFile,
  fileSystem: Parameters<typeof readQuarantined>[0],
  directory: string,
  columns: SampleColumns,
): readonly string[] =>
  file === undefined ? [] : readQuarantined(fileSystem, directory, file, columns, damagedChunksOf(reason));
