/**
 * The process that the crash test kills: opens the store, compares everything in it with what was appended and what was
 * acknowledged, goes on appending where it ends, and says on standard output what it does.
 *
 *   node writer.js '{"directory": …, "acknowledged": …, "appended": …, "seed": …}'
 */
import { writeSync } from 'node:fs';
import { openStore, type Store } from '../../src/index.ts';
import { seeded } from '../support/seeded.ts';
import { dyingFileSystem } from './dying-file-system.ts';
import { SERIES, sampleTime, sampleValue, seriesLabels } from './samples.ts';

export interface WriterInput {
  readonly directory: string;
  /** The last round that `flush()` acknowledged; -1 for none. */
  readonly acknowledged: number;
  /** The last round of which a sample may have been appended; -1 for none. */
  readonly appended: number;
  readonly seed: number;
  /** The process kills itself at this file-system call. */
  readonly dieAtCall?: number;
  /** The store is closed after so many rounds. */
  readonly closeAfterRounds?: number;
}

const input = JSON.parse(process.argv[2] ?? '{}') as WriterInput;
const random = seeded(input.seed);

const say = (text: string): void => {
  writeSync(1, `${text}\n`);
};

const complain = (text: string): never => {
  say(text);
  process.exit(1);
};

/** Rounds that each series has; a series must have a whole beginning of its samples, exact and in order. */
const verify = async (store: Store): Promise<Int32Array> => {
  const rounds = new Int32Array(SERIES);
  for await (const { labels, timestamps, values } of store.select('crash')) {
    const i = Number(labels['id']);
    if (rounds[i] > 0) complain(`series ${i} is there twice`);
    for (let k = 0; k < timestamps.length; k++) {
      if (timestamps[k] === sampleTime(i, k) && Object.is(values[k], sampleValue(i, k))) continue;
      complain(`wrong: series ${i} sample ${k} is ${timestamps[k]} ${values[k]}`);
    }
    rounds[i] = timestamps.length;
  }
  for (let i = 0; i < SERIES; i++) {
    if (rounds[i] < input.acknowledged + 1)
      complain(`lost: series ${i} has ${rounds[i]} samples, acknowledged were ${input.acknowledged + 1}`);
    if (rounds[i] > input.appended + 1)
      complain(`invented: series ${i} has ${rounds[i]} samples, appended were ${input.appended + 1}`);
  }
  const quarantined = await store.quarantined();
  if (quarantined.length > 0) complain(`in quarantine: ${JSON.stringify(quarantined.slice(0, 3))}`);
  return rounds;
};

say('opening');
const store = await openStore(input.directory, {
  retention: 'off',
  headChunkTimeout: random.int(2) === 0 ? 1 : '1h',
  checkpointInterval: '1h',
  durability: (['interval', 'os'] as const)[random.int(2)],
  ...(input.dieAtCall !== undefined && { fileSystem: dyingFileSystem(input.dieAtCall) }),
});
say('verifying');
const rounds = await verify(store);
say(`opened ${(await store.info()).opened}`);
let next = rounds.reduce((least, count) => Math.min(least, count), Number.POSITIVE_INFINITY);
say(`verified ${next}`);

const handles = Array.from({ length: SERIES }, (_, i) => store.series(seriesLabels(i)));
/** What goes on beside the appending; the store is killed in the middle of it. */
const beside = (): Promise<unknown> | undefined => {
  switch (random.int(12)) {
    case 0:
      return store.checkpoint();
    case 1:
    case 2:
      return store.maintain();
    default:
      return undefined;
  }
};
const closeAt = next + (input.closeAfterRounds ?? Number.POSITIVE_INFINITY);
const failed = (error: unknown): never => complain(`failed: ${error instanceof Error ? error.stack : error}`);
for (; next < closeAt; next++) {
  say(`appending ${next}`);
  for (let i = 0; i < SERIES; i++) {
    if (next >= rounds[i]) handles[i].append(sampleTime(i, next), sampleValue(i, next));
  }
  beside()?.catch(failed);
  if (random.int(4) === 0) await store.waitForIndexing();
  if (random.int(3) !== 0) continue;
  await store.flush();
  say(`acknowledged ${next}`);
}
say('closing');
await store.close();
say('closed');
