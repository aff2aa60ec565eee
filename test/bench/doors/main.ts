/**
 * `npm run bench -- --doors`: samples a second that `tidemark serve` takes through each door, and that `forward` sends,
 * beside VictoriaMetrics taking the same bytes. Sender and receiver share the machine.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cpuSeconds, hasProcessFigures, residentPeak } from '../process-figures.ts';
import { formatNumber, table } from '../report.ts';
import { isInstalled, type Server, startTidemark, startVictoriaMetrics, stopServer } from '../servers.ts';
import { batches, type Door, doors, SAMPLES_PER_REQUEST, SERIES } from './door-bodies.ts';
import { measureForward } from './forward-rate.ts';
import { medianRate, type Rate } from './rate.ts';
import { sendBodies } from './send-bodies.ts';
import { runSteadily } from './steady.ts';

/** The first round makes the series and is not measured. */
const ROUNDS = 61;
const REQUESTS_PER_ROUND = SERIES / SAMPLES_PER_REQUEST;

type Receiver = 'Tidemark' | 'VictoriaMetrics';

const startReceiver = (name: Receiver, directory: string): Promise<Server> =>
  name === 'Tidemark'
    ? startTidemark(join(directory, 'store'), ['--write', '--no-record'])
    : startVictoriaMetrics(directory);

const measureDoor = async (
  receiver: Receiver,
  door: Door,
  bodies: readonly Buffer[],
  parent: string,
): Promise<Rate> => {
  const directory = mkdtempSync(join(parent, 'door-'));
  const server = await startReceiver(receiver, directory);
  const pid = server.child.pid as number;
  try {
    await sendBodies(server, door, bodies.slice(0, REQUESTS_PER_ROUND));
    const measured = bodies.slice(REQUESTS_PER_ROUND);
    const [cpu, started] = [cpuSeconds(pid), performance.now()];
    const delayed = await sendBodies(server, door, measured);
    const seconds = (performance.now() - started) / 1000;
    if (delayed > 0) process.stderr.write(`${receiver}, ${door.name}: asked ${delayed} times to send later\n`);
    const samples = measured.length * SAMPLES_PER_REQUEST;
    return {
      samplesPerSecond: samples / seconds,
      processorNsPerSample: ((cpuSeconds(pid) - cpu) * 1e9) / samples,
      peakMB: residentPeak(pid) / 1e6,
    };
  } finally {
    await stopServer(server);
    rmSync(directory, { recursive: true, force: true });
  }
};

const cells = (rate: Rate | undefined): string[] =>
  rate === undefined
    ? ['', '', '']
    : [rate.samplesPerSecond, rate.processorNsPerSample, rate.peakMB].map((figure) => formatNumber(Math.round(figure)));

/**
 * `minutes`: sends at a steady rate for so long instead, and measures memory. `memoryTarget` is that of the served store
 * then, as `serve --memory-target` takes it.
 */
export const runDoors = async ({
  runs,
  minutes,
  memoryTarget,
  directory,
  out,
}: {
  readonly runs: number;
  readonly minutes: number;
  readonly memoryTarget: string;
  readonly directory: string;
  readonly out: string;
}): Promise<void> => {
  if (!hasProcessFigures) throw new Error('This benchmark reads /proc, which only Linux has.');
  const receivers: Receiver[] = isInstalled('victoria-metrics') ? ['Tidemark', 'VictoriaMetrics'] : ['Tidemark'];
  const parent = mkdtempSync(join(directory, 'tidemark-doors-'));
  if (minutes > 0) {
    const running = runSteadily({ minutes, memoryTarget, parent });
    await running.finally(() => rmSync(parent, { recursive: true, force: true }));
    return;
  }
  const all = batches(ROUNDS, Date.now() - ROUNDS * 15_000);
  const results: { name: string; rates: Partial<Record<Receiver, Rate>> }[] = [];
  try {
    for (const door of doors) {
      const bodies = all.map(door.body).map((body) => Buffer.from(body));
      const measured = new Map<Receiver, Rate[]>(receivers.map((receiver) => [receiver, []]));
      for (let run = 0; run < runs; run++) {
        for (const receiver of receivers) {
          if (receiver === 'Tidemark' || door.isVictoriaMetricsToo)
            measured.get(receiver)?.push(await measureDoor(receiver, door, bodies, parent));
        }
      }
      const medians = [...measured]
        .filter(([, rates]) => rates.length > 0)
        .map(([name, rates]) => [name, medianRate(rates)]);
      results.push({ name: door.name, rates: Object.fromEntries(medians) });
      process.stderr.write(`${door.name}\n`);
    }
    if (receivers.length > 1) {
      const rates: Rate[] = [];
      for (let run = 0; run < runs; run++) rates.push(await measureForward(all, parent));
      results.push({ name: 'forward, to VictoriaMetrics', rates: { Tidemark: medianRate(rates) } });
    }
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
  const head = ['door', 'samples a second', 'processor ns a sample', 'peak MB'];
  const rows = results.map(({ name, rates }) => [name, ...cells(rates.Tidemark), ...cells(rates.VictoriaMetrics)]);
  const peerHead = head.slice(1).map((text) => `VictoriaMetrics: ${text}`);
  process.stdout.write(`${table([...head, ...peerHead], rows)}\n`);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(results, undefined, 2)}\n`);
};
