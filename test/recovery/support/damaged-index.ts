/** Whichever of the four LevelDBs is damaged, and wherever, every series is there with its samples. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { extractFixture } from '../../support/tar.ts';
import { originalSeries, runDirectory } from './fixture-runs.ts';

const databases = [
  'archived_fingerprint_to_metric',
  'archived_fingerprint_to_timerange',
  'labelname_to_labelvalues',
  'labelpair_to_fingerprints',
];

const damages: Readonly<Record<string, (directory: string) => void>> = {
  'no manifest': (directory) => writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-999999\n'),
  'CURRENT begins with zeros': (directory) => writeFileSync(join(directory, 'CURRENT'), '\0\0\0\0FEST-000005\n'),
  'an empty CURRENT': (directory) => writeFileSync(join(directory, 'CURRENT'), ''),
  'a table of zeros': (directory) => change(directory, (bytes) => bytes.fill(0)),
  'a table with a damaged block': (directory) =>
    change(directory, (bytes) => bytes.fill(0xff, 20, Math.min(300, bytes.length - 60))),
};

/** The damage that is tried at every change; the long tests try the others. */
const USUAL = 'a table of zeros';

export const usualDamage = [USUAL];
export const otherDamages = Object.keys(damages).filter((what) => what !== USUAL);

/** The tests of one scenario, for each database and these damages, or all. */
export const describeDamagedIndexes = (
  scenario: 'as-is' | 'forced-dirty',
  kinds: readonly string[] = Object.keys(damages),
): void => {
  describe('a directory with a damaged index', () => {
    for (const database of databases) {
      for (const what of kinds) {
        const damage = damages[what];
        it(`loses no series: ${database}, ${what}, ${scenario}`, async () => {
          const { directory, remove } = extractFixture('clean-archived');
          try {
            damage(join(directory, database));
            const { series } = await runDirectory(directory, scenario);
            const original = originalSeries('clean-archived', 'as-is');
            const lost = [...original].filter(
              ([text, { samples }]) => series.get(text)?.samples.join() !== samples.join(),
            );
            expect(lost.map(([text]) => text)).to.deep.equal([]);
            const again = await runDirectory(directory, 'as-is');
            expect(again.series.size).to.equal(original.size);
          } finally {
            remove();
          }
        });
      }
    }
  });
};

/** Changes every table of a database. */
const change = (directory: string, act: (bytes: Buffer) => void): void => {
  expect(existsSync(directory)).to.equal(true);
  for (const name of readdirSync(directory).filter((each) => /\.(?:ldb|sst)$/.test(each))) {
    const bytes = readFileSync(join(directory, name));
    act(bytes);
    writeFileSync(join(directory, name), bytes);
  }
};
