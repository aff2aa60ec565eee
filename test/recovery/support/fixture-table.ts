/**
 * The table of docs/recovery.md: what the original and Tidemark make of each directory in test/fixtures. Made from runs,
 * so that it is exact; a test holds the page to it. `npm run docs` does not write it: run the test with UPDATE_DOCS=1.
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
  /** Series with samples, and samples; `undefined` where the original does not start. */
  readonly original: { readonly series: number; readonly samples: number } | undefined;
  readonly tidemark: { readonly series: number; readonly samples: number };
  readonly how: string;
  readonly quarantined: number;
  /** Series by what is different about them, each with a count of samples: original, Tidemark. */
  readonly differences: readonly string[];
}

/** Why Tidemark has something else than the original. Keys are fixtures. */
export const reasons: Readonly<Record<string, string>> = {
  'archived-missing-series-file':
    'The original gives up a series when a part of it is missing; what the checkpoint holds is kept.',
  dirty:
    'Files of series that left the archive (H, I) or are new (G) are named by the label-pair index; samples are joined one by one (T); a sample that is in the file and in the checkpoint is there once (K).',
  'double-crash': 'The archived series are named by the label-pair index.',
  'heads-bad-magic': 'Records are found in the file although its beginning is damaged.',
  'heads-empty': 'Series files are named by the label-pair index; what was only in the checkpoint is lost.',
  'heads-missing': 'A missing checkpoint is noticed, and series files are named by the label-pair index.',
  'heads-truncated': 'Series files beyond the end of the checkpoint are named by the label-pair index.',
  'heads-truncated-header': 'Series files are named by the label-pair index; what was only in the checkpoint is lost.',
  'heads-version-3': 'Records are found in the file although its version is unknown.',
  'heads-zero-descs': 'The original panics; here the record without chunks takes what its file has.',
  'label-index-corrupt': 'The original does not start; the label indexes are made anew.',
  'mappings-bad-magic': 'The original does not start; the table is made anew from the series.',
  'metric-index-deleted': 'The archived series are named by the label-pair index.',
  'series-misaligned':
    'Without recovery the original gives up a series whose file is misaligned, here its whole chunks are read; with recovery, a last chunk whose missing bytes mean nothing is completed.',
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

/** Samples of ours that were never given to the storage, nor read by the original: there must be none. */
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

/** Samples that the original read and we did not: there must be none. */
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

/** The differences, series by series, with the reason. */
export const differencesText = (rows: readonly FixtureRow[]): string =>
  rows
    .filter(({ differences }) => differences.length > 0)
    .map(({ name, scenario, differences }) => `- \`${name}\`, ${scenario}: ${differences.join('; ')}. ${reasons[name]}`)
    .join('\n');

const sizeOf = (series: SeriesByText): { series: number; samples: number } => {
  const withSamples = [...series.values()].filter(({ samples }) => samples.length > 0);
  return { series: withSamples.length, samples: withSamples.reduce((sum, { samples }) => sum + samples.length, 0) };
};

/** One line for the series of one `group` label. */
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
