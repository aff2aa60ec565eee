import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { TestReceiver, writtenHeaders } from '../remote/test-receiver.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { type Outcome, runInProcess } from './run-in-process.ts';

const BEGIN = 1_700_000_000_000;

describe('tidemark forward', () => {
  let receiver: TestReceiver;
  let directory: string;

  beforeEach(async () => {
    receiver = await new TestReceiver().listen();
    directory = temporaryDirectory();
    await append(0, 100);
  });

  afterEach(async () => {
    await receiver.close();
    removeTemporaryDirectories();
  });

  const append = async (from: number, to: number): Promise<void> => {
    const store = await library.openStore(directory, { retention: 'off' });
    for (let i = from; i < to; i++)
      for (const room of ['a', 'b']) store.append({ __name__: 't', room }, BEGIN + 1000 * i, i);
    await store.close();
  };

  const run = (args: readonly string[] = [], signal?: AbortSignal): Promise<Outcome> =>
    runInProcess(['forward', directory, receiver.url, ...args], { library, ...(signal !== undefined && { signal }) });

  it('sends what the directory holds, however old it is, and the next time what is new', async () => {
    const first = await run();
    expect(first.err).to.equal('Sent 200 samples in 1 request.\n');
    expect(first).to.include({ exitCode: 0, out: '' });
    expect(receiver.samples).to.have.length(200);
    expect(await run()).to.include({ exitCode: 0, err: 'Sent 0 samples in 0 requests.\n' });
    await append(100, 110);
    expect(await run()).to.include({ exitCode: 0, err: 'Sent 20 samples in 1 request.\n' });
    expect(new Set(receiver.samples).size).to.equal(220);
    expect(await run(['--name', 'other', '--selector', 't{room="a"}', '--json'])).to.have.property('exitCode', 0);
    expect(receiver.samples).to.have.length(330);
  });

  it('sends headers and labels, and prints the counts as JSON', async () => {
    const { exitCode, out } = await run(['--header', 'Authorization: Bearer x:y', '--label', 'site=oslo', '--json']);
    expect(exitCode).to.equal(0);
    expect(receiver.requests[0].headers['authorization']).to.equal('Bearer x:y');
    expect(receiver.requests[0].series[0].labels).to.deep.equal({ __name__: 't', room: 'a', site: 'oslo' });
    expect(JSON.parse(out)).to.deep.include({
      sentSamples: 200,
      droppedSamples: {},
      protocol: '2.0',
      phase: 'journal',
    });
  });

  it('ends with 1 when the receiver refuses this sender, and continues with the next run', async () => {
    receiver.script = () => ({ status: 401, body: 'no token' });
    const refused = await run();
    expect(refused.exitCode).to.equal(1);
    expect(refused.err).to.contain('the receiver refuses to be sent to: 401: no token\n');
    receiver.script = () => undefined;
    expect(await run()).to.include({ exitCode: 0, err: 'Sent 200 samples in 1 request.\n' });
  });

  it('ends with 3 when the receiver refused samples for good', async () => {
    receiver.script = () => ({ status: 400, headers: writtenHeaders(150), body: 'duplicate' });
    const { exitCode, err } = await run();
    expect(exitCode).to.equal(3);
    expect(err).to.contain('50 samples were not taken (refused): 400: duplicate\n');
    expect(err).to.contain('Sent 150 samples in 1 request. Not sent: 50 refused.\n');
  });

  it('says at once that an attempt failed, and by what', async () => {
    const abort = new AbortController();
    const { err } = await runInProcess(['forward', directory, 'http://127.0.0.1:1/'], {
      library,
      signal: abort.signal,
      onSaid: (text) => {
        if (text.includes('trying again')) abort.abort();
      },
    });
    expect(err).to.match(/^trying again: no answer: connect ECONNREFUSED /m);
  });

  it('says that a receiver does not answer', async () => {
    const abort = new AbortController();
    const asked: (() => void)[] = [];
    const systemClock = {
      ...library.systemClock,
      setTimeout: (run: () => void, ms: number) => {
        if (ms === 2000) asked.push(run);
        return library.systemClock.setTimeout(run, ms);
      },
    };
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        for (const run of asked) run();
        abort.abort();
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { err } = await runInProcess(['forward', directory, `http://${host}/write`], {
      library: { ...library, systemClock },
      signal: abort.signal,
    });
    silent.close();
    expect(err).to.contain(`no answer yet from ${host}; waiting\n`);
  });

  it('ends with 130 at Ctrl-C, and continues with the next run', async () => {
    const abort = new AbortController();
    receiver.script = () => ({ status: 503, headers: { 'retry-after': '100' } });
    const interrupted = run([], abort.signal);
    await receiver.received(1);
    abort.abort();
    expect(await interrupted).to.have.property('exitCode', 130);
    receiver.script = () => undefined;
    expect(await run()).to.include({ exitCode: 0, err: 'Sent 200 samples in 1 request.\n' });
  });

  it('ends with 4 when another program has the directory open', async () => {
    const store = await library.openStore(directory);
    expect(await run()).to.have.property('exitCode', 4);
    await store.close();
  });

  it('creates no directory, and refuses wrong arguments', async () => {
    const missing = join(directory, 'missing');
    expect(await runInProcess(['forward', missing, receiver.url], { library })).to.have.property('exitCode', 1);
    expect(existsSync(missing)).to.equal(false);
    expect(await runInProcess(['forward', directory, 'nowhere'], { library })).to.have.property('exitCode', 2);
    for (const args of [
      ['--header', 'secret'],
      ['--label', 'x'],
      ['--max-age', 'old'],
      ['--selector', '{'],
      ['--name', '../x'],
      ['--protocol', '3.0'],
    ]) {
      const { exitCode, err } = await run(args);
      expect(exitCode, err).to.equal(2);
      expect(err).to.not.contain('secret');
    }
    expect(receiver.requests).to.have.length(0);
  });
});
