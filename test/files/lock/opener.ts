/**
 * A process, or a thread, that opens a store and does as it is told on stdin (a thread: in messages): `close`, or `read`
 * to read and close all files of the directory. It says `open`, or the error's code and message, and `done`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const data = workerData as { directory: string; library: string } | null;
const [directory, library] = isMainThread ? process.argv.slice(2) : [data?.directory, data?.library];

const say = (text: string): void => {
  if (parentPort === null) console.log(text);
  else parentPort.postMessage(text);
};

const readAll = (path: string): void => {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) readAll(join(path, entry.name));
    else readFileSync(join(path, entry.name));
  }
};

const { openStore } = (await import(library ?? '')) as typeof import('../../../src/index.ts');
try {
  const store = await openStore(directory ?? '', { retention: 'off' });
  const obey = (command: string): void => {
    if (command === 'read') readAll(directory ?? '');
    if (command === 'close') {
      void store.close().then(() => {
        say('done');
        if (parentPort === null) process.exit(0);
        else parentPort.close();
      });
    } else say('done');
  };
  if (parentPort === null) createInterface({ input: process.stdin }).on('line', obey);
  else parentPort.on('message', obey);
  say('open');
} catch (error) {
  const { code, message, details } = error as { code?: string; message: string; details?: unknown };
  say(JSON.stringify({ code, message, details }));
}
