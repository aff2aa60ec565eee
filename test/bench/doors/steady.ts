/**
 * Memory at a steady rate: `tidemark serve` takes 50,000 samples a second by remote write, and this process forwards
 * 10,000 a second to VictoriaMetrics. Resident memory each minute; it should not grow.
 */
import { join } from 'node:path';
import { openStore } from '../../../src/index.ts';
import { forward } from '../../../src/remote/index.ts';
import { residentNow } from '../process-figures.ts';
import { formatNumber, table } from '../report.ts';
import { isInstalled, pause, startTidemark, startVictoriaMetrics, stopServer } from '../servers.ts';
import { batches, doors, labelsOf, SAMPLES_PER_REQUEST, SERIES } from './door-bodies.ts';
import { sendBodies } from './send-bodies.ts';

const ROUND_MS = 200;
/** The process forwards every fifth round. */
const FORWARDED = 5;
const ROUNDS_PER_MINUTE = 60_000 / ROUND_MS;
const REQUESTS_PER_ROUND = SERIES / SAMPLES_PER_REQUEST;

export const runSteadily = async (minutes: number, parent: string): Promise<void> => {
  const [remoteWrite] = doors;
  const server = await startTidemark(join(parent, 'store'), ['--write', '--no-record']);
  const receiver = isInstalled('victoria-metrics') ? await startVictoriaMetrics(parent) : undefined;
  const store = await openStore(join(parent, 'forwarded'), { retention: 'off' });
  const forwarding =
    receiver === undefined ? undefined : forward(store, 'steady', { url: `${receiver.origin}/api/v1/write` });
  const handles = Array.from({ length: SERIES }, (_, series) => store.series(labelsOf(series)));
  const all = batches(ROUNDS_PER_MINUTE, 0);
  const rows: string[][] = [];
  const started = Date.now();
  try {
    for (let round = 1; round <= minutes * ROUNDS_PER_MINUTE; round++) {
      const due = started + round * ROUND_MS;
      await pause(Math.max(0, due - Date.now()));
      const first = (round % ROUNDS_PER_MINUTE) * REQUESTS_PER_ROUND;
      const batchesOfRound = all.slice(first, first + REQUESTS_PER_ROUND).map((batch) => ({ ...batch, time: due }));
      await sendBodies(server, remoteWrite, batchesOfRound.map(remoteWrite.body));
      if (round % FORWARDED === 0) {
        await store.ready();
        for (const { firstSeries, time, values: numbers } of batchesOfRound)
          for (let i = 0; i < SAMPLES_PER_REQUEST; i++) handles[firstSeries + i].append(time, numbers[i]);
      }
      if (round % ROUNDS_PER_MINUTE !== 0) continue;
      const status = forwarding?.status();
      const megabytes = [server.child.pid as number, process.pid].map((pid) => Math.round(residentNow(pid) / 1e6));
      const behind = (Date.now() - due) / 1000;
      const cells = [
        round / ROUNDS_PER_MINUTE,
        ...megabytes,
        status?.sentSamples ?? 0,
        status?.pendingSamples ?? 0,
        behind,
      ];
      rows.push(cells.map((cell) => formatNumber(cell)));
      process.stderr.write(`${rows.at(-1)?.join('  ')}\n`);
    }
  } finally {
    await forwarding?.stop();
    await store.close();
    await stopServer(server);
    if (receiver !== undefined) await stopServer(receiver);
  }
  const head = [
    'minute',
    'serve, MB',
    'forwarding process, MB',
    'samples forwarded',
    'samples waiting',
    'seconds late',
  ];
  process.stdout.write(`${table(head, rows)}\n`);
};
