/**
 * The process that the crash test kills: opens the store, checks what is in it against what was acknowledged, goes on
 * appending where it ends, and says on standard output what is acknowledged.
 *
 *   node writer.js DIRECTORY ACKNOWLEDGED SEED
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../src/index.ts';
import { seeded } from '../support/seeded.ts';
import { SERIES, sampleTime, sampleValue, seriesLabels } from './samples.ts';

const [directory = '', acknowledgedText = '-1', seedText = '1'] = process.argv.slice(2);
const acknowledged = Number(acknowledgedText);
const random = seeded(Number(seedText));

const say = (text: string): void => {
  writeSync(1, `${text}\n`);
};

const store = await openStore(directory, {
  retention: 'off',
  headChunkTimeout: random.int(2) === 0 ? 1 : '1h',
  checkpointInterval: '1h',
});

/** Rounds per series that are in the store; each series must have a whole beginning of its samples, exact and in order. */
let roundsLeast = Number.POSITIVE_INFINITY;
const rounds = new Int32Array(SERIES);
for await (const { labels, timestamps, values } of store.select([])) {
  const i = Number(labels['id']);
  for (let k = 0; k < timestamps.length; k++) {
    if (timestamps[k] === sampleTime(i, k) && Object.is(values[k], sampleValue(i, k))) continue;
    say(`wrong series ${i} sample ${k}: ${timestamps[k]} ${values[k]}`);
    process.exit(1);
  }
  rounds[i] = timestamps.length;
}
for (const count of rounds) roundsLeast = Math.min(roundsLeast, count);
if (roundsLeast < acknowledged + 1) {
  say(`lost: a series has ${roundsLeast} samples, acknowledged were ${acknowledged + 1}`);
  process.exit(1);
}
say(`verified ${roundsLeast}`);

const handles = Array.from({ length: SERIES }, (_, i) => store.series(seriesLabels(i)));
for (let k = roundsLeast; ; k++) {
  for (let i = 0; i < SERIES; i++) if (k >= rounds[i]) handles[i].append(sampleTime(i, k), sampleValue(i, k));
  switch (random.int(12)) {
    case 0:
      void store.checkpoint();
      break;
    case 1:
      void store.maintain();
      break;
    case 2:
      await store.waitForIndexing();
      break;
    default:
      break;
  }
  if (random.int(3) !== 0) continue;
  await store.flush();
  say(`acknowledged ${k}`);
}
