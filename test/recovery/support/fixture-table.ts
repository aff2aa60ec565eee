/**
 * The table of docs/recovery.md: what the original and Tidemark make of each directory in test/fixtures. It is
 * generated from runs, and a test compares it with the page. `npm run docs` does not write it: run the test with
 * UPDATE_DOCS=1.
 */
import {
  appendedSeries,
  expectedOf,
  originalSeries,
  type Run,
  type Scenario,
  type SeriesByText,
} from './fixture-runs.ts';

/** One fixture in one scenario. */
export interface FixtureRow {
  readonly name: string;
  readonly scenario: Scenario;
  /** Number of series that have samples, and of samples; `undefined` if the original does not start. */
  readonly original: { readonly series: number; readonly samples: number } | undefined;
  readonly tidemark: { readonly series: number; readonly samples: number };
  readonly how: string;
  readonly quarantined: number;
  /** Groups of series that differ, each with its number of samples in the original and in Tidemark. */
  readonly differences: readonly string[];
}

/** Why the result of Tidemark differs from the original's, by fixture. */
export const reasons: Readonly<Record<string, string>> = {
  'archived-missing-series-file':
    'The original gives up a series if a part of it is missing; Tidemark keeps its chunks in the checkpoint.',
  dirty:
    'Files of series that left the archive (H, I) or are new (G) get their labels from the label-pair index; samples are joined one by one (T); a sample that is in the file and in the checkpoint appears once (K).',
  'double-crash': 'The archived series get their labels from the label-pair index.',
  'heads-bad-magic': 'Tidemark finds the records in the file although its beginning is damaged.',
  'heads-empty':
    'Series files get their labels from the label-pair index; samples that were only in the checkpoint are lost.',
  'heads-missing':
    'Tidemark notices that the checkpoint is missing, and series files get their labels from the label-pair index.',
  'heads-truncated': 'Series files beyond the end of the checkpoint get their labels from the label-pair index.',
  'heads-truncated-header':
    'Series files get their labels from the label-pair index; samples that were only in the checkpoint are lost.',
  'heads-version-3': 'Tidemark finds the records in the file although its version is unknown.',
  'heads-zero-descs': 'The original panics; Tidemark keeps the record without chunks and uses the chunks of its file.',
  'label-index-corrupt': 'The original does not start; Tidemark rebuilds the label indexes.',
  'mappings-bad-magic': 'The original does not start; Tidemark rebuilds the table from the series.',
  'metric-index-deleted': 'The archived series get their labels from the label-pair index.',
  'series-misaligned':
    'Without recovery the original gives up a series whose file is misaligned, and Tidemark reads its whole chunks; with recovery, Tidemark completes a last chunk whose missing bytes have no meaning.',
};

export const rowOf = (
  name: string,
  scenario: Scenario,
  run: Pick<Run, 'series' | 'how' | 'quarantined'>,
): FixtureRow => {
  const expected = expectedOf(name, scenario);
  const original = originalSeries(name, scenario);
  const starts = expected.startError === null && expected.crash === undefined;
  return {
    name,
    scenario,
    original: starts ? sizeOf(original) : undefined,
    tidemark: sizeOf(run.series),
    how: run.how,
    quarantined: run.quarantined.filter(({ file }) => file !== undefined).length,
    differences: differencesOf(original, run.series),
  };
};

/** Samples of Tidemark's that were neither given to the storage nor read by the original. There must be none. */
export const inventedSamples = (name: string, scenario: Scenario, series: SeriesByText): string[] => {
  const appended = appendedSeries(name);
  const original = originalSeries(name, scenario);
  const invented: string[] = [];
  for (const [text, { samples }] of series) {
    const known = new Set([...(appended.get(text) ?? []), ...(original.get(text)?.samples ?? [])]);
    for (const sample of samples) if (!known.has(sample)) invented.push(`${text} ${sample}`);
  }
  return invented;
};

/** Samples that the original read and Tidemark did not. There must be none. */
export const lostSamples = (name: string, scenario: Scenario, series: SeriesByText): string[] => {
  const lost: string[] = [];
  for (const [text, { samples }] of originalSeries(name, scenario)) {
    const ours = new Set(series.get(text)?.samples ?? []);
    for (const sample of samples) if (!ours.has(sample)) lost.push(`${text} ${sample}`);
  }
  return lost;
};

export const tableText = (rows: readonly FixtureRow[]): string => {
  const lines = rows.map(({ name, scenario, original, tidemark, how, quarantined }) => {
    const cells = [
      `\`${name}\``,
      scenario,
      how,
      original === undefined ? 'does not start' : `${original.series}`,
      original === undefined ? '' : `${original.samples}`,
      `${tidemark.series}`,
      `${tidemark.samples}`,
      `${quarantined}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| fixture | scenario | opened by | series, original | samples, original | series, Tidemark | samples, Tidemark | files in quarantine |',
    '|---|---|---|--:|--:|--:|--:|--:|',
    ...lines,
  ].join('\n');
};

/** The differences, with the reason, in one line for each fixture and scenario. */
export const differencesText = (rows: readonly FixtureRow[]): string =>
  rows
    .filter(({ differences }) => differences.length > 0)
    .map(({ name, scenario, differences }) => `- \`${name}\`, ${scenario}: ${differences.join('; ')}. ${reasons[name]}`)
    .join('\n');

const sizeOf = (series: SeriesByText): { series: number; samples: number } => {
  const withSamples = [...series.values()].filter(({ samples }) => samples.length > 0);
  return { series: withSamples.length, samples: withSamples.reduce((sum, { samples }) => sum + samples.length, 0) };
};

/** One line for all series with the same `group` label. */
const differencesOf = (original: SeriesByText, ours: SeriesByText): string[] => {
  const groups = new Map<string, { series: number; before: number; after: number }>();
  for (const text of new Set([...original.keys(), ...ours.keys()])) {
    const before = original.get(text)?.samples ?? [];
    const after = ours.get(text)?.samples ?? [];
    if (before.join() === after.join()) continue;
    const { __name__, group } = (ours.get(text) ?? original.get(text))?.metric ?? {};
    const shown = group === undefined ? (__name__ ?? 'without a name') : group;
    const sum = groups.get(shown) ?? { series: 0, before: 0, after: 0 };
    groups.set(shown, {
      series: sum.series + 1,
      before: sum.before + before.length,
      after: sum.after + after.length,
    });
  }
  return [...groups]
    .map(([shown, { series, before, after }]) => `${shown}: ${series} series, ${before} samples became ${after}`)
    .sort();
};
