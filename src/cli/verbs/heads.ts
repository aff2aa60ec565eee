/** `tidemark heads`: the contents of the heads checkpoint, series by series, read without opening the store. */
import type { HeadsSeries } from '../../index.ts';
import { formatLabels } from '../../text/label-text.ts';
import { formatCount, formatQuantity } from '../../text/quantities.ts';
import { exitCodes } from '../exit-codes.ts';
import { createProgressBar } from '../progress-bar.ts';
import { formatBytes, formatTime } from '../units.ts';
import type { Verb } from '../verb.ts';

const describe = ({ fingerprint, labels, chunksBefore, chunksInFile, chunks }: HeadsSeries): string => {
  const inFile =
    chunksBefore < 0
      ? `at least ${formatQuantity(chunksInFile, 'chunk')}`
      : formatQuantity(chunksBefore + chunksInFile, 'chunk');
  const lines = chunks.map(
    ({ encoding, firstTime, lastTime }) =>
      `    ${encoding.padEnd(12)}  ${formatTime(firstTime)}  ${formatTime(lastTime)}`,
  );
  return `${[`${fingerprint}  ${formatLabels(labels)}  (${inFile} in its file)`, ...lines].join('\n')}\n`;
};

export const heads: Verb = {
  name: 'heads',
  summary: 'Print the contents of the checkpoint, series by series.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: { json: { type: 'boolean', summary: 'Print JSON lines.' } },
  notes: [
    'A series has a line with its fingerprint and labels, then a line for each chunk that is not in its file yet: encoding, first and last time. The last chunk is the head. Damage is reported on stderr; the exit code is then 3.',
  ],
  examples: ['tidemark heads ./data'],

  async run({ positionals: [directory], options, terminal, library, signal }) {
    const { listHeads, systemClock } = await library();
    const bar = createProgressBar(terminal, systemClock);
    let lines: string[] = [];
    const writeLines = async (): Promise<void> => {
      const text = lines.join('');
      lines = [];
      await terminal.out.write(text);
    };
    const listing = await listHeads(directory, {
      onSeries: (series) => lines.push(options['json'] === true ? `${JSON.stringify(series)}\n` : describe(series)),
      breathe: async () => {
        await writeLines();
        await systemClock.breathe();
      },
      onProgress: bar.update,
      signal,
    }).finally(bar.clear);
    await writeLines();
    for (const problem of listing.problems) terminal.err.say(`${problem}\n`);
    const { version, series, bytes, position } = listing;
    const replay = position === undefined ? '' : `; replay starts at position ${position}`;
    terminal.err.say(
      version === 0
        ? 'There is no readable checkpoint.\n'
        : `Version ${version}: ${formatCount(series)} series, ${formatBytes(bytes)}${replay}.\n`,
    );
    return listing.problems.length === 0 ? exitCodes.ok : exitCodes.problems;
  },
};
