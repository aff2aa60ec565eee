/** The thread of a series-file worker: takes batches of requests, runs them, sends the outcomes back. */
import { parentPort, workerData } from 'node:worker_threads';
import { SlabView } from '../../chunk/slab.ts';
import { nodeFileSystem } from '../../files/node-file-system.ts';
import { SeriesFiles } from './series-file.ts';
import { runRequests } from './series-file-requests.ts';
import type { ThreadData, ThreadMessage } from './series-file-worker.ts';

const { directory, blocks } = workerData as ThreadData;
const slab = new SlabView();
for (const block of blocks) slab.addBlock(block);
const files = new SeriesFiles(nodeFileSystem, directory, slab);

parentPort?.on('message', (message: ThreadMessage) => {
  for (const block of message.blocks) slab.addBlock(block);
  for (const buffer of message.cold) warm(buffer);
  parentPort?.postMessage(runRequests(files, message.requests));
});

const PAGE_INTS = 4096 / Int32Array.BYTES_PER_ELEMENT;

/**
 * Writes to every page. The writes are atomic and change nothing, because the store may already be filling the buffer.
 */
const warm = (buffer: SharedArrayBuffer): void => {
  const ints = new Int32Array(buffer);
  for (let i = 0; i < ints.length; i += PAGE_INTS) Atomics.or(ints, i, 0);
};
