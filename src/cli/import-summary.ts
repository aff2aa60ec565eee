/** The result of an import for people: one line, and one more for each kind of problem. */
import type { BadLines } from '../import/bad-lines.ts';
import type { ImportCounts } from '../import/import-session.ts';
import { formatCount, formatQuantity, verbFor } from '../text/quantities.ts';

/** `3 samples of 1 series`. */
export const describeTaken = ({ samples, series }: Pick<ImportCounts, 'samples' | 'series'>): string =>
  `${formatQuantity(samples, 'sample')} of ${formatCount(series)} series`;

export const importSummary = (
  counts: ImportCounts,
  badLines: BadLines,
  { interrupted, name }: { readonly interrupted: boolean; readonly name: string | undefined },
): string => {
  const taken = describeTaken(counts);
  const about = name === undefined ? '' : `${name}: `;
  const lines = [
    interrupted
      ? `${about}Interrupted: ${taken} ${verbFor(counts.samples)} imported and kept.`
      : `${about}Imported ${taken}.`,
    ...badLines.first.map(({ lineNumber, reason }) => `${about}line ${lineNumber}: ${reason}`),
  ];
  const unnamed = badLines.count - badLines.first.length;
  if (unnamed > 0) lines.push(`${about}… and ${formatQuantity(unnamed, 'more line')} that could not be read.`);
  for (const [code, number] of Object.entries(counts.rejected))
    lines.push(`${about}${formatQuantity(number, 'sample')} rejected: ${code}`);
  return `${lines.join('\n')}\n`;
};
