/**
 * Many stores in one process, each of which appends and is forwarded to the same receiver, to be killed at any time:
 * `DIR URL FIRST COUNT SAMPLES`. It continues where it was, and ends with exit code 0 when everything is sent.
 */
import { join } from 'node:path';
import { openStore } from '../../src/index.ts';
import { forward } from '../../src/remote/index.ts';

const BURST = 4;
const STEP_MS = 1000;

const [directory, url, firstText, countText, samplesText] = process.argv.slice(2);
const samples = Number(samplesText);
const begin = Number(process.env['FORWARD_BEGIN']);

const run = async (number: number): Promise<boolean> => {
  const store = await openStore(join(directory, `store-${number}`), { retention: 'off', futureTolerance: 'off' });
  const forwarding = forward(store, 'fleet', {
    url,
    from: 'start',
    batchDelay: '200ms',
    labels: { store: `${number}` },
  });
  const handle = store.series({ __name__: 'fleet' });
  for (;;) {
    const next = handle.lastTime === undefined ? 0 : (handle.lastTime - begin) / STEP_MS + 1;
    if (next >= samples) break;
    for (let k = next; k < Math.min(samples, next + BURST); k++) handle.append(begin + k * STEP_MS, 1000 * number + k);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await forwarding.caughtUp();
  const { droppedSamples, lostRanges } = forwarding.status();
  await forwarding.stop();
  await store.close();
  return Object.keys(droppedSamples).length === 0 && lostRanges === 0;
};

const numbers = Array.from({ length: Number(countText) }, (_, i) => Number(firstText) + i);
const outcomes = await Promise.all(numbers.map(run));
process.exitCode = outcomes.every(Boolean) ? 0 : 1;
