/**
 * Puts the tables of a benchmark result into the documentation, between the marks that name them:
 * `<!-- bench:NAME -->` … `<!-- /bench:NAME -->`. Everything outside the marks is written by people.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { comparisonTable, firstStageTable, machineLine, sizesTable, summaryTable, targetTable } from './report.ts';
import type { BenchResult } from './result.ts';

const sections: Readonly<Record<string, (result: BenchResult) => string>> = {
  summary: summaryTable,
  machine: machineLine,
  targets: targetTable,
  sizes: sizesTable,
  against: firstStageTable,
  comparisons: (result) =>
    result.sizes.map((size) => `**${size.size}**\n\n${comparisonTable(result, size)}`).join('\n\n'),
};

/** The text with the marked sections of a kind renewed for which there is content. */
const renewed = (text: string, kind: 'bench' | 'peers', contentOf: (name: string) => string | undefined): string =>
  text.replace(
    new RegExp(`(<!-- ${kind}:([a-z0-9-]+) -->)[\\s\\S]*?(<!-- /${kind}:\\2 -->)`, 'g'),
    (whole: string, start: string, name: string, end: string) => {
      const content = contentOf(name);
      return content === undefined ? whole : `${start}\n${content}\n${end}`;
    },
  );

/** The text with every marked section renewed. */
export const withSections = (text: string, result: BenchResult): string =>
  renewed(text, 'bench', (name) => sections[name]?.(result));

/** The text with the table of the other databases at one size renewed: `<!-- peers:SIZE -->` … `<!-- /peers:SIZE -->`. */
export const withPeers = (text: string, size: string, table: string): string =>
  renewed(text, 'peers', (name) => (name === size ? table : undefined));

export const publish = (result: BenchResult, paths: readonly string[]): void => {
  for (const path of paths) writeFileSync(path, withSections(readFileSync(path, 'utf8'), result));
};
