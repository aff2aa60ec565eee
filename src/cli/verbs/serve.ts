/**
 * `tidemark serve`: opens a store that records this machine and this process, and serves the pages that show it.
 * `npm start` runs it on ./data.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { PagesServer, type ServerOptions } from '../../http/server.ts';
import { checkTls } from '../../http/tls-files.ts';
import type { Store } from '../../index.ts';
import { codeOf } from '../../text/error-text.ts';
import { RepairReport } from '../damage-report.ts';
import type { Demo } from '../demo/demo.ts';
import { checkDirectoryName } from '../directory-argument.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { registerHostMetrics } from '../host/host-metrics.ts';
import { readingError } from '../input-files.ts';
import type { Library } from '../library.ts';
import { createProgressBar } from '../progress-bar.ts';
import { ServedRules } from '../served-rules.ts';
import { type KeptToken, keepToken, readToken } from '../token-file.ts';
import { parseSize } from '../units.ts';
import {
  type GivenOptions,
  type Invocation,
  integerOption,
  textOption,
  textOptions,
  UsageError,
  type Verb,
} from '../verb.ts';

const defaultPort = 7480;
/** How many ports are tried from the default one on, if no port was requested and ports are in use. */
const portsTried = 10;
const recordInterval = '1s';
/** The least memory target that the library takes. */
const memoryTargetMin = 1024 * 1024;
/** An opening that takes longer says where it can be watched. */
const longOpeningMs = 2000;

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

const directoryOf = ({ positionals: [directory = './data'] }: Invocation): string => directory;

/** The token as given, `false` for none, or `undefined` if the directory keeps it. */
const tokenOption = (options: GivenOptions, host: string): string | false | undefined => {
  const token = textOption(options, 'token');
  if (options['no-token'] !== true) {
    if (token !== undefined && !/^[\w.~-]{8,}$/.test(token))
      throw new UsageError('--token takes at least 8 letters, digits or any of . _ ~ -');
    return token;
  }
  if (token !== undefined) throw new UsageError('--token and --no-token exclude each other.');
  if (options['write'] === true) throw new UsageError('--write needs a token, so --no-token excludes it.');
  if (!isLoopback(host)) throw new UsageError('--no-token needs a --host of this machine alone, such as 127.0.0.1.');
  return false;
};

const fileOption = (options: GivenOptions, name: string): Buffer | undefined => {
  const path = textOption(options, name);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${name}: ${readingError(path, error).message}`);
  }
};

const shownFile = (options: GivenOptions, name: string): string => `--${name} ${textOption(options, name)}`;

const tlsOption = (options: GivenOptions): ServerOptions['tls'] => {
  const cert = fileOption(options, 'tls-cert');
  const key = fileOption(options, 'tls-key');
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError('--tls-cert and --tls-key need each other.');
  checkTls({ cert, key }, { cert: shownFile(options, 'tls-cert'), key: shownFile(options, 'tls-key') });
  return { cert, key };
};

/** Checked before the server listens, so that a wrong size is refused with the usage and nothing is started. */
const memoryTargetOption = (options: GivenOptions): number | undefined => {
  const text = textOption(options, 'memory-target');
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes === undefined || bytes < memoryTargetMin)
    throw new UsageError(
      `--memory-target takes a number of bytes or a size such as 256M or 1G, from 1M on, not ${JSON.stringify(text)}.`,
    );
  return bytes;
};

interface Listening {
  readonly server: PagesServer;
  readonly rules: ServedRules;
  /** In bytes; `undefined` for the library's default. */
  readonly memoryTarget: number | undefined;
  /** The token if the directory is to keep it. */
  readonly kept: KeptToken | undefined;
}

/** The demo if it was asked for, in a directory of its own. */
const demoOption = async ({ positionals, options, terminal }: Invocation): Promise<Demo | undefined> => {
  if (options['demo'] !== true) return undefined;
  const { Demo } = await import('../demo/demo.ts');
  return Demo.prepare(positionals[0], terminal);
};

/** Starts a server on the requested port, or on the first free port from the default one on. */
const listen = async (invocation: Invocation, registry: Registry, demo: Demo | undefined): Promise<Listening> => {
  const { options } = invocation;
  const { systemClock } = await invocation.library();
  const host = textOption(options, 'host') ?? '127.0.0.1';
  const token = tokenOption(options, host);
  const kept = token === undefined ? readToken(directoryOf(invocation)) : undefined;
  const wanted = integerOption(options, 'port', { minimum: 0, maximum: 65_535 });
  const tls = tlsOption(options);
  const memoryTarget = memoryTargetOption(options);
  const ruleFiles = textOptions(options, 'rules');
  if (ruleFiles.length === 0 && textOptions(options, 'alertmanager').length > 0)
    throw new UsageError('--alertmanager needs --rules, whose alerts it gets.');
  const rules = await ServedRules.read(ruleFiles, invocation.terminal, demo?.rules);
  for (let attempt = 0; ; attempt++) {
    const server = new PagesServer({
      host,
      port: wanted ?? defaultPort + attempt,
      clock: systemClock,
      registries: [registry],
      token: token ?? kept?.token ?? false,
      allowedHosts: textOptions(options, 'allowed-host'),
      corsOrigins: textOptions(options, 'cors-origin'),
      trustProxy: options['trust-proxy'] === true,
      write: options['write'] === true,
      otlp: { deltaToCumulative: options['otlp-delta'] === true },
      rules,
      ...(tls === undefined ? {} : { tls }),
    });
    try {
      await server.listen();
      return { server, rules, memoryTarget, kept };
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw error;
      if (wanted !== undefined)
        throw new Error(`Port ${wanted} is taken; --port 0 takes a free one.`, { cause: error });
      if (attempt + 1 === portsTried) throw error;
    }
  }
};

/** Records the process, the host, and the store itself. Returns a function that ends the recording. */
const record = (store: Store, registry: Registry, { recordRegistry }: Library): (() => Promise<void>) => {
  const labels = { job: 'tidemark', instance: 'localhost' };
  const recordings = [registry, store.registry].map((one) =>
    recordRegistry(store, one, { interval: recordInterval, labels }),
  );
  return async () => {
    await Promise.all(recordings.map((recording) => recording.stop()));
  };
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

const openAndShow = async (
  { server, memoryTarget }: Listening,
  invocation: Invocation,
  { logger }: RepairReport,
  demo: Demo | undefined,
): Promise<Store> => {
  const { options, terminal, library, signal } = invocation;
  const { openStore, systemClock } = await library();
  const bar = createProgressBar(terminal, systemClock);
  terminal.err.say(`Opening ${directoryOf(invocation)}.\n`);
  const hint = systemClock.setTimeout(() => {
    bar.clear();
    terminal.err.say(`This takes a while; ${server.url} shows the progress.\n`);
  }, longOpeningMs);
  const retention = textOption(options, 'retention');
  try {
    const store = await openStore(directoryOf(invocation), {
      ...demo?.options,
      ...(retention === undefined ? {} : { retention }),
      ...(memoryTarget === undefined ? {} : { memoryTarget }),
      signal,
      logger,
      onProgress: (progress) => {
        bar.update(progress);
        server.showProgress(progress);
      },
    });
    server.showStore(store);
    return store;
  } finally {
    systemClock.clearTimeout(hint);
    bar.clear();
  }
};

/** Prints a line when the disk begins to refuse writes, and one when it takes them again. */
const sayHealth = ({ events$ }: Store, { err }: Invocation['terminal']): void => {
  events$.subscribe((event) => {
    if (event.type !== 'healthChanged') return;
    if (event.to === 'healthy') err.say('The disk takes writes again, and so does the store.\n');
    else
      err.say(
        `The store takes no samples until the disk takes writes again: ${event.reason}. What it has accepted is kept.\n`,
      );
  });
};

/** Has the directory keep a new token. Says so if it can't: then the next start has another one. */
const keepForNextStart = (directory: string, kept: KeptToken | undefined, { terminal }: Invocation): void => {
  if (kept?.problem !== undefined) terminal.err.say(`${kept.problem}.\n`);
  if (kept === undefined || kept.isKept) return;
  const problem = keepToken(directory, kept.token);
  if (problem !== undefined) terminal.err.say(`The token can't be kept for the next start: ${problem}\n`);
};

const serveUntilStopped = async (
  listening: Listening,
  registry: Registry,
  invocation: Invocation,
  demo: Demo | undefined,
): Promise<ExitCode> => {
  const { server, rules, kept } = listening;
  const { terminal, options, library, signal } = invocation;
  const report = new RepairReport(terminal);
  const store = await openAndShow(listening, invocation, report, demo).finally(() => report.follow());
  sayHealth(store, terminal);
  keepForNextStart(store.directory, kept, invocation);
  await terminal.out.write(`${server.url}\n`);
  await terminal.out.flush();
  const alertmanagers = textOptions(options, 'alertmanager');
  const { origin } = new URL(server.url);
  await rules.start(store, { alertmanagers, externalUrl: origin, terminal });
  const stopRecording = options['no-record'] === true ? async () => {} : record(store, registry, await library());
  terminal.err.say(
    `Serving ${store.directory}${options['no-record'] === true ? '' : ', recording this machine every second'}; Ctrl-C stops.\n`,
  );
  const { systemClock } = await library();
  await demo?.start(store, systemClock.now, () => systemClock.breathe());
  await aborted(signal);
  terminal.err.say('\nClosing; Ctrl-C again exits at once, which loses nothing acknowledged.\n');
  await server.close();
  await rules.stop();
  await demo?.stop();
  await stopRecording();
  await store.close().finally(() => report.print());
  terminal.err.say('Closed cleanly.\n');
  return exitCodes.ok;
};

export const serve: Verb = {
  name: 'serve',
  summary: 'Open a store, record this machine into it, and serve its pages.',
  positionals: [
    { name: 'DIR', required: false, summary: 'The directory of the store. Default: ./data.', completes: 'directory' },
  ],
  options: {
    port: {
      type: 'string',
      placeholder: 'PORT',
      summary: `Port of the pages; 0 takes a free one. Default: the first free one from ${defaultPort} on.`,
    },
    host: {
      type: 'string',
      placeholder: 'HOST',
      summary: 'Address to listen on. Default: 127.0.0.1, this machine only.',
    },
    token: {
      type: 'string',
      placeholder: 'TEXT',
      summary: 'The token that requests must carry. Default: a random one, which the directory keeps.',
    },
    'no-token': {
      type: 'boolean',
      summary: 'Ask for no token: every program on this machine can then read the store.',
    },
    write: { type: 'boolean', summary: 'Serve the endpoints that change the store, too.' },
    rules: {
      type: 'string',
      placeholder: 'FILE',
      repeatable: true,
      summary: 'A rule file of Prometheus: its rules are evaluated, and /api/v1/rules lists them.',
    },
    alertmanager: {
      type: 'string',
      placeholder: 'URL',
      repeatable: true,
      summary: 'An Alertmanager that gets the alerts of the rules.',
    },
    'otlp-delta': {
      type: 'boolean',
      summary: 'Turn delta metrics of OpenTelemetry into cumulative ones, instead of refusing them.',
    },
    'allowed-host': {
      type: 'string',
      placeholder: 'NAME',
      repeatable: true,
      summary: "A name besides this machine's own under which requests are answered, or '*' for every name.",
    },
    'cors-origin': {
      type: 'string',
      placeholder: 'ORIGIN',
      repeatable: true,
      summary: "An origin whose pages may ask, such as https://tools.example.com, or '*' for every origin.",
    },
    'trust-proxy': {
      type: 'boolean',
      summary: 'Believe the X-Forwarded headers of the proxy through which every request comes.',
    },
    'tls-cert': {
      type: 'string',
      placeholder: 'FILE',
      summary: 'Serve HTTPS with this certificate, in PEM, followed by those of its authorities.',
    },
    'tls-key': { type: 'string', placeholder: 'FILE', summary: 'The private key of the certificate, in PEM.' },
    retention: {
      type: 'string',
      placeholder: 'TIME',
      summary:
        "How long samples are kept, such as 15d, or 'off'; the directory remembers it. Default: 15d for a new directory.",
    },
    'memory-target': {
      type: 'string',
      placeholder: 'SIZE',
      summary:
        'Memory that the store may use, such as 256M or 1G. Default: a quarter of the memory of the machine or control group, between 64M and 4G.',
    },
    demo: {
      type: 'boolean',
      summary:
        'Show a store in which everything happens within a minute, in a temporary directory, or in DIR if it is new or empty.',
    },
    'no-record': { type: 'boolean', summary: "Don't record this machine's and this process's own metrics." },
  },
  notes: [
    'The address of the pages, with its token, is printed on stdout when the store is open. Programs send the token as ?token=… or as Authorization: Bearer …; /-/healthy and /-/ready need none.',
    'Ctrl-C closes the store cleanly; a second Ctrl-C exits at once and loses nothing acknowledged.',
  ],
  examples: [
    'tidemark serve',
    'tidemark serve ./data --port 8080 --retention 30d',
    'tidemark serve ./data --memory-target 256M',
    'tidemark serve --demo',
  ],

  async run(given) {
    checkDirectoryName(directoryOf(given));
    const demo = await demoOption(given);
    const invocation = demo === undefined ? given : { ...given, positionals: [demo.directory.path] };
    const registry = new Registry();
    try {
      const listening = await listen(invocation, registry, demo);
      const { systemClock } = await invocation.library();
      collectDefaultMetrics({ register: registry });
      registerHostMetrics(registry, { directory: resolve(directoryOf(invocation)), now: systemClock.now });
      try {
        return await serveUntilStopped(listening, registry, invocation, demo);
      } finally {
        await listening.server.close();
      }
    } finally {
      demo?.directory.remove();
    }
  },
};
