/** A thread of `tidemark simulate`: plays the seeds it is sent, one after another. */
import { parentPort } from 'node:worker_threads';
import { checkDirectory, openStore } from '../../index.ts';
import { playSeed, type SeedTask } from './simulate-seed.ts';

parentPort?.on('message', async (task: SeedTask) => {
  parentPort?.postMessage(await playSeed(task, { openStore, checkDirectory }));
});
