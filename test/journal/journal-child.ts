/**
 * A process that writes a journal, for tests that follow it from another one: `node journal-child.js DIRECTORY FROM COUNT`.
 * Appends numbered events in records of different sizes, in segments of a few records that are removed as soon as they
 * may be, the last one excepted. Prints the number after each commit.
 */

import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { JournalWriter } from '../../src/journal/write/journal-writer.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { seeded } from '../support/seeded.ts';
import { opened, storeId } from './journal-fixture.ts';

const [directory, from, count] = process.argv.slice(2);
const { int } = seeded(Number(from) + 77);
const journal = JournalWriter.open({
  fileSystem: nodeFileSystem,
  directory,
  clock: systemClock,
  storeId,
  isAfterCrash: true,
  options: { segmentBytes: 3000, historyBytes: 1e6, lingerMs: 2000 },
});
const end = Number(from) + Number(count);
for (let number = Number(from); number < end; ) {
  for (let burst = int(12); burst >= 0 && number < end; burst--) journal.appendEvent({ ...opened, time: number++ });
  if (int(3) === 0) journal.write();
  if (int(3) === 0) await journal.commit();
  if (int(4) === 0) await journal.truncateBefore(journal.durable - 1);
  // Sometimes more segments are begun between two looks than at others.
  if (int(20) === 0) await new Promise((resolve) => setTimeout(resolve, int(60)));
  process.stdout.write(`${number}\n`);
}
await journal.commit();
await journal.truncateBefore(journal.end - 1, { final: true });
await journal.close();
