/** The options of `npm run bench`. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sizeFrom } from './workload.ts';

const usage = `npm run bench -- [OPTIONS]

The workload at four sizes, each case in a fresh process, several runs, medians.

  --quick               one small size, one run: shows that everything works, not how fast it is
  --size N,S            series and rounds, instead of the four sizes; may be repeated
  --repeat N            runs of each size (default: 3); the largest of the four sizes runs a third as often
  --directory DIR       where the stores are made (default: the system's folder for temporary files)
  --out FILE            writes the result as JSON (default: coverage/bench.json)
  --against DIR         measures another built checkout too, run by run in turn, and prints the ratios
  --rest SECONDS        measures memory again after this time at rest (default: not)
  --publish             writes it to docs/performance.json too and renews the tables of README.md and docs/performance.md

Instead of that:

  --questions           asks the ten queries of workload Q, beside Prometheus and VictoriaMetrics (--repeat, default: 11)
  --questions --large   one query over all series of a size (default: 100000x240), beside ingest (--repeat, default: 5)
  --rules               evaluates 1,000 rules beside ingest, beside Prometheus (--repeat rounds of 15 s, default: 8)
  --doors               how fast samples come in and go out over HTTP, beside VictoriaMetrics (--repeat, default: 3)
  --doors --minutes N   memory at a steady rate over so many minutes
  --memory-target SIZE  with --minutes: the memory target of the served store (default: 128M)
  --help                this text
`;

const parse = (args: string[]) =>
  parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      size: { type: 'string', multiple: true },
      repeat: { type: 'string' },
      directory: { type: 'string', default: tmpdir() },
      out: { type: 'string', default: join('coverage', 'bench.json') },
      publish: { type: 'boolean', default: false },
      against: { type: 'string' },
      rest: { type: 'string', default: '0' },
      questions: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      rules: { type: 'boolean', default: false },
      doors: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '0' },
      'memory-target': { type: 'string', default: '128M' },
      help: { type: 'boolean', default: false },
    },
  }).values;

export type BenchOptions = ReturnType<typeof parse>;

/** Throws an error whose message says what is wrong with the arguments. */
const checked = (args: string[]): BenchOptions => {
  const options = parse(args);
  options.size?.forEach(sizeFrom);
  if (options.against !== undefined && !existsSync(join(options.against, 'dist')))
    throw new Error(`--against needs a built checkout: ${options.against} has no folder dist`);
  if (!(Number(options.repeat ?? 1) >= 1 && Number.isInteger(Number(options.repeat ?? 1))))
    throw new Error(`--repeat needs a whole number from 1 on, not ${options.repeat}`);
  for (const name of ['rest', 'minutes'] as const) {
    const text = options[name];
    if (text === '' || !(Number(text) >= 0 && Number.isFinite(Number(text))))
      throw new Error(`--${name} needs a number from 0 on, not ${text || 'nothing'}`);
  }
  if (options.large && !options.questions) throw new Error('--large needs --questions');
  if (Number(options.minutes) > 0 && !options.doors) throw new Error('--minutes needs --doors');
  return options;
};

/** The options; ends the process after `--help`, and with exit code 2 when an argument is wrong. */
export const optionsOrExit = (args: string[]): BenchOptions => {
  try {
    const options = checked(args);
    if (!options.help) return options;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
  process.stdout.write(usage);
  process.exit(0);
};
