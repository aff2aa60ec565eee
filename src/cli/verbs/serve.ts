/**
 * `tidemark serve`: opens a store that records this machine and this process, and serves the pages that show it.
 * `npm start` runs it on ./data.
 */

import { resolve } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { PagesServer } from '../../http/server.ts';
import type { Store } from '../../index.ts';
import { codeOf } from '../../text/error-text.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { registerHostMetrics } from '../host/host-metrics.ts';
import type { Library } from '../library.ts';
import { createProgressBar } from '../progress-bar.ts';
import { type GivenOptions, type Invocation, integerOption, textOption, UsageError, type Verb } from '../verb.ts';

const defaultPort = 7480;
/** How many ports are tried from the default one on, if no port was requested and ports are in use. */
const portsTried = 10;
const recordInterval = '1s';

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

const tokenOption = (options: GivenOptions, host: string): string | false | undefined => {
  const token = textOption(options, 'token');
  if (options['no-token'] !== true) {
    if (token !== undefined && !/^[\w.~-]{8,}$/.test(token))
      throw new UsageError('--token takes at least 8 letters, digits or any of . _ ~ -');
    return token;
  }
  if (token !== undefined) throw new UsageError('--token and --no-token exclude each other.');
  if (!isLoopback(host)) throw new UsageError('--no-token needs a --host of this machine alone, such as 127.0.0.1.');
  return false;
};

/** Starts a server on the requested port, or on the first free port from the default one on. */
const listen = async (options: GivenOptions, { systemClock }: Library, registry: Registry): Promise<PagesServer> => {
  const host = textOption(options, 'host') ?? '127.0.0.1';
  const token = tokenOption(options, host);
  const wanted = integerOption(options, 'port', { minimum: 0, maximum: 65_535 });
  for (let attempt = 0; ; attempt++) {
    const server = new PagesServer({
      host,
      port: wanted ?? defaultPort + attempt,
      clock: systemClock,
      registries: [registry],
      ...(token === undefined ? {} : { token }),
    });
    try {
      await server.listen();
      return server;
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

const directoryOf = ({ positionals: [directory = './data'] }: Invocation): string => directory;

const openAndShow = async (server: PagesServer, invocation: Invocation): Promise<Store> => {
  const { options, terminal, library, signal } = invocation;
  const { openStore, systemClock } = await library();
  const bar = createProgressBar(terminal, systemClock);
  const retention = textOption(options, 'retention');
  const store = await openStore(directoryOf(invocation), {
    ...(retention === undefined ? {} : { retention }),
    signal,
    onProgress: (progress) => {
      bar.update(progress);
      server.showProgress(progress);
    },
  });
  bar.clear();
  server.showStore(store);
  return store;
};

const serveUntilStopped = async (
  server: PagesServer,
  registry: Registry,
  invocation: Invocation,
): Promise<ExitCode> => {
  const { terminal, options, library, signal } = invocation;
  await terminal.out.write(`${server.url}\n`);
  await terminal.out.flush();
  const store = await openAndShow(server, invocation);
  const stopRecording = options['no-record'] === true ? async () => {} : record(store, registry, await library());
  terminal.err.say(
    `Serving ${store.directory}${options['no-record'] === true ? '' : ', recording this machine every second'}; Ctrl-C stops.\n`,
  );
  await aborted(signal);
  terminal.err.say('\nClosing; Ctrl-C again exits at once, which loses nothing acknowledged.\n');
  await server.close();
  await stopRecording();
  await store.close();
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
    token: { type: 'string', placeholder: 'TEXT', summary: 'The token that requests must carry. Default: random.' },
    'no-token': {
      type: 'boolean',
      summary: 'Ask for no token: every program on this machine can then read the store.',
    },
    retention: {
      type: 'string',
      placeholder: 'TIME',
      summary:
        "How long samples are kept, such as 15d, or 'off'; the directory remembers it. Default: 15d for a new directory.",
    },
    'no-record': { type: 'boolean', summary: "Don't record this machine's and this process's own metrics." },
  },
  notes: [
    'The address of the pages, with its token, is printed on stdout. Programs send the token as ?token=… or as Authorization: Bearer …; /-/healthy and /-/ready need none.',
    'Ctrl-C closes the store cleanly; a second Ctrl-C exits at once and loses nothing acknowledged.',
  ],
  examples: ['tidemark serve', 'tidemark serve ./data --port 8080 --retention 30d'],

  async run(invocation) {
    const registry = new Registry();
    const server = await listen(invocation.options, await invocation.library(), registry);
    const { systemClock } = await invocation.library();
    collectDefaultMetrics({ register: registry });
    registerHostMetrics(registry, { directory: resolve(directoryOf(invocation)), now: systemClock.now });
    try {
      return await serveUntilStopped(server, registry, invocation);
    } finally {
      await server.close();
    }
  },
};
