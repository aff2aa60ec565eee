/** The pages under a path of another program's server, in a browser: every request stays under that path. */
import { request as askUpstream, createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import express from 'express';
import type { Browser, Page } from 'playwright-core';
import { createHandler, type Handler, PagesServer } from '../../src/http/index.ts';
import { openStore, type Store } from '../../src/index.ts';
import { makeCertificate, opensslIsMissing } from '../support/certificate.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { browserIsMissing, browserIsThere, launchBrowser } from './browser.ts';

describe('the pages in a browser, beside other pages', function () {
  this.timeout(60_000);
  let store: Store;
  let browser: Browser;
  let page: Page;
  let requests: string[] = [];
  let complaints: string[] = [];

  before(async function () {
    if (!browserIsThere) {
      process.stderr.write(`skipped: ${browserIsMissing}\n`);
      this.skip();
    }
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    for (let i = 0; i < 60; i++) store.append({ __name__: 'room_celsius', room: 'kitchen' }, Date.now() - i * 1000, i);
    browser = await launchBrowser();
  });

  beforeEach(async () => {
    page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    page.setDefaultTimeout(15_000);
    [requests, complaints] = [[], []];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });

  afterEach(() => page.context().close());

  after(async () => {
    await browser?.close();
    await store?.close();
    removeTemporaryDirectories();
  });

  describe('mounted in Express under a path', () => {
    let server: Server;
    let handler: Handler;
    let mount: string;

    before(async () => {
      if (store === undefined) return;
      handler = createHandler(store);
      const app = express();
      app.use('/deep/tidemark', handler);
      server = createServer(app);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      mount = `http://127.0.0.1:${(server.address() as AddressInfo).port}/deep/tidemark`;
    });

    after(() => {
      handler?.close();
      server?.close();
      server?.closeAllConnections();
    });

    it('work from the address without a slash: scripts, data, streams and links', async () => {
      await page.goto(`${mount}?token=${handler.token}`);
      await page.locator('#connection.good').waitFor();
      expect(page.url()).to.equal(`${mount}/`);
      await page.getByRole('button', { name: 'room_celsius', exact: true }).click();
      await page.getByText('1 series').waitFor();
      expect(await page.evaluate<string>('location.pathname')).to.equal('/deep/tidemark/explore');
      for (const [link, path] of [
        ['Dashboards', '/dashboards'],
        ['Actors', '/actors'],
        ['Storage', '/storage'],
        ['Replay', '/replay'],
        ['Explore', '/explore'],
      ]) {
        await page.getByRole('link', { name: link, exact: true }).click();
        await page.waitForURL(`${mount}${path}*`);
        await page.locator(`nav a[aria-current=page]`).getByText(link).waitFor();
        if (path === '/actors') await page.getByText('live', { exact: true }).waitFor();
      }
      await page.goBack();
      await page.locator(`nav a[aria-current=page]`).getByText('Replay').waitFor();
      await page.reload();
      await page.locator('#connection.good').waitFor();
      const elsewhere = requests.filter(
        (url) => url !== `${mount}?token=${handler.token}` && !url.startsWith(`${mount}/`),
      );
      expect(elsewhere).to.deep.equal([]);
      expect(complaints).to.deep.equal([]);
    });
  });

  describe('behind a proxy that adds TLS and a path', () => {
    let server: PagesServer;
    let proxy: TlsServer;

    /** Removes `/watch` from the front of the path. `passesHost`: keeps Host as the browser sent it. */
    const start = async (folder: string, passesHost: boolean): Promise<number | undefined> => {
      const files = makeCertificate(folder);
      if (files === undefined) return undefined;
      server = new PagesServer({ token: 'proxied-token' });
      await server.listen();
      server.showStore(store);
      proxy = createTlsServer({ cert: files.cert, key: files.key }, (request, response) => {
        const { headers, method, url = '/' } = request;
        const own = { ...headers, host: passesHost ? headers.host : `127.0.0.1:${server.port}` };
        const path = url.replace(/^\/watch/, '');
        const asked = askUpstream({ port: server.port, method, path, headers: own, agent: false }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        asked.on('error', () => response.destroy());
        response.on('close', () => asked.destroy());
        request.pipe(asked);
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      return (proxy.address() as AddressInfo).port;
    };

    afterEach(async () => {
      proxy?.close();
      proxy?.closeAllConnections();
      await server?.close();
    });

    for (const passesHost of [true, false])
      it(`work without any option where it ${passesHost ? 'passes Host on' : 'sends its own Host'}`, async function () {
        const port = await start(temporaryDirectory(), passesHost);
        if (port === undefined) {
          process.stderr.write(`skipped: ${opensslIsMissing}\n`);
          this.skip();
        }
        const mount = `https://127.0.0.1:${port}/watch/`;
        await page.goto(`${mount}?token=proxied-token`);
        await page.locator('#connection.good').waitFor();
        await page.getByRole('link', { name: 'Actors', exact: true }).click();
        await page.getByText('live', { exact: true }).waitFor();
        expect(requests.filter((url) => !url.startsWith(mount))).to.deep.equal([]);
        expect(complaints).to.deep.equal([]);
      });
  });

  describe('while the server restarts', () => {
    let server: PagesServer;
    const start = async (port: number, token: string): Promise<void> => {
      server = new PagesServer({ port, token });
      await server.listen();
    };

    afterEach(() => server?.close());

    it('go on with the same token, and say that another one is not valid', async () => {
      await start(0, 'first-token');
      server.showStore(store);
      const { port } = server;
      await page.goto(`http://127.0.0.1:${port}/actors?token=first-token`);
      await page.getByText('live', { exact: true }).waitFor();

      await server.close();
      await start(port, 'first-token');
      // The stream is refused while the store opens; a browser does not try again by itself then.
      await page.getByText('reconnecting', { exact: true }).waitFor();
      server.showStore(store);
      await page.getByText('live', { exact: true }).waitFor();

      await server.close();
      await start(port, 'other-token');
      server.showStore(store);
      await page.getByText('This page is locked').waitFor();
      await page.getByRole('alert').getByText('open the address that `tidemark serve` prints').waitFor();

      const second = await page.context().newPage();
      await second.goto(`http://127.0.0.1:${port}/explore?token=other-token`);
      await second.close();
      await page.getByText('live', { exact: true }).waitFor();
    });
  });
});
