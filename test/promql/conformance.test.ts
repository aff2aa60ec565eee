/**
 * The test files of Prometheus itself. They are not part of this repository: the tests are skipped where the folder
 * `shared/promqltest` does not stand beside it, or where TIDEMARK_PROMQLTEST does not name it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { memoryStorage } from '../../src/promql/testing/memory-source.ts';
import { failureText } from '../../src/promql/testing/report.ts';
import { suiteEngine } from '../../src/promql/testing/suite.ts';
import { type PromqlTestReport, runPromqlTest } from '../../src/promql/testing/test-run.ts';
import { version2Evals } from './known-differences.ts';

const folder = process.env['TIDEMARK_PROMQLTEST'] ?? join('..', 'shared', 'promqltest');

const run = (version: string, file: string): Promise<PromqlTestReport> =>
  runPromqlTest(readFileSync(join(folder, version, file), 'utf8'), {
    name: `${version}/${file}`,
    storage: memoryStorage(),
    ...suiteEngine({
      isVersion2: version.startsWith('v2.'),
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      now: () => performance.now(),
    }),
  });

const filesOf = (version: string): readonly string[] =>
  existsSync(join(folder, version)) ? readdirSync(join(folder, version)).filter((name) => name.endsWith('.test')) : [];

describe("Prometheus' own tests of PromQL", () => {
  it('are at hand', function () {
    if (!existsSync(folder)) this.skip();
    expect(filesOf('v3.14')).to.not.deep.equal([]);
    expect(filesOf('v2.42')).to.not.deep.equal([]);
  });

  for (const file of filesOf('v3.14')) {
    it(`of version 3.14 pass: ${file}`, async () => {
      const { name, passed, failures, skipped } = await run('v3.14', file);
      expect(failures.map((failure) => failureText(name, failure)).join('\n')).to.equal('');
      expect(passed).to.be.above(0);
      expect([...skipped.keys()].filter((reason) => reason !== 'native histograms')).to.deep.equal([]);
    });
  }

  for (const file of filesOf('v2.42')) {
    it(`of version 2.42 pass but for the known differences: ${file}`, async () => {
      const { name, passed, failures, skipped } = await run('v2.42', file);
      const known = version2Evals.filter((one) => one.file === file).map(({ line }) => line);
      const isKnown = ({ line }: { line: number }): boolean => known.includes(line);
      const unknown = failures.filter((failure) => !isKnown(failure));
      expect(unknown.map((failure) => failureText(name, failure)).join('\n')).to.equal('');
      expect(failures.map(({ line }) => line)).to.deep.equal(known);
      expect(passed).to.be.above(0);
      expect([...skipped]).to.deep.equal([]);
    });
  }
});
