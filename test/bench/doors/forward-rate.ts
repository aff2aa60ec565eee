/** What `forward` sends to VictoriaMetrics: a history that is in the journal, from its start to its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../../src/index.ts';
import { forward } from '../../../src/remote/index.ts';
import { cpuSeconds, resetPeak, residentPeak } from '../process-figures.ts';
import { startVictoriaMetrics, stopServer } from '../servers.ts';
import { type Batch, labelsOf, SERIES } from './door-bodies.ts';
import type { Rate } from './rate.ts';

export const measureForward = async (all: readonly Batch[], parent: string): Promise<Rate> => {
  const directory = mkdtempSync(join(parent, 'forward-'));
  const receiver = await startVictoriaMetrics(directory);
  const store = await openStore(join(directory, 'store'), { retention: 'off' });
  try {
    // A subscription keeps the journal, also beyond the next checkpoint.
    const holding = store.subscribe('bench', { from: 'start' });
    const handles = Array.from({ length: SERIES }, (_, series) => store.series(labelsOf(series)));
    for (const { firstSeries, time, values } of all) {
      for (let i = 0; i < values.length; i++) handles[firstSeries + i].append(time, values[i]);
      await store.ready();
    }
    await store.flush();
    resetPeak(process.pid);
    const [cpu, started] = [cpuSeconds(process.pid), performance.now()];
    const forwarding = forward(store, 'bench-forward', { url: `${receiver.origin}/api/v1/write`, from: 'start' });
    await forwarding.caughtUp();
    const seconds = (performance.now() - started) / 1000;
    const { sentSamples } = forwarding.status();
    const rate: Rate = {
      samplesPerSecond: sentSamples / seconds,
      processorNsPerSample: ((cpuSeconds(process.pid) - cpu) * 1e9) / sentSamples,
      peakMB: residentPeak(process.pid) / 1e6,
    };
    await forwarding.stop();
    await holding.close();
    return rate;
  } finally {
    await store.close();
    await stopServer(receiver);
    rmSync(directory, { recursive: true, force: true });
  }
};
