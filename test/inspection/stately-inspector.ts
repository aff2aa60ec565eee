/**
 * Opens the Stately Inspector on a running store, on this machine only. docs/inspecting.md shows the code from the imports
 * on, for programs to copy; stately.test.ts checks that the two are equal.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInspector } from '@statelyai/inspect';
import type { Store } from '../../src/index.ts';

/** Unread bytes at which a slow page is disconnected. Its browser then reconnects. */
const unreadBytesMax = 16 * 1024 * 1024;

/** A page with the viewer in a frame. It passes every event to the viewer once the viewer is connected. */
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

/** Serves the bridge page, and sends the store's inspection events to each open page. */
export const serveInspector = async (store: Store, viewer = new URL('https://stately.ai/inspect')) => {
  const token = randomBytes(16).toString('hex');

  const streamEvents = (response: ServerResponse): void => {
    const send = (event: unknown): void => {
      // The package passes events on with a delay, so some arrive after the page is gone.
      if (response.destroyed) return;
      response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (response.writableLength > unreadBytesMax) response.destroy();
    };
    // The package cuts definitions off at a depth of 10 by default; the store's definition is deeper.
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
