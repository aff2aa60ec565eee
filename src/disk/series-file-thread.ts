/** The thread of a series-file worker: takes batches of requests, runs them, sends the outcomes back. */
import { parentPort, workerData } from 'node:worker_threads';
import { SlabView } from '../chunk/slab.ts';
import { nodeFileSystem } from './node-file-system.ts';
import { SeriesFiles } from './series-file.ts';
import { runRequests } from './series-file-requests.ts';
import type { ThreadData, ThreadMessage } from './series-file-worker.ts';

const { directory, blocks } = workerData as ThreadData;
const slab = new SlabView();
for (const block of blocks) slab.addBlock(block);
const files = new SeriesFiles(nodeFileSystem, directory, slab);

parentPort?.on('message', (message: ThreadMessage) => {
  for (const block of message.blocks) slab.addBlock(block);
  parentPort?.postMessage(runRequests(files, message.requests));
});
