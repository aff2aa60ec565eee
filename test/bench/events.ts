/**
 * What events cost: a restart after a crash by the length of the journal's tail, and appends with and without somebody
 * who listens. Each figure is from a process of its own.
 *
 *     npm run bench:events [-- SERIES]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore, type Store, type StoreOptions } from '../../src/index.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';

const TAILS = [0, 100_000, 1_000_000];
const APPENDS = 3_000_000;
const BASE = 1_700_000_000_000;
const script = fileURLToPath(import.meta.url);
const options: StoreOptions = { retention: 'off', checkpointInterval: '1h', headChunkTimeout: '1d' };

const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const handlesOf = (store: Store, seriesCount: number) =>
  Array.from({ length: seriesCount }, (_, i) => store.series({ __name__: 'bench', id: String(i) }));

/** Fills a directory, and dies with a tail of so many samples behind the last checkpoint. */
const fill = async (directory: string, seriesCount: number, tail: number): Promise<void> => {
  const store = await openStore(directory, options);
  const handles = handlesOf(store, seriesCount);
  for (const [i, handle] of handles.entries()) handle.append(BASE, i);
  await store.waitForIndexing();
  await store.checkpoint();
  for (let n = 0; n < tail; n++)
    handles[n % seriesCount].append(BASE + 1000 + 1000 * Math.floor(n / seriesCount), n % 97);
  await store.flush();
  process.kill(process.pid, 'SIGKILL');
};

const reopen = async (directory: string): Promise<number> => {
  const start = performance.now();
  const store = await openStore(directory, options);
  const elapsedMs = performance.now() - start;
  const { opened } = await store.info();
  if (opened !== 'journal') throw new Error(`the directory was opened as ${opened}`);
  await store.close();
  return elapsedMs;
};

/** Nanoseconds of processor time per append. */
const append = async (directory: string, listening: string): Promise<number> => {
  const store = await openStore(directory, options);
  const handles = handlesOf(store, 1000);
  let heard = 0;
  const subscriptions = listening.startsWith('events') ? [store.events$.subscribe(() => heard++)] : [];
  if (listening === 'watch') subscriptions.push(store.watch('{id="1"}').subscribe(() => heard++));
  if (listening === 'events, before') for (const subscription of subscriptions) subscription.unsubscribe();
  let k = 1;
  const round = (): void => {
    for (let i = 0; i < 1000; i++) handles[i].append(BASE + 1000 * k, k % 97);
    k++;
  };
  for (let n = 0; n < 300; n++) round();
  const start = processorMs();
  for (let n = 0; n < APPENDS / 1000; n++) round();
  const ns = ((processorMs() - start) * 1e6) / APPENDS;
  await store.close();
  return ns;
};

const inProcess = (...words: (string | number)[]): number =>
  Number(execFileSync(process.execPath, [script, ...words.map(String)], { encoding: 'utf8' }).trim());

const temporary = <T>(use: (directory: string) => T): T => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  try {
    return use(join(directory, 'data'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];

const main = (seriesCount: number): void => {
  const restarts = TAILS.map((tail) =>
    temporary((directory) => {
      spawnSync(process.execPath, [script, 'fill', directory, String(seriesCount), String(tail)], { stdio: 'inherit' });
      return [`${tail.toLocaleString('en')} samples`, `${inProcess('reopen', directory).toFixed(0)} ms`];
    }),
  );
  process.stdout.write(`Restart after a crash, ${seriesCount.toLocaleString('en')} series\n`);
  process.stdout.write(`${markdownTable(['tail', 'until the store is open'], restarts)}\n`);
  const appends = ['nobody', 'events, before', 'watch', 'events'].map((listening) => {
    const times = Array.from({ length: 3 }, () => temporary((directory) => inProcess('append', directory, listening)));
    return [listening, `${median(times).toFixed(0)} ns`];
  });
  process.stdout.write('\nAppending by handle, processor time\n');
  process.stdout.write(`${markdownTable(['who listens', 'per sample'], appends)}\n`);
};

const [action = String(100_000), directory = '', ...rest] = process.argv.slice(2);
if (action === 'fill') await fill(directory, Number(rest[0]), Number(rest[1]));
else if (action === 'reopen') process.stdout.write(`${await reopen(directory)}\n`);
else if (action === 'append') process.stdout.write(`${await append(directory, rest[0] ?? '')}\n`);
else main(Number(action));
