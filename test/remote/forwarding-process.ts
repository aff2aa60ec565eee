/**
 * A program that appends to a store and forwards it, to be killed at any time: `DIR URL SERIES SAMPLES`. It continues where
 * it was, and ends with exit code 0 when everything is appended, sent and acknowledged.
 */
import { openStore } from '../../src/index.ts';
import { forward } from '../../src/remote/index.ts';

/** Samples of one series between two pauses. */
const BURST = 6;
const STEP_MS = 1000;

const [directory, url, seriesText, samplesText] = process.argv.slice(2);
const samples = Number(samplesText);
const begin = Number(process.env['FORWARD_BEGIN']);

const store = await openStore(directory, { retention: 'off', futureTolerance: 'off' });
const forwarding = forward(store, 'kill', { url, from: 'start', batchDelay: '200ms', batchSamples: 100 });
const handles = Array.from({ length: Number(seriesText) }, (_, i) =>
  store.series({ __name__: 'forwarded', i: String(i) }),
);
let done = false;
while (!done) {
  done = true;
  for (const handle of handles) {
    const next = handle.lastTime === undefined ? 0 : (handle.lastTime - begin) / STEP_MS + 1;
    for (let k = next; k < Math.min(samples, next + BURST); k++) handle.append(begin + k * STEP_MS, k);
    if (next + BURST < samples) done = false;
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await forwarding.caughtUp();
const { state, sentSamples, droppedSamples, lostRanges } = forwarding.status();
process.stdout.write(`${JSON.stringify({ state, sentSamples, droppedSamples, lostRanges })}\n`);
await forwarding.stop();
await store.close();
