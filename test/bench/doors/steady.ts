/**
 * Memory at a steady rate: `tidemark serve` takes 50,000 samples a second by remote write, and this process forwards
 * 10,000 a second to VictoriaMetrics. Resident memory each minute; once the store has reached its memory target, it should
 * not grow. The target is small by default, so that it is reached within minutes.
 */
import { join } from 'node:path';
import { formatBytes, parseSize } from '../../../src/cli/units.ts';
import { openStore } from '../../../src/index.ts';
import { forward } from '../../../src/remote/index.ts';
import { residentNow } from '../process-figures.ts';
import { isInstalled, pause, startTidemark, startVictoriaMetrics, stopServer } from '../servers.ts';
import { batches, doors, labelsOf, SAMPLES_PER_REQUEST, SERIES } from './door-bodies.ts';
import { sendBodies } from './send-bodies.ts';
import { type MinuteFigures, minuteCells, steadyTable } from './steady-table.ts';

const ROUND_MS = 200;
/** The process forwards every fifth round. */
const FORWARDED = 5;
const ROUNDS_PER_MINUTE = 60_000 / ROUND_MS;
const REQUESTS_PER_ROUND = SERIES / SAMPLES_PER_REQUEST;

export const runSteadily = async ({
  minutes,
  memoryTarget,
  parent,
}: {
  readonly minutes: number;
  readonly memoryTarget: string;
  readonly parent: string;
}): Promise<void> => {
  const targetBytes = parseSize(memoryTarget);
  if (targetBytes === undefined)
    throw new Error(`--memory-target takes a size such as 128M, not ${JSON.stringify(memoryTarget)}.`);
  const [remoteWrite] = doors;
  const options = ['--write', '--no-record', '--memory-target', memoryTarget];
  const server = await startTidemark(join(parent, 'store'), options);
  const receiver = isInstalled('victoria-metrics') ? await startVictoriaMetrics(parent) : undefined;
  const store = await openStore(join(parent, 'forwarded'), { retention: 'off', memoryTarget: targetBytes });
  const forwarding =
    receiver === undefined ? undefined : forward(store, 'steady', { url: `${receiver.origin}/api/v1/write` });
  const handles = Array.from({ length: SERIES }, (_, series) => store.series(labelsOf(series)));
  const all = batches(ROUNDS_PER_MINUTE, 0);
  const measured: MinuteFigures[] = [];
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
      const figures: MinuteFigures = {
        minute: round / ROUNDS_PER_MINUTE,
        servedMB: residentNow(server.child.pid as number) / 1e6,
        forwardingMB: residentNow(process.pid) / 1e6,
        forwarded: status?.sentSamples ?? 0,
        waiting: status?.pendingSamples ?? 0,
        secondsLate: (Date.now() - due) / 1000,
      };
      measured.push(figures);
      process.stderr.write(`${minuteCells(figures).join('  ')}\n`);
    }
  } finally {
    await forwarding?.stop();
    await store.close();
    await stopServer(server);
    if (receiver !== undefined) await stopServer(receiver);
  }
  process.stdout.write(`Memory target of serve: ${formatBytes(targetBytes)}\n\n${steadyTable(measured)}\n`);
};
