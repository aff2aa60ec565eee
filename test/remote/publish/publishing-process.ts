/**
 * A program that appends and publishes until it is killed. Arguments: the store's directory, the server's address. Its
 * samples count up from the number of samples in the store. It prints the number of acknowledged samples after each
 * flush. When it reads a line, it appends no more, waits until everything is sent and prints `sent`. It ends when it
 * reads a second line. The journal still has the last append then: no checkpoint comes after it.
 */
import { once } from 'node:events';
import { openStore } from '../../../src/index.ts';
import { publish } from '../../../src/remote/index.ts';

const BASE = 1_700_000_000_000;
const [directory, servers] = process.argv.slice(2);

const store = await openStore(directory, { retention: 'off', commitInterval: 20 });
const publishing = await publish(store, 'mirror', {
  servers,
  stream: 'EVENTS',
  from: 'start',
  maxInFlight: 16,
  maxMessageBytes: 8192,
  retryMin: 10,
  retryMax: 100,
  create: { duplicateWindow: 100 },
});

let appended = 0;
for await (const { values } of store.select('count')) appended = values.length;
let isEnding = false;
process.stdin.once('data', () => {
  isEnding = true;
});

const append = async (count: number): Promise<void> => {
  for (let end = appended + count; appended < end; appended++)
    store.append({ __name__: 'count' }, BASE + appended, appended);
  await store.flush();
  process.stdout.write(`${appended}\n`);
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

while (!isEnding) {
  await append(1 + ((appended * 7919) % 400));
  if (appended % 5 === 0) await store.checkpoint();
  await turn();
}
await append(1);
const { end } = (await store.info()).journal;
while (publishing.status().position < end) await turn();
const last = once(process.stdin, 'data');
process.stdout.write('sent\n');
await last;
await publishing.stop();
await store.close();
process.exit();
