/** The tables: figures against the original and the targets, and the same figures at three sizes. Pure text. */
import {
  type FigureName,
  figures,
  isTime,
  original,
  originalQuiet,
  type Reference,
  successor,
  targets,
  targetsAgainstFirstStage,
} from './reference.ts';
import type { BenchResult, SizeResult } from './result.ts';

const figureNames = Object.keys(figures) as FigureName[];

/** Three significant digits, thousands separated. */
export const formatNumber = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A table of Markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(row)].join('\n');

/** A published figure as it would be on this machine at this moment: times are scaled, sizes are what they are. */
export const scaled = (reference: Reference, size: string, name: FigureName, factor: number): number | undefined => {
  const value = reference.bySize[size]?.[name];
  return value === undefined ? undefined : isTime(name) ? value * factor : value;
};

const ratioText = (ours: number, theirs: number | undefined): string =>
  theirs === undefined ? '' : formatNumber(ours / theirs);

/** One size beside the original (its median, its best run) and its successor; ratios are ours over theirs. */
export const comparisonTable = (result: BenchResult, { size, figures: ours }: SizeResult): string => {
  const references = [original, originalQuiet, successor].filter((reference) => reference.bySize[size] !== undefined);
  const rows = figureNames.flatMap((name) => {
    const value = ours[name]?.median;
    if (value === undefined) return [];
    const theirs = references.map((reference) => scaled(reference, size, name, result.calibration.factor));
    const cells = theirs.flatMap((their) => [their === undefined ? '' : formatNumber(their), ratioText(value, their)]);
    return [[figures[name], formatNumber(value), ...cells]];
  });
  return table(['figure', 'Tidemark', ...references.flatMap(({ name }) => [name, 'ratio'])], rows);
};

/** One size of this checkout beside another one, measured in turn; ratios are of the medians, ours over theirs. */
export const againstTable = ({ figures: ours }: SizeResult, { figures: theirs }: SizeResult): string => {
  const rows = figureNames.flatMap((name) => {
    const [one, other] = [ours[name], theirs[name]];
    if (one === undefined || other === undefined) return [];
    const spread = `${formatNumber(one.min / other.max)} to ${formatNumber(one.max / other.min)}`;
    return [
      [
        figures[name],
        formatNumber(one.median),
        formatNumber(other.median),
        formatNumber(one.median / other.median),
        spread,
      ],
    ];
  });
  return table(['figure', 'this checkout', 'the other one', 'ratio', 'at the extremes'], rows);
};

/** The ratios to another checkout beside the targets that are set for them, and the pauses: a column for each size. */
export const firstStageTable = ({ sizes, against = [] }: BenchResult): string => {
  const cellOf = (name: FigureName, size: string): string => {
    const [ours, theirs] = [sizes, against].map((all) => all.find((one) => one.size === size)?.figures[name]?.median);
    if (ours === undefined || theirs === undefined) return '';
    const target = targetsAgainstFirstStage[name]?.[size];
    const ratio = formatNumber(ours / theirs);
    if (target === undefined) return ratio;
    return `${ratio} (${target}${ours / theirs <= target ? ', met' : ''})`;
  };
  const columns = sizes.map(({ size }) => size).filter((size) => against.some((one) => one.size === size));
  const shown = figureNames.filter((name) => name in targetsAgainstFirstStage || name.endsWith('LoopMaxMs'));
  const rows = shown.map((name) => [figures[name], ...columns.map((size) => cellOf(name, size))]);
  return table(
    ['figure', ...columns],
    rows.filter((cells) => cells.slice(1).some((cell) => cell !== '')),
  );
};

export interface Verdict {
  readonly size: string;
  readonly figure: FigureName;
  readonly target: string;
  readonly reached: number | undefined;
  readonly met: boolean;
}

/** What became of each target that is set for a size of this run. */
export const verdicts = ({ sizes, calibration }: BenchResult): Verdict[] =>
  targets.flatMap(({ size, figure, against, atMost }) => {
    const measured = sizes.find((one) => one.size === size);
    if (measured === undefined) return [];
    const ours = measured.figures[figure]?.median;
    const theirs = against === undefined ? 1 : scaled(against, size, figure, calibration.factor);
    const reached = ours === undefined || theirs === undefined ? undefined : ours / theirs;
    const target = `at most ${formatNumber(atMost)}${against === undefined ? '' : ` of ${against.name}`}`;
    return [{ size, figure, target, reached, met: reached !== undefined && reached <= atMost }];
  });

export const targetTable = (result: BenchResult): string =>
  table(
    ['figure', 'size', 'target', 'reached', ''],
    verdicts(result).map(({ size, figure, target, reached, met }) => [
      figures[figure],
      size,
      target,
      reached === undefined ? 'not measured' : formatNumber(reached),
      met ? 'met' : 'missed',
    ]),
  );

/** Every figure at every size, smallest store first. */
export const sizesTable = (result: BenchResult): string => {
  const sizes = result.sizes.toSorted((a, b) => a.seriesCount - b.seriesCount);
  const rows = figureNames.map((name) => [
    figures[name],
    ...sizes.map((one) => {
      const value = one.figures[name];
      return value === undefined ? '' : formatNumber(value.median);
    }),
  ]);
  return table(
    ['figure', ...sizes.map(({ seriesCount, rounds }) => `${formatNumber(seriesCount)} × ${formatNumber(rounds)}`)],
    rows.filter((cells) => cells.slice(1).some((cell) => cell !== '')),
  );
};

export const machineLine = ({ version, date, machine, calibration }: BenchResult): string =>
  `Tidemark ${version}, ${date}, Node ${machine.node}, ${machine.cores} cores of ${machine.cpu}, ` +
  `${formatNumber(machine.memoryGB)} GB; calibration factor ${formatNumber(calibration.factor)}.`;

/** The handful of figures that the README shows. */
export const summaryTable = (result: BenchResult): string => {
  const shown: FigureName[] = [
    'handleNs',
    'sameLabelsNs',
    'createUs',
    'rangeMs',
    'lookupMs',
    'residentMB',
    'reopenMs',
    'shortTailReopenMs',
    'directoryBytesPerSample',
  ];
  const size = '100000x240';
  const ours = result.sizes.find((one) => one.size === size)?.figures ?? {};
  const cell = (value: number | undefined): string => (value === undefined ? '–' : formatNumber(value));
  return table(
    ['100,000 series, 24 million samples', 'Tidemark', original.name, successor.name],
    shown.map((name) => [
      figures[name],
      cell(ours[name]?.median),
      cell(scaled(original, size, name, result.calibration.factor)),
      cell(scaled(successor, size, name, result.calibration.factor)),
    ]),
  );
};

const peerFigures = ['appendNs', 'rangeMs', 'lookupMs', 'regexMs', 'residentMB', 'reopenMs', 'directoryMB'] as const;

/** Tidemark and what else there is, a row each. */
export const peersTable = (
  measured: readonly { readonly title: string; readonly figures: Readonly<Record<string, number>> }[],
): string =>
  table(
    [
      '',
      'append, ns/sample',
      'range query, ms',
      'look-up, ms',
      'by regular expressions, ms',
      'memory, MB',
      'reopen, ms',
      'disk, MB',
    ],
    measured.map(({ title, figures: ours }) => [
      title,
      ...peerFigures.map((name) => (ours[name] === undefined ? '' : formatNumber(ours[name]))),
    ]),
  );
