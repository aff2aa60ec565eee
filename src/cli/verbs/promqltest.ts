/**
 * `tidemark promqltest`: runs test files in the format of Prometheus' `promqltest`. Each file runs twice: on columns in
 * memory, and on a store in a temporary directory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { memoryStorage } from '../../promql/testing/memory-source.ts';
import { failureText, reportLine } from '../../promql/testing/report.ts';
import type { TestStorage } from '../../promql/testing/storage.ts';
import { storeStorage } from '../../promql/testing/store-storage.ts';
import { suiteEngine } from '../../promql/testing/suite.ts';
import { TestFileError } from '../../promql/testing/test-file.ts';
import { type PromqlTestReport, runPromqlTest } from '../../promql/testing/test-run.ts';
import { exitCodes } from '../exit-codes.ts';
import { readInputText } from '../input-files.ts';
import type { Invocation, Verb } from '../verb.ts';
import { textOption } from '../verb.ts';

/** `v2.42/functions.test`: the folder tells the version of the file. */
const nameOf = (path: string): string => join(basename(dirname(path)), basename(path));

const isVersion2 = (path: string, given: string | undefined): boolean =>
  given === undefined ? /^v?2\.\d/.test(basename(dirname(path))) : given === '2';

/** The evals that failed in either run. An eval that failed in both is reported once, as it failed in memory. */
const joined = (memory: PromqlTestReport, store: PromqlTestReport): PromqlTestReport => {
  const lines = new Set(memory.failures.map(({ line }) => line));
  const others = store.failures.filter(({ line }) => !lines.has(line));
  return {
    ...memory,
    passed: memory.passed - others.length,
    failures: [...memory.failures, ...others.map((failure) => ({ ...failure, asked: `${failure.asked}, of a store` }))],
  };
};

/** Runs a function with a storage that is a store; the store's directory is deleted afterwards. */
const onStore = async <T>(
  { library }: Pick<Invocation, 'library'>,
  run: (storage: TestStorage) => Promise<T>,
): Promise<T> => {
  const { openStore } = await library();
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-promqltest-'));
  let stores = 0;
  const storage = storeStorage(() =>
    openStore(join(directory, String(stores++)), { retention: 'off', durability: 'os', syncSeriesFiles: 'never' }),
  );
  try {
    return await run(storage);
  } finally {
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  }
};

export const promqltest: Verb = {
  name: 'promqltest',
  summary: "Run test files in the format of Prometheus' promqltest.",
  positionals: [
    { name: 'FILE', required: true, summary: 'The test files, *.test.', completes: 'file', repeatable: true },
  ],
  options: {
    version: {
      type: 'string',
      placeholder: 'N',
      summary:
        'The version of Prometheus that the files are for: 2 (ranges include their left end) or 3. Default: 2 for files in a folder such as v2.42, otherwise 3.',
      choices: ['2', '3'],
    },
    json: { type: 'boolean', summary: 'Print a JSON line for each file.' },
  },
  notes: [
    'Each file runs on columns in memory and on a store in a temporary directory. As in Prometheus, each instant query is also asked with @ at other times, and as a step of a range query. A line says how many evals of a file passed, failed and were skipped, with the reason; failures are described on stderr. The exit code is 3 when an eval failed or a file can not be read as a test file.',
  ],
  examples: ['tidemark promqltest testdata/*.test'],

  async run({ positionals: files, options, terminal, library, signal }) {
    const { systemClock } = await library();
    let failed = 0;
    for (const file of files) {
      const text = await readInputText(file, terminal);
      const name = nameOf(file);
      const engine = suiteEngine({
        isVersion2: isVersion2(file, textOption(options, 'version')),
        breathe: () => systemClock.breathe(),
        now: () => systemClock.monotonic(),
      });
      const on = (storage: TestStorage): Promise<PromqlTestReport> => {
        signal.throwIfAborted();
        return runPromqlTest(text, { name, storage, ...engine });
      };
      try {
        const report = joined(await on(memoryStorage()), await onStore({ library }, on));
        failed += report.failures.length;
        const { passed, failures, skipped } = report;
        const json = { file, passed, failed: failures.length, skipped: Object.fromEntries(skipped), failures };
        await terminal.out.write(options['json'] === true ? `${JSON.stringify(json)}\n` : `${reportLine(report)}\n`);
        for (const failure of failures) terminal.err.say(`${failureText(name, failure)}\n`);
      } catch (error) {
        if (!(error instanceof TestFileError)) throw error;
        failed++;
        const message = `${name}: not a test file: ${error.message}`;
        await terminal.out.write(
          options['json'] === true ? `${JSON.stringify({ file, error: error.message })}\n` : `${message}\n`,
        );
      }
      await terminal.out.flush();
    }
    return failed === 0 ? exitCodes.ok : exitCodes.problems;
  },
};
