/** `checkDirectory` finds what is wrong with a directory, nothing where nothing is, and changes nothing. */
import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkDirectory } from '../../src/index.ts';
import { extractFixture } from '../support/tar.ts';
import { fixtureNames, runDirectory } from './support/fixture-runs.ts';

/** Problems of the fixtures as they are: how many, and what one of them says. Those that are not here have none. */
const problemsOf: Readonly<Record<string, readonly [count: number, message: RegExp]>> = {
  'archived-missing-series-file': [6, /the series file, of 2 chunks, is missing/],
  dirty: [16, /the file has 1 chunks, and the checkpoint says 2/],
  'heads-bad-magic': [1, /does not begin with PrometheusHeads/],
  'heads-count-high': [1, /ends after 18 of 19 series/],
  'heads-empty': [82, /ends within its header/],
  'heads-missing': [82, /heads\.db is missing, but there are series files/],
  'heads-truncated': [45, /byte 8916: the file ends within the record of a series/],
  'heads-truncated-header': [82, /byte 20: the file ends within its header/],
  'heads-version-3': [1, /unknown version 3, must be 1 or 2/],
  'heads-zero-descs': [2, /a series without chunks/],
  'junk-names': [9, /fc\/README is no series file/],
  'label-index-corrupt': [1, /labelname_to_labelvalues: CURRENT names no manifest/],
  'label-index-deleted': [24, /does not find it by __name__, group, idx, job/],
  'mappings-bad-magic': [1, /does not begin with PrometheusMappings/],
  'mappings-missing': [7, /its fingerprint is a mapped one, and mappings\.db does not have it/],
  'metric-index-deleted': [36, /the archive has its times but not its labels/],
  'series-file-without-index': [3, /neither the checkpoint nor the archive names the series of this file/],
  'series-misaligned': [12, /the file has 100 bytes after its last whole chunk/],
  'timerange-index-corrupt': [31, /archived_fingerprint_to_timerange: CURRENT names no manifest/],
};

const refused = /^version-/;
/** Without recovery nobody looks at files that nothing names. */
const unseen = new Set(['junk-names', 'series-file-without-index']);

describe('checkDirectory', () => {
  for (const name of fixtureNames.filter((each) => !refused.test(each))) {
    it(`says what is wrong with ${name}, changes nothing, and is content once Tidemark has closed it`, async () => {
      const { directory, remove } = extractFixture(name);
      try {
        const before = hashOf(directory);
        const { problems } = await checkDirectory(directory, { pedantic: true });
        expect(hashOf(directory)).to.equal(before);
        const [count, message] = problemsOf[name] ?? [0, /^/];
        expect(problems.map((problem) => problem.message)).to.have.length(count);
        if (count > 0) expect(problems.some((problem) => message.test(problem.message))).to.equal(true);
        await runDirectory(directory, 'as-is');
        const after = await checkDirectory(directory, { pedantic: true });
        expect(after.problems).to.have.length(unseen.has(name) ? count : 0);
      } finally {
        remove();
      }
    });
  }

  it('counts series, chunks and, when it reads them all, samples', async () => {
    await withBase(async (directory) => {
      const report = await checkDirectory(directory, { pedantic: true });
      expect(report).to.deep.equal({ problems: [], dirty: false, series: 24, chunks: 48, samples: 4680 });
    });
  });

  it('finds one wrong byte in the body of a chunk when it is pedantic', async () => {
    await withBase(async (directory) => {
      const file = join(directory, 'fc', '638609e80292db.db');
      const bytes = readFileSync(file);
      bytes[1041 + 17 + 2] = 3;
      writeFileSync(file, bytes);
      expect((await checkDirectory(directory)).problems).to.have.length(0);
      const { problems } = await checkDirectory(directory, { pedantic: true });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.include({ kind: 'seriesFile', fingerprint: 'fc638609e80292db' });
      expect(problems[0].message).to.match(/group="archived".*chunk 1 of the file/);
    });
  });

  it('tells of problems as it finds them, and of its progress', async () => {
    await withBase(async (directory) => {
      truncateSync(join(directory, 'heads.db'), 5000);
      appendFileSync(join(directory, 'mappings.db'), 'x');
      const told: string[] = [];
      const phases = new Set<string>();
      const report = await checkDirectory(directory, {
        onProblem: ({ message }) => told.push(message),
        onProgress: ({ phase }) => phases.add(phase),
      });
      expect(told).to.deep.equal(report.problems.map(({ message }) => message));
      expect([...phases]).to.deep.equal(['checkpoint', 'archive', 'series files', 'label indexes']);
    });
  });

  it('stops when it is aborted', async () => {
    await withBase(async (directory) => {
      const controller = new AbortController();
      controller.abort(new Error('enough'));
      const error = await checkDirectory(directory, { signal: controller.signal }).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'TIDEMARK_ABORTED');
      expect(error).to.have.nested.property('cause.message', 'enough');
    });
  });
});

const withBase = async (use: (directory: string) => Promise<void>): Promise<void> => {
  const { directory, remove } = extractFixture('base');
  try {
    await use(directory);
  } finally {
    remove();
  }
};

/** One hash over everything below a directory: names, contents, times. */
const hashOf = (directory: string): string => {
  const hash = createHash('sha256');
  for (const name of (readdirSync(directory, { recursive: true }) as string[]).sort()) {
    const { mtimeMs, size } = statSync(join(directory, name));
    hash.update(`${name} ${mtimeMs} ${size}\n`);
    if (statSync(join(directory, name)).isFile()) hash.update(readFileSync(join(directory, name)));
  }
  return hash.digest('hex');
};
