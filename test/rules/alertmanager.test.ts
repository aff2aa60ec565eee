/** Sending to an Alertmanager that is not there, or that refuses. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { systemClock } from '../../src/ports/clock.ts';
import { Alertmanager } from '../../src/rules/alertmanager.ts';

const alert = { labels: { alertname: 'A' }, annotations: {}, startsAt: '', endsAt: '', generatorURL: '' };

describe('the errors of sending to Alertmanager', () => {
  let server: Server;
  let url: string;
  let status = 500;

  before(async () => {
    server = createServer((_, response) => void response.writeHead(status).end('why')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  const send = async (): Promise<string> => {
    let refused = '';
    await new Alertmanager(url, systemClock)
      .send([alert], new AbortController().signal, (error) => {
        refused = error.message;
      })
      .catch((error: Error) => {
        refused = error.message;
      });
    return refused;
  };

  it('have the status and the answer, and leave the address to their receiver, who knows it', async () => {
    expect(await send()).to.equal('500 why');
    status = 400;
    expect(await send()).to.equal('400 why');
  });

  it('have the cause when there is no answer', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await send()).to.match(/^no answer: ./);
  });
});
