/**
 * The thread of a series-file worker: takes batches of requests, runs them, sends the outcomes back. The chunks of a
 * batch come and go in one buffer, so the thread keeps no memory of the store.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { SlabView } from '../../chunk/slab.ts';
import { nodeFileSystem } from '../../files/node-file-system.ts';
import { SeriesFiles } from './series-file.ts';
import { runRequests } from './series-file-requests.ts';
import type { ThreadAnswer, ThreadData, ThreadMessage } from './series-file-worker.ts';

const { directory } = workerData as ThreadData;
const slab = new SlabView();
const files = new SeriesFiles(nodeFileSystem, directory, slab);
const nothing = new ArrayBuffer(0);

parentPort?.on('message', ({ requests, bytes }: ThreadMessage) => {
  slab.show(bytes);
  const outcomes = runRequests(files, requests);
  slab.show(nothing);
  parentPort?.postMessage({ outcomes, bytes } satisfies ThreadAnswer, [bytes]);
});
