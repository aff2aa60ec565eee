/**
 * A program that publishes and the real nats-server are killed and started again, both at random moments. In the end the
 * stream has every event once, in order. Skipped where nats-server is not installed. `TIDEMARK_SEED` and `TIDEMARK_KILLS`
 * choose another run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { readEvents } from '../../../src/index.ts';
import { seeded } from '../../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { hasNatsServer, NatsServer } from './nats-server.ts';

const seed = Number(process.env['TIDEMARK_SEED'] ?? 4711);
const kills = Number(process.env['TIDEMARK_KILLS'] ?? 12);
const program = join(import.meta.dirname, 'publishing-process.js');

describe(`publishing, killed ${kills} times (seed ${seed})`, function () {
  this.timeout(60_000 + kills * 10_000);
  let server: NatsServer;
  let child: ChildProcess | undefined;
  /** The largest number of samples that the program knew to be safe. */
  let acknowledged = 0;

  before(function () {
    if (!hasNatsServer) this.skip();
  });

  afterEach(async () => {
    await end();
    await server?.end();
    removeTemporaryDirectories();
  });

  /** Starts the program. Resolves at its first acknowledged samples. */
  const start = async (directory: string): Promise<void> => {
    const started = spawn(process.execPath, ['--enable-source-maps', program, directory, server.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child = started;
    const lines = createInterface({ input: started.stdout });
    lines.on('line', (line) => {
      if (line === 'sent') started.emit('sent');
      else acknowledged = Math.max(acknowledged, Number(line));
    });
    await Promise.race([
      once(lines, 'line'),
      once(started, 'exit').then(([code]) => Promise.reject(new Error(`the program ended with ${code}`))),
    ]);
  };

  const end = async (): Promise<void> => {
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null) return;
    const exit = once(ended, 'exit');
    ended.kill('SIGKILL');
    await exit;
  };

  it('stores every event once, in order', async () => {
    const random = seeded(seed);
    server = new NatsServer(temporaryDirectory());
    const directory = join(temporaryDirectory(), 'store');
    await server.start();
    await start(directory);
    for (let kill = 0; kill < kills; kill++) {
      await sleep(random.int(600));
      const victim = random.int(3);
      if (victim !== 0) await server.end();
      if (victim !== 1) {
        await end();
        await start(directory);
      }
      if (victim !== 0) {
        await sleep(random.int(300));
        await server.start();
      }
    }
    const ending = child as ChildProcess;
    const exit = once(ending, 'exit');
    const sent = once(ending, 'sent');
    ending.stdin?.write('\n');
    await Promise.race([
      sent,
      exit.then(([code]) => Promise.reject(new Error(`the program ended with ${code} before it had sent everything`))),
    ]);
    // A close may remove the last segments, so the journal is read before it.
    const kept: { readonly position: number; readonly type: string }[] = [];
    for await (const { position, type } of readEvents(directory)) kept.push({ position, type });
    ending.stdin?.write('\n');
    expect(await exit).to.deep.equal([0, null]);

    const contents = await server.contents('EVENTS');
    const values = contents.flatMap(({ event }) => event.values ?? []);
    expect(values.length).to.be.at.least(acknowledged);
    expect(values.findIndex((value, index) => value !== index)).to.equal(-1);
    expect(new Set(contents.map(({ id }) => id)).size).to.equal(contents.length);
    expect(contents.filter(({ event }) => event.type === 'eventsLost')).to.deep.equal([]);

    const positions = contents.map(({ event }) => event.position);
    expect(positions).to.deep.equal([...positions].sort((a, b) => a - b));
    // The store may have written more by itself since the last message.
    const inStream = new Set(contents.map(({ event }) => `${event.position} ${event.type}`));
    const published = kept.filter(({ position }) => position <= (positions.at(-1) as number));
    expect(published.length).to.be.above(0);
    expect(published.filter(({ position, type }) => !inStream.has(`${position} ${type}`))).to.deep.equal([]);
  });
});
