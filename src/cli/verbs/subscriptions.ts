/**
 * `tidemark subscriptions`: lists the durable subscriptions of a directory, such as those of `forward` and of rules, or
 * removes one. A subscription keeps the part of the journal that it has not acknowledged.
 */
import { formatTable } from '../columns.ts';
import { ReadingReport } from '../damage-report.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { openForReading } from '../open-for-reading.ts';
import { openExisting } from '../open-for-writing.ts';
import { nearest } from '../suggest.ts';
import { formatBytes } from '../units.ts';
import { type Invocation, textOption, type Verb } from '../verb.ts';

const list = async (directory: string, { terminal, options, ...parts }: Invocation): Promise<ExitCode> => {
  const report = new ReadingReport(terminal);
  await using store = await openForReading(directory, { terminal, ...parts }, report);
  const all = store.subscriptions();
  if (options['json'] === true) for (const one of all) await terminal.out.write(`${JSON.stringify(one)}\n`);
  else if (all.length === 0) terminal.err.say('There are no subscriptions.\n');
  else
    await terminal.out.write(
      formatTable(
        all.map(({ name, position, lagBytes }) => [name, `position ${position}`, `${formatBytes(lagBytes)} behind`]),
      ),
    );
  return report.exitCode;
};

const remove = async (directory: string, name: string, invocation: Invocation): Promise<ExitCode> => {
  await using opened = await openExisting(directory, invocation, { applyRetention: false });
  const { store } = opened;
  const names = store.subscriptions().map((one) => one.name);
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    const hint = names.length === 0 ? '' : ` Its subscriptions: ${names.join(', ')}.`;
    const suggestion = meant === undefined ? hint : ` Did you mean ${meant}?`;
    throw new Error(`The directory has no subscription ${JSON.stringify(name)}.${suggestion}`);
  }
  await store.unsubscribe(name);
  const { forgetPlace } = await import('../../remote/forward-cursor.ts');
  forgetPlace(store.directory, name);
  await invocation.terminal.out.write(`Removed ${name}.\n`);
  return exitCodes.ok;
};

export const subscriptions: Verb = {
  name: 'subscriptions',
  summary: 'List the durable subscriptions of a directory, or remove one.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: {
    remove: {
      type: 'string',
      placeholder: 'NAME',
      summary: 'Remove this subscription. Its place is forgotten, and it holds back no journal any more.',
    },
    json: { type: 'boolean', summary: 'List as JSON lines.' },
  },
  notes: [
    'Each name of forward is a subscription, and so are the deliveries of rules. A line has the name, the position in the journal up to which everything was acknowledged, and how much of the journal follows.',
    'No other process may have the directory open when a subscription is removed. A forward under a removed name begins from its --from again.',
  ],
  examples: ['tidemark subscriptions ./data', 'tidemark subscriptions ./data --remove forward'],

  async run(invocation) {
    const [directory] = invocation.positionals;
    const name = textOption(invocation.options, 'remove');
    return name === undefined ? list(directory, invocation) : remove(directory, name, invocation);
  },
};
