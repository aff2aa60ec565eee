/**
 * Forwarding to real receivers, with both sides killed at random: Debian's Prometheus 2.42, which knows only 1.0, and
 * VictoriaMetrics. Every sample arrives.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { forward } from '../../src/remote/index.ts';
import { freePort } from '../support/free-port.ts';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const SERIES = 5;
const SAMPLES = 3000;
const SEED = Number(process.env['TIDEMARK_SEED'] ?? 7);
const KILLS = 12;

type Found = Map<string, { readonly timestamps: readonly number[]; readonly values: readonly number[] }>;

interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: (directory: string, port: number) => readonly string[];
  readonly writePath: string;
  readonly readyPath: string;
  /** How it is ended at random. VictoriaMetrics acknowledges samples that are only in its memory for some seconds. */
  readonly signal: 'SIGKILL' | 'SIGTERM';
  readonly read: (base: string, end: number) => Promise<Found>;
}

const getJson = async (url: string): Promise<unknown> => (await fetch(url)).json();

const prometheus: Program = {
  name: 'Prometheus',
  command: 'prometheus',
  args: (directory, port) => {
    writeFileSync(join(directory, 'prometheus.yml'), 'global: {}\n');
    return [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      '--web.enable-remote-write-receiver',
      `--web.listen-address=127.0.0.1:${port}`,
    ];
  },
  writePath: '/api/v1/write',
  readyPath: '/-/ready',
  signal: 'SIGKILL',
  read: async (base, end) => {
    const query = encodeURIComponent('{__name__=~"forwarded|history"}[1d]');
    const answer = (await getJson(`${base}/api/v1/query?query=${query}&time=${end / 1000}`)) as {
      data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
    };
    return new Map(
      answer.data.result.map(({ metric, values }) => [
        `${metric['__name__']}/${metric['i']}`,
        { timestamps: values.map(([time]) => Math.round(1000 * time)), values: values.map(([, text]) => Number(text)) },
      ]),
    );
  },
};

const victoriaMetrics: Program = {
  name: 'VictoriaMetrics',
  command: 'victoria-metrics',
  args: (directory, port) => [
    `-storageDataPath=${join(directory, 'data')}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-retentionPeriod=100y',
    '-memory.allowedBytes=256MB',
  ],
  writePath: '/api/v1/write',
  readyPath: '/health',
  signal: 'SIGTERM',
  read: async (base) => {
    await fetch(`${base}/internal/force_flush`);
    const match = encodeURIComponent('{__name__=~"forwarded|history"}');
    const text = await (await fetch(`${base}/api/v1/export?match[]=${match}`)).text();
    const found: Found = new Map();
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const { metric, timestamps, values } = JSON.parse(line);
      const key = `${metric.__name__}/${metric.i}`;
      const before = found.get(key) ?? { timestamps: [], values: [] };
      found.set(key, {
        timestamps: [...before.timestamps, ...timestamps],
        values: [...before.values, ...values],
      });
    }
    return found;
  },
};

const exited = async (process: ChildProcess): Promise<void> => {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (const program of [prometheus, victoriaMetrics])
  describe(`forwarding to ${program.name}`, function () {
    this.timeout(300_000);
    const hasProgram = spawnSync(program.command, ['--version']).error === undefined;
    let port: number;
    let base: string;
    let directory: string;
    let server: ChildProcess;

    before(function () {
      if (hasProgram) return;
      console.log(`      skipped: ${program.command} is not installed`);
      this.skip();
    });

    beforeEach(async () => {
      port = await freePort();
      base = `http://127.0.0.1:${port}`;
      directory = temporaryDirectory();
      await start();
    });

    afterEach(async () => {
      server?.kill('SIGKILL');
      if (server !== undefined) await exited(server);
      removeTemporaryDirectories();
    });

    const start = async (): Promise<void> => {
      server = spawn(program.command, program.args(directory, port), { stdio: 'ignore' });
      for (;;) {
        const isReady = await fetch(`${base}${program.readyPath}`).then(
          ({ ok }) => ok,
          () => false,
        );
        if (isReady) return;
        if (server.exitCode !== null) throw new Error(`${program.command} ended with ${server.exitCode}`);
        await pause(50);
      }
    };

    /** What the program has, once it shows so many samples: VictoriaMetrics shows a new series after a moment. */
    const readAll = async (samples: number, end: number): Promise<Found> => {
      for (let tries = 1; ; tries++) {
        const found = await program.read(base, end);
        const count = [...found.values()].reduce((sum, { values }) => sum + values.length, 0);
        if (count >= samples || tries === 100) return found;
        await pause(100);
      }
    };

    it('sends a history and what follows, falling back to 1.0', async () => {
      const now = Date.now();
      const path = temporaryDirectory();
      let store = await openStore(path, { retention: 'off' });
      const begin = now - 6 * 3_600_000;
      for (let time = begin; time < now; time += 15_000)
        for (let i = 0; i < 20; i++) store.append({ __name__: 'history', i: String(i) }, time, time - begin + i);
      await store.close();
      store = await openStore(path, { retention: 'off' });
      const forwarding = forward(store, 'real', { url: `${base}${program.writePath}`, from: 'start' });
      store.append({ __name__: 'forwarded', i: '0' }, now, 42);
      await forwarding.caughtUp();
      const status = forwarding.status();
      expect(status).to.deep.include({
        protocol: '1.0',
        droppedSamples: {},
        lostRanges: 0,
        sentSamples: 20 * 1440 + 1,
      });
      await forwarding.stop();
      await store.close();
      const found = await readAll(20 * 1440 + 1, now + 1000);
      expect(found.get('forwarded/0')?.values).to.deep.equal([42]);
      for (let i = 0; i < 20; i++) {
        const { timestamps, values } = found.get(`history/${i}`) ?? { timestamps: [], values: [] };
        expect(timestamps).to.deep.equal(Array.from({ length: 1440 }, (_, k) => begin + 15_000 * k));
        expect(values).to.deep.equal(timestamps.map((time) => time - begin + i));
      }
    });

    it(`loses no sample when both sides are ended at random, seed ${SEED}`, async () => {
      const random = seeded(SEED);
      const path = temporaryDirectory();
      const begin = Math.floor(Date.now() / 1000) * 1000 - SAMPLES * 1000;
      const child = (): ChildProcess =>
        spawn(
          process.execPath,
          [
            join(import.meta.dirname, 'forwarding-process.js'),
            path,
            `${base}${program.writePath}`,
            String(SERIES),
            String(SAMPLES),
          ],
          { env: { ...process.env, FORWARD_BEGIN: String(begin) }, stdio: ['ignore', 'pipe', 'inherit'] },
        );
      let sender = child();
      for (let kill = 0; kill < KILLS; kill++) {
        await pause(200 + random.int(1000));
        if (random.int(3) === 0) {
          server.kill(program.signal);
          await exited(server);
          await pause(random.int(500));
          await start();
        } else {
          sender.kill('SIGKILL');
          await exited(sender);
          sender = child();
        }
      }
      await exited(sender);
      expect(sender.exitCode).to.equal(0);
      const found = await program.read(base, begin + SAMPLES * 1000);
      for (let i = 0; i < SERIES; i++) {
        const { timestamps, values } = found.get(`forwarded/${i}`) ?? { timestamps: [], values: [] };
        const once = new Map(timestamps.map((time, k) => [time, values[k]]));
        const missing = Array.from({ length: SAMPLES }, (_, k) => k).filter((k) => once.get(begin + 1000 * k) !== k);
        expect(missing, `TIDEMARK_SEED=${SEED}, series ${i}`).to.deep.equal([]);
        // VictoriaMetrics keeps a sample that it gets twice; Prometheus refuses the second one.
        if (program === prometheus) expect(timestamps).to.have.length(SAMPLES);
      }
    });
  });
