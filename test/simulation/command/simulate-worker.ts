/** A thread of `npm run simulate`: plays the seeds that it receives, one after another. */
import { parentPort } from 'node:worker_threads';
import { checkDirectory, openStore } from '../../../src/index.ts';
import { playSeed, type SeedTask } from './simulate-seed.ts';

parentPort?.on('message', async (task: SeedTask) => {
  parentPort?.postMessage(await playSeed(task, { openStore, checkDirectory }));
});
