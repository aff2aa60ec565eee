/**
 * A hundred stores in five processes that forward to one VictoriaMetrics. The processes are killed at random, the receiver
 * is restarted, and no sample is lost.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../support/free-port.ts';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const SEED = Number(process.env['TIDEMARK_SEED'] ?? 11);
const PROCESSES = 5;
const STORES_PER_PROCESS = 20;
const SAMPLES = 60;
const KILLS = 6;
const RECEIVER = 'victoria-metrics';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const exited = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
};

describe('a hundred stores that forward to one receiver', function () {
  this.timeout(120_000);
  const children = new Set<ChildProcess>();
  let port: number;
  let directory: string;

  before(function () {
    if (spawnSync(RECEIVER, ['--version']).error === undefined) return;
    console.log(`      skipped: ${RECEIVER} is not installed`);
    this.skip();
  });

  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const child of children) await exited(child);
    removeTemporaryDirectories();
  });

  const started = (child: ChildProcess): ChildProcess => {
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };

  const startReceiver = async (): Promise<ChildProcess> => {
    const receiver = started(
      spawn(
        RECEIVER,
        [
          `-storageDataPath=${join(directory, 'receiver')}`,
          `-httpListenAddr=127.0.0.1:${port}`,
          '-retentionPeriod=100y',
          '-memory.allowedBytes=256MB',
        ],
        { stdio: 'ignore' },
      ),
    );
    const isReady = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) await pause(50);
    return receiver;
  };

  it(`loses nothing while processes are killed and the receiver is restarted, seed ${SEED}`, async () => {
    const random = seeded(SEED);
    directory = temporaryDirectory();
    port = await freePort();
    let receiver = await startReceiver();
    const begin = Math.floor(Date.now() / 1000) * 1000 - SAMPLES * 1000;
    const env = { ...process.env, FORWARD_BEGIN: String(begin) };
    const startProcess = (index: number): ChildProcess =>
      started(
        spawn(
          process.execPath,
          [
            join(import.meta.dirname, 'fleet-process.js'),
            join(directory, 'stores'),
            `http://127.0.0.1:${port}/api/v1/write`,
            String(index * STORES_PER_PROCESS),
            String(STORES_PER_PROCESS),
            String(SAMPLES),
          ],
          { env, stdio: ['ignore', 'inherit', 'inherit'] },
        ),
      );
    const processes = Array.from({ length: PROCESSES }, (_, index) => startProcess(index));
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(500 + random.int(2000));
      const index = random.int(PROCESSES);
      if (kill === 2) {
        // SIGTERM: VictoriaMetrics acknowledges samples that are only in its memory for some seconds.
        receiver.kill('SIGTERM');
        await exited(receiver);
      }
      processes[index].kill('SIGKILL');
      await exited(processes[index]);
      if (kill === 2) receiver = await startReceiver();
      processes[index] = startProcess(index);
    }
    await Promise.all(processes.map(exited));
    expect(
      processes.map(({ exitCode }) => exitCode),
      'every process has sent everything',
    ).to.deep.equal(Array(PROCESSES).fill(0));
    await fetch(`http://127.0.0.1:${port}/internal/force_flush`);
    const text = await (await fetch(`http://127.0.0.1:${port}/api/v1/export?match[]=fleet`)).text();
    const found = new Map<number, Map<number, number>>();
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const { metric, timestamps, values } = JSON.parse(line) as {
        metric: { store: string };
        timestamps: number[];
        values: number[];
      };
      const number = Number(metric.store);
      const samples = found.get(number) ?? new Map<number, number>();
      for (const [i, time] of timestamps.entries()) samples.set((time - begin) / 1000, values[i]);
      found.set(number, samples);
    }
    for (let number = 0; number < PROCESSES * STORES_PER_PROCESS; number++) {
      const samples = [...(found.get(number) ?? [])].sort(([a], [b]) => a - b);
      expect(samples, `store ${number}`).to.deep.equal(
        Array.from({ length: SAMPLES }, (_, k) => [k, 1000 * number + k]),
      );
    }
  });
});
