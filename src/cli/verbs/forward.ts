/**
 * `tidemark forward`: sends what a directory holds to a remote-write receiver. What is sent is remembered in the directory,
 * so a run that was interrupted is continued by the next one.
 */

import { untilAborted } from '../../async/abortable.ts';
import type { ForwardEvent, Forwarding, ForwardStatus } from '../../remote/index.ts';
import { formatCount, formatQuantity, verbFor } from '../../text/quantities.ts';
import { exitCodes } from '../exit-codes.ts';
import { openExisting } from '../open-for-writing.ts';
import { type GivenOptions, textOption, textOptions, UsageError, type Verb } from '../verb.ts';

/** A receiver that has not answered for so long, in milliseconds, is told of. */
const SILENT_MS = 2000;
/** Progress is shown this often, in milliseconds. */
const SHOW_MS = 200;

/** `Name: value` as name and value. */
const headersOf = (options: GivenOptions): Record<string, string> =>
  Object.fromEntries(
    textOptions(options, 'header').map((text) => {
      const colon = text.indexOf(':');
      // The value may be a password, so the message does not show it.
      if (colon < 1) throw new UsageError("--header takes 'Name: value'.");
      return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
    }),
  );

/** `name=value` as name and value. */
const labelsOf = (options: GivenOptions): Record<string, string> =>
  Object.fromEntries(
    textOptions(options, 'label').map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined) throw new UsageError(`--label takes name=value, not ${JSON.stringify(text)}.`);
      return [name, value];
    }),
  );

const optionsOf = (options: GivenOptions) => {
  const [selector, maxSampleAge] = [textOption(options, 'selector'), textOption(options, 'max-age')];
  return {
    protocol: (textOption(options, 'protocol') ?? 'auto') as 'auto' | '1.0' | '2.0',
    from: (textOption(options, 'from') ?? 'start') as 'start' | 'end',
    headers: headersOf(options),
    labels: labelsOf(options),
    ...(selector !== undefined && { selector }),
    ...(maxSampleAge !== undefined && { maxSampleAge }),
  };
};

const droppedIn = ({ droppedSamples }: ForwardStatus): number =>
  Object.values(droppedSamples).reduce((sum, count) => sum + count, 0);

const summaryOf = (status: ForwardStatus): string => {
  const dropped = Object.entries(status.droppedSamples).map(
    ([reason, count]) => `${formatCount(count)} ${reason.replaceAll('_', ' ')}`,
  );
  const lost =
    status.lostRanges === 0
      ? ''
      : ` ${formatQuantity(status.lostRanges, 'range')} of the journal ${verbFor(status.lostRanges)} lost.`;
  const sent = `Sent ${formatQuantity(status.sentSamples, 'sample')} in ${formatQuantity(status.sentRequests, 'request')}.`;
  return `${sent}${dropped.length === 0 ? '' : ` Not sent: ${dropped.join(', ')}.`}${lost}`;
};

export const forwardVerb: Verb = {
  name: 'forward',
  summary: 'Send what a directory holds to a remote-write receiver, resumable.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' },
    { name: 'URL', required: true, summary: 'The receiver, such as http://localhost:9090/api/v1/write.' },
  ],
  options: {
    name: { type: 'string', placeholder: 'NAME', summary: 'Under which the place is remembered; default: forward.' },
    from: {
      type: 'string',
      placeholder: 'PLACE',
      summary: 'Where a new name begins: start (default), with all samples, or end.',
      choices: ['start', 'end'],
    },
    header: {
      type: 'string',
      placeholder: 'HEADER',
      summary: "A header of each request, as 'Name: value'. Repeatable.",
      repeatable: true,
    },
    protocol: {
      type: 'string',
      placeholder: 'VERSION',
      summary: 'auto (default), 2.0 or 1.0.',
      choices: ['auto', '2.0', '1.0'],
    },
    selector: { type: 'string', placeholder: 'SELECTOR', summary: 'Which series; default: all.' },
    label: {
      type: 'string',
      placeholder: 'LABEL',
      summary: 'A label that is added to each series, as name=value. Repeatable.',
      repeatable: true,
    },
    'max-age': { type: 'string', placeholder: 'TIME', summary: 'Leave out samples older than this, such as 2h.' },
    follow: { type: 'boolean', summary: 'Go on until Ctrl-C, also when the receiver refuses to be sent to.' },
    json: { type: 'boolean', summary: 'Print the final counts as JSON to stdout.' },
  },
  notes: [
    'What was sent is remembered under the name, in the directory. Ctrl-C, a crash or a restart of either side lose nothing: the same command continues. A request whose answer was lost is sent again with the same bytes.',
    'While the command runs, no other program can open the directory for writing. A program that uses the store calls forward of tidemark/remote instead.',
    'A receiver that does not answer is tried again until it does. Without --follow, the command ends when everything is sent, or with exit code 1 when the receiver answers 401, 403 or 404. Samples that the receiver refuses for good are counted by reason; the exit code is then 3.',
  ],
  examples: [
    'tidemark forward ./data http://localhost:9090/api/v1/write',
    'tidemark forward ./data https://example.org/write --label site=a',
  ],

  async run({ positionals: [directory, url], options, terminal, library, signal }) {
    const { systemClock } = await library();
    const { forward } = await import('../../remote/index.ts');
    const given = optionsOf(options);
    const follows = options['follow'] === true;
    const opened = await openExisting(directory, { terminal, library, signal }, { applyRetention: false });
    const { store, bar } = opened;
    let forwarding: Forwarding | undefined;
    let trouble: string | undefined;
    try {
      let isAnswered = false;
      const onEvent = (event: ForwardEvent): void => {
        isAnswered = true;
        const message = 'message' in event ? event.message : undefined;
        if (event.type === 'samplesDropped')
          say(
            `${formatQuantity(event.samples, 'sample')} ${verbFor(event.samples)} not taken (${event.reason}): ${message}`,
          );
        if (event.type === 'rangeLost') say(`a part of the journal was lost: ${event.from} to ${event.to}`);
        if (event.type === 'fellBack') say(`the receiver gets remote write 1.0: ${message}`);
        if (event.type === 'attemptFailed' && event.failures === 1) say(`trying again: ${message}`);
        if (event.type === 'paused') {
          say(`the receiver refuses to be sent to: ${message}`);
          if (!follows) trouble = message;
          if (!follows) void forwarding?.stop();
        }
        if (event.type === 'stopped' && event.error !== undefined) trouble ??= String(event.error);
      };
      const say = (text: string): void => {
        bar.clear();
        terminal.err.say(`${text}\n`);
      };
      const running = forward(store, textOption(options, 'name') ?? 'forward', { ...given, url, onEvent });
      forwarding = running;
      const show = (): void => {
        const { sentSamples, phase, state } = running.status();
        bar.show(`${state}, ${phase}  ${formatQuantity(sentSamples, 'sample')} sent`);
        timer = systemClock.setTimeout(show, SHOW_MS);
      };
      let timer = systemClock.setTimeout(show, SHOW_MS);
      const silence = systemClock.setTimeout(() => {
        const { sentRequests, state } = running.status();
        if (sentRequests === 0 && !isAnswered && (state === 'connecting' || state === 'sending'))
          say(`no answer yet from ${new URL(url).host}; waiting`);
      }, SILENT_MS);
      await untilAborted(follows ? running.done : running.caughtUp(), signal);
      systemClock.clearTimeout(timer);
      systemClock.clearTimeout(silence);
      await running.stop();
      bar.clear();
      const status = running.status();
      terminal.err.say(`${summaryOf(status)}\n`);
      if (options['json'] === true) await terminal.out.write(`${JSON.stringify(status)}\n`);
      if (trouble !== undefined) {
        terminal.err.say('The same command continues from here.\n');
        return exitCodes.error;
      }
      if (signal.aborted && !follows) {
        terminal.err.say('Interrupted; the same command continues from here.\n');
        return exitCodes.interrupted;
      }
      return droppedIn(status) > 0 || status.lostRanges > 0 ? exitCodes.problems : exitCodes.ok;
    } finally {
      bar.clear();
      await forwarding?.stop();
      await opened.close();
    }
  },
};
