/** The store under @statelyai/inspect: what arrives there, and that all of it stays on this machine. */
import { readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { createMachine } from 'xstate';
import { machines, machineToJson, openStore, type Store } from '../../src/index.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from '../browser/browser.ts';
import { codeBlocks } from '../package/markdown.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { serveInspector } from './stately-inspector.ts';

const labels = { __name__: 'room_temperature_celsius', room: 'a-secret-room' };
const value = 21.52637;

/** Everything handed to the adapter so far; the package hands events on in a later turn of the event loop. */
const adapter = () => {
  const sent: StatelyInspectionEvent[] = [];
  return {
    send: (event: StatelyInspectionEvent): void => {
      sent.push(JSON.parse(JSON.stringify(event)));
    },
    arrived: async (): Promise<readonly StatelyInspectionEvent[]> => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      return sent;
    },
  };
};

/** The events of one actor: its announcement, and then its states as text, each once. */
const lifeOf = (events: readonly StatelyInspectionEvent[], sessionId: string) => {
  const own = events.filter((event) => event.sessionId === sessionId);
  const announcements = own.filter((event) => event.type === '@xstate.actor');
  const values = own.flatMap((event) =>
    event.type === '@xstate.snapshot' ? [JSON.stringify((event.snapshot as { value?: unknown }).value)] : [],
  );
  return { announcements, states: values.filter((value, index) => value !== values[index - 1]) };
};

/** A series goes from its first sample into its file, and the store writes a checkpoint. */
const live = async (store: Store): Promise<string> => {
  const series = store.series(labels);
  series.append(Date.now() - 3_600_000, value);
  const { sessionId } = series.actor();
  await store.maintain();
  await store.checkpoint();
  return sessionId;
};

describe('@statelyai/inspect', function () {
  this.timeout(20_000);
  let store: Store | undefined;

  afterEach(async () => {
    await store?.close();
    store = undefined;
    removeTemporaryDirectories();
  });

  it('hears of the store and of a series: their definitions, their events and every state', async () => {
    const { send, arrived } = adapter();
    const inspector = createInspector({ send }, { serializationDepthLimit: 20 });
    store = await openStore(temporaryDirectory(), { inspect: (event) => inspector.inspect.next?.(event) });
    const seriesId = await live(store);
    const events = await arrived();

    const ofStore = lifeOf(events, store.actor.sessionId);
    expect(ofStore.announcements.map(({ name }) => name)).to.deep.equal(['store']);
    expect(ofStore.states.slice(0, 3)).to.deep.equal([
      '"opening"',
      '{"recovering":"loading"}',
      '{"recovering":"settling"}',
    ]);
    expect(ofStore.states.filter((state) => state.includes('"checkpoint":"writing"'))).to.not.deep.equal([]);

    const ofSeries = lifeOf(events, seriesId);
    expect(ofSeries.announcements.map(({ name }) => name)).to.deep.equal([store.series(labels).fingerprint]);
    expect(ofSeries.states).to.deep.equal(['"inMemory"', '{"persisting":"nothingAfter"}', '"inMemory"']);
    const types = events.flatMap((event) =>
      event.type === '@xstate.event' && event.sessionId === seriesId ? [event.event.type] : [],
    );
    expect(types).to.include.members(['maintain', 'xstate.done.actor.persistChunks']);
  });

  it('gets definitions that are whole, and that XState makes the same statecharts of', async () => {
    const { send, arrived } = adapter();
    const inspector = createInspector({ send }, { serializationDepthLimit: 20 });
    store = await openStore(temporaryDirectory());
    const seriesId = await live(store);
    const stop = store.inspect((event) => inspector.inspect.next?.(event));
    const events = await arrived();
    stop();
    for (const [sessionId, machine] of [
      [store.actor.sessionId, machines.store],
      [seriesId, machines.series],
    ] as const) {
      const [{ definition = '' }] = lifeOf(events, sessionId).announcements;
      expect(definition).to.not.match(/"\[(Object|Array|Circular)\]"/);
      const [drawn, own] = [JSON.parse(definition), machineToJson(machine)].map((config) => createMachine(config).root);
      expect(transitionTargets(drawn)).to.deep.equal(transitionTargets(own));
      expect(transitionTargets(drawn)).to.have.length.above(20);
    }
  });

  it('is told neither labels nor samples, nor where the store is', async () => {
    const { send, arrived } = adapter();
    const inspector = createInspector({ send }, { serializationDepthLimit: 20 });
    const directory = temporaryDirectory();
    store = await openStore(directory, { inspect: (event) => inspector.inspect.next?.(event) });
    await live(store);
    const text = JSON.stringify(await arrived());
    expect(text).to.not.include('a-secret-room');
    expect(text).to.not.include(String(value));
    expect(text).to.not.include(directory);
  });

  it('opens no network socket by itself, and the bridge listens on loopback alone', async () => {
    const seen = watchSockets();
    try {
      const { send, arrived } = adapter();
      const inspector = createInspector({ send });
      store = await openStore(temporaryDirectory(), { inspect: (event) => inspector.inspect.next?.(event) });
      await live(store);
      expect(await arrived()).to.not.deep.equal([]);
      // The lock's own name is no address: only processes of this machine see it.
      const listening = () => seen.servers.filter((server) => typeof server.address() !== 'string');
      expect({ servers: listening(), connections: seen.connections }).to.deep.equal({ servers: [], connections: 0 });
      const bridge = await serveInspector(store);
      try {
        expect(listening().map((server) => (server.address() as AddressInfo).address)).to.deep.equal(['127.0.0.1']);
        expect(seen.connections).to.equal(0);
        const { port } = new URL(bridge.url);
        const others = Object.values(networkInterfaces()).flatMap((all = []) =>
          all.filter(({ internal }) => !internal),
        );
        for (const { address, family } of others.filter(({ family }) => family === 'IPv4'))
          expect(await connects(address, Number(port)), `${family} ${address}`).to.equal(false);
      } finally {
        bridge.close();
      }
    } finally {
      seen.stop();
    }
  });

  it('is bridged to nobody without the token, and observes nothing once its page is gone', async () => {
    const opened = await openStore(temporaryDirectory());
    store = opened;
    const observers = new Set<object>();
    let onGone = (): void => {};
    const gone = new Promise<void>((resolve) => {
      onGone = resolve;
    });
    const inspect: Store['inspect'] = (observer) => {
      const stop = opened.inspect(observer);
      observers.add(observer);
      return () => {
        stop();
        observers.delete(observer);
        onGone();
      };
    };
    const bridge = await serveInspector(Object.create(opened, { inspect: { value: inspect } }) as Store);
    try {
      const { origin, search } = new URL(bridge.url);
      for (const path of ['/', '/events', '/events?token=', '//', `/elsewhere${search}`])
        expect((await fetch(origin + path)).status, path).to.equal(403);
      expect(observers.size).to.equal(0);
      const leaving = new AbortController();
      const response = await fetch(`${origin}/events${search}`, { signal: leaving.signal });
      const { value: first } = (await response.body?.getReader().read()) ?? {};
      expect(new TextDecoder().decode(first)).to.match(/^data: \{"name":"store"/);
      expect(observers.size).to.equal(1);
      leaving.abort();
      await live(opened);
      await gone;
      expect(observers.size).to.equal(0);
    } finally {
      bridge.close();
    }
  });

  it('is bridged by the code that docs/inspecting.md shows', () => {
    const source = readFileSync('test/inspection/stately-inspector.ts', 'utf8');
    const code = source.slice(source.indexOf('import ')).replace("'../../src/index.ts'", "'tidemark'");
    const shown = codeBlocks('docs/inspecting.md').map((block) => block.code);
    expect(shown.some((block) => block.startsWith(code))).to.equal(true);
  });
});

describe('the bridge to the Stately Inspector in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let viewer: HttpServer;
  let store: Store;

  before(async function () {
    if (!browserIsThere) {
      console.warn(`      skipped: ${browserIsMissing}`);
      this.skip();
    }
    browser = await launchBrowser();
    viewer = await serveViewer();
    store = await openStore(temporaryDirectory());
  });

  after(async () => {
    await browser?.close();
    viewer?.close();
    await store?.close();
    removeTemporaryDirectories();
  });

  it("hands definitions and states to a page that listens with the package's own receiver", async () => {
    const bridge = await serveInspector(store, new URL(`http://127.0.0.1:${(viewer.address() as AddressInfo).port}/`));
    try {
      const page = await browser.newPage();
      await page.goto(bridge.url);
      const frame = page.frameLocator('iframe');
      await frame.getByText('@xstate.actor store').waitFor();
      await live(store);
      await frame
        .getByText(`@xstate.actor ${store.series(labels).fingerprint}`)
        .first()
        .waitFor();
      await frame.getByText('@xstate.snapshot {"persisting":"nothingAfter"}').first().waitFor();
      await page.close();
    } finally {
      bridge.close();
    }
  });
});

/** Every state with an event that it handles and where that may lead, in the order of the guards. */
const transitionTargets = (node: ReturnType<typeof createMachine>['root']): string[] => {
  const own = [...node.transitions].map(([event, transitions]) => {
    const targets = transitions.map(({ target = [] }) => target.map(({ id }) => id).join());
    return `${node.id} ${event}: ${targets.join(' | ')}`;
  });
  return [...own, ...Object.values(node.states).flatMap(transitionTargets)].sort();
};

/** Notes every socket of this process that begins to listen, and counts those that connect, until `stop`. */
const watchSockets = () => {
  const { listen } = net.Server.prototype;
  const { connect } = net.Socket.prototype;
  const seen = { servers: [] as net.Server[], connections: 0 };
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
    seen.servers.push(this);
    return Reflect.apply(listen, this, args);
  } as typeof listen;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    seen.connections += 1;
    return Reflect.apply(connect, this, args);
  } as typeof connect;
  return Object.defineProperty(seen, 'stop', {
    enumerable: false,
    value: (): void => {
      net.Server.prototype.listen = listen;
      net.Socket.prototype.connect = connect;
    },
  }) as typeof seen & { stop(): void };
};

const connects = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** What the receiver does not use of what the package imports. */
const unused = {
  'fast-safe-stringify': 'export default {}',
  'safe-stable-stringify': 'export default {}',
  'isomorphic-ws': 'export default {}',
  partysocket: 'export default {}',
  superjson: 'export const stringify = undefined',
  '#uuid': 'export const uuid = undefined',
};

/** A page in the place of the one at stately.ai: it lists what the package's receiver is given. */
const viewerPage = `<!doctype html>
<script type="importmap">${JSON.stringify({
  imports: {
    '@statelyai/inspect': '/@statelyai/inspect/dist/index.mjs',
    xstate: '/xstate/dist/xstate.esm.js',
    ...Object.fromEntries(Object.entries(unused).map(([name, code]) => [name, `data:text/javascript,${code}`])),
  },
})}</script>
<script type="module">
  import { createBrowserReceiver } from '@statelyai/inspect';
  createBrowserReceiver().subscribe(({ type, name, snapshot }) => {
    const line = document.createElement('p');
    line.textContent = type + ' ' + (name ?? JSON.stringify(snapshot?.value));
    document.body.append(line);
  });
</script>`;

const serveViewer = async (): Promise<HttpServer> => {
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(viewerPage);
    else {
      response.writeHead(200, { 'content-type': 'text/javascript' });
      response.end(readFileSync(join('node_modules', url)));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};
