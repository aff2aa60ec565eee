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

/** The text with every marked section renewed. */
export const withSections = (text: string, result: BenchResult): string =>
  text.replace(/(<!-- bench:([a-z-]+) -->)[\s\S]*?(<!-- \/bench:\2 -->)/g, (whole, start, name, end) => {
    const section = sections[name];
    return section === undefined ? whole : `${start}\n${section(result)}\n${end}`;
  });

/** The text with the table of the other databases at one size renewed: `<!-- peers:SIZE -->` … `<!-- /peers:SIZE -->`. */
export const withPeers = (text: string, size: string, table: string): string =>
  text.replace(
    /(<!-- peers:(\w+) -->)[\s\S]*?(<!-- \/peers:\2 -->)/g,
    (whole: string, start: string, name: string, end: string) => (name === size ? `${start}\n${table}\n${end}` : whole),
  );

export const publish = (result: BenchResult, paths: readonly string[]): void => {
  for (const path of paths) writeFileSync(path, withSections(readFileSync(path, 'utf8'), result));
};
