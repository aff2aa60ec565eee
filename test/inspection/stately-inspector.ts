/**
 * Opens the Stately Inspector on a running store, on this machine alone. docs/inspecting.md shows what follows, for
 * programs to copy; stately.test.ts holds the two together.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInspector } from '@statelyai/inspect';
import type { Store } from '../../src/index.ts';

/** What a slow page may leave unread before it is cut off; its browser then connects anew. */
const unreadBytesMax = 16 * 1024 * 1024;

/** A page that holds the viewer in a frame and hands it every event once it says that it listens. */
const bridgePage = (viewer: URL): string => `<!doctype html>
<title>Tidemark in the Stately Inspector</title>
<style>html, body, iframe { width: 100%; height: 100%; margin: 0; border: 0 }</style>
<iframe src="${viewer}"></iframe>
<script>
  const viewer = document.querySelector('iframe').contentWindow;
  let events;
  addEventListener('message', ({ source, data }) => {
    if (source !== viewer || data?.type !== '@statelyai.connected') return;
    events?.close();
    events = new EventSource('events' + location.search);
    events.onmessage = ({ data }) => viewer.postMessage(JSON.parse(data), '${viewer.origin}');
  });
</script>`;

/** Serves the bridge page and, to each page that is open, what happens in the store. */
export const serveInspector = async (store: Store, viewer = new URL('https://stately.ai/inspect')) => {
  const token = randomBytes(16).toString('hex');

  const streamEvents = (response: ServerResponse): void => {
    const send = (event: unknown): void => {
      // The package hands events on a little later than they happen, so some come when the page is gone.
      if (response.destroyed) return;
      response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (response.writableLength > unreadBytesMax) response.destroy();
    };
    // The package cuts definitions off at a depth of 10 if it is not told otherwise; the store's is deeper.
    const inspector = createInspector({ send }, { serializationDepthLimit: 20 });
    const stop = store.inspect((event) => inspector.inspect.next?.(event));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.on('close', stop);
  };

  const server = createServer(({ url }, response) => {
    if (url === `/events?token=${token}`) streamEvents(response);
    else if (url === `/?token=${token}`) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'referrer-policy': 'no-referrer' });
      response.end(bridgePage(viewer));
    } else response.writeHead(403).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=${token}`,
    close: (): void => {
      server.close();
      server.closeAllConnections();
    },
  };
};
