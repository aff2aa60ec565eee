/**
 * Every directory that the real Prometheus wrote, in every scenario in which the real one was observed: the same series,
 * the same samples bit for bit, the same state, the same indexes; or more than the original keeps, which is listed in
 * docs/recovery.md and compared with what was appended.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { listQuarantined } from '../../src/disk/quarantine/quarantine-list.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { contentOf, type DirectoryContent } from './support/directory-content.ts';
import {
  expectedOf,
  fixtureNames,
  originalSeries,
  type Run,
  runFixture,
  type Scenario,
  type SeriesByText,
  scenariosOf,
} from './support/fixture-runs.ts';
import {
  differencesText,
  type FixtureRow,
  inventedSamples,
  lostSamples,
  reasons,
  rowOf,
  tableText,
} from './support/fixture-table.ts';

/** Directories that no version of the storage opens. */
const refused: Readonly<Record<string, { readonly code: string; readonly message: RegExp }>> = {
  'version-2': { code: 'TIDEMARK_UNSUPPORTED_VERSION', message: /VERSION says "2", must be 1/ },
  'version-garbage': { code: 'TIDEMARK_UNSUPPORTED_VERSION', message: /VERSION says "one", must be 1/ },
  'version-missing': { code: 'TIDEMARK_NOT_A_STORE', message: /no VERSION file but other files: .*heads\.db/ },
};

const page = join(process.cwd(), 'docs', 'recovery.md');

describe('a directory of the original', () => {
  const rows: FixtureRow[] = [];

  for (const name of fixtureNames) {
    for (const scenario of scenariosOf(name)) {
      if (refused[name] !== undefined) {
        it(`is refused with a message that says why: ${name}`, () => refuses(name, scenario));
        continue;
      }
      it(`opens with all that the original finds in it: ${name}, ${scenario}`, async () => {
        const run = await runFixture(name, scenario);
        try {
          compare(name, scenario, run, await contentOf(run.directory));
          rows.push(rowOf(name, scenario, run));
        } finally {
          run.remove();
        }
      });
    }
  }

  it('is listed in docs/recovery.md with exactly what the original and Tidemark make of it', () => {
    const text = readFileSync(page, 'utf8');
    const current = replaceBetween(
      replaceBetween(text, 'fixture table', tableText(rows)),
      'fixture differences',
      differencesText(rows),
    );
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, current);
    else expect(text).to.equal(current);
  });

  it('differs from the original for a reason that is given, and for no other', () => {
    const different = rows.filter(({ differences }) => differences.length > 0).map(({ name }) => name);
    expect(Object.keys(reasons).sort()).to.deep.equal([...new Set(different)].sort());
  });
});

const compare = (name: string, scenario: Scenario, run: Run, content: DirectoryContent): void => {
  const original = originalSeries(name, scenario);
  expect(lostSamples(name, scenario, run.series)).to.deep.equal([]);
  expect(inventedSamples(name, scenario, run.series)).to.deep.equal([]);
  for (const [text, { samples, fingerprint, where }] of run.series) {
    expect(samples, text).to.deep.equal([...new Set(samples)], 'no sample twice');
    const times = samples.map((sample) => Number(sample.split(' ')[0]));
    expect(times, text).to.deep.equal([...times].sort((a, b) => a - b));
    const before = original.get(text);
    if (before === undefined || before.samples.length === 0) continue;
    expect({ fingerprint, where }, text).to.deep.equal({ fingerprint: before.fingerprint, where: before.where });
  }
  expect(content.extra.filter((entry) => !leftovers.test(entry))).to.deep.equal([
    'LAST_CLOSE',
    'RETENTION',
    'checksums',
    'journal',
  ]);
  // A series that was damaged was read as far as it can be, and put into quarantine.
  const alive = new Map([...run.series].filter(([, { fingerprint }]) => isStored(content, fingerprint)));
  for (const { fingerprint } of run.series.values())
    if (!isStored(content, fingerprint)) expect(quarantinedIn(run.directory)).to.include(fingerprint);
  expect(content.labelPairs).to.deep.equal(pairsOf(alive));
  if (alive.size === run.series.size) compareIndexes(name, scenario, run.series, content);
};

const isStored = ({ heads, archivedMetrics }: DirectoryContent, fingerprint: string): boolean =>
  heads[fingerprint] !== undefined || archivedMetrics[fingerprint] !== undefined;

const quarantinedIn = (directory: string): string[] =>
  listQuarantined(nodeFileSystem, directory).map(({ fingerprint }) => fingerprint);

/** Of the fixtures with strange names, what is kept of a damaged index, and what a checkpoint of the recovery notes. */
const leftovers = /^(?:INDEX_SEQUENCES|fg|notes\.txt|heads\.db\.tmp|mappings\.db\.tmp|.*\.damaged-1)$/;

/** Where the series are the same, the indexes are, entry by entry. */
const compareIndexes = (name: string, scenario: Scenario, series: SeriesByText, content: DirectoryContent): void => {
  const { afterStart } = expectedOf(name, scenario);
  const isSame = series.size === originalSeries(name, scenario).size;
  if (afterStart === undefined || afterStart === null || !isSame || name === 'label-index-deleted') return;
  const pairs = afterStart.labelPairs.map(({ name: label, value, fps }) => [`${label}=${value}`, [...fps].sort()]);
  expect(content.labelPairs).to.deep.equal(Object.fromEntries(pairs));
  const values = Object.entries(afterStart.labelValues).map(([label, texts]) => [label, [...texts].sort()]);
  expect(content.labelValues).to.deep.equal(Object.fromEntries(values));
  const mappings = afterStart.mappings.map(({ rawFP, uniqueStringHex, mappedFP }) =>
    [rawFP, uniqueStringHex, mappedFP].join(' '),
  );
  expect(content.mappings).to.include.members(mappings);
};

/** The label-pair index that these series should have. */
const pairsOf = (series: SeriesByText): Record<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const { metric, fingerprint } of series.values()) {
    for (const [label, value] of Object.entries(metric)) {
      const key = `${label}=${value}`;
      found.set(key, [...(found.get(key) ?? []), fingerprint].sort());
    }
  }
  return Object.fromEntries(found);
};

const refuses = async (name: string, scenario: Scenario): Promise<void> => {
  expect(expectedOf(name, scenario).startError).to.be.a('string');
  const error = await runFixture(name, scenario).then(
    () => undefined,
    (reason: unknown) => reason as { code: string; message: string },
  );
  expect(error?.code).to.equal(refused[name].code);
  expect(error?.message).to.match(refused[name].message);
};

const replaceBetween = (text: string, marker: string, content: string): string => {
  const start = `<!-- ${marker}: begin -->\n`;
  const end = `\n<!-- ${marker}: end -->`;
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/recovery.md has no markers for the ${marker}`);
  return text.slice(0, from + start.length) + content + text.slice(to);
};
