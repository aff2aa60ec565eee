/**
 * What the journal costs per sample on the benchmark's workload: staging, encoding, checksum and write together, the
 * bytes that result, and reading them back. As a yardstick the same samples are copied into plain columns.
 *
 *     npm run build && node dist/test/bench/micro/journal.js [SERIES [ROUNDS]]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { readJournal } from '../../../src/journal/read/read-journal.ts';
import type { JournalWriterOptions } from '../../../src/journal/write/journal-options.ts';
import { JournalWriter } from '../../../src/journal/write/journal-writer.ts';
import { HIGH_WORD, LOW_WORD } from '../../../src/model/byte-order.ts';
import { systemClock } from '../../../src/ports/clock.ts';
import { Rounds } from '../workload.ts';

const seriesCount = Number(process.argv[2] ?? 100_000);
const roundCount = Number(process.argv[3] ?? 30);
const sampleCount = seriesCount * roundCount;
const base = 1_700_000_000_000;

interface Columns {
  readonly timestamps: Float64Array;
  readonly words: Int32Array;
}

const rounds = (): Columns[] => {
  const made = new Rounds({ seriesCount, rounds: roundCount, base });
  return Array.from({ length: roundCount }, () => {
    made.next();
    return { timestamps: made.timestamps.slice(), words: new Int32Array(made.values.slice().buffer) };
  });
};

/** Processor time, so that what else the machine does counts less. */
const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const nanosecondsPerSample = (startMs: number): number => ((processorMs() - startMs) * 1e6) / sampleCount;

const copyToColumns = (samples: readonly Columns[]): number => {
  const rows = new Int32Array(8192);
  const timestamps = new Float64Array(8192);
  const words = new Int32Array(16_384);
  const start = processorMs();
  let count = 0;
  for (const round of samples) {
    for (let row = 0; row < seriesCount; row++) {
      rows[count] = row;
      timestamps[count] = round.timestamps[row];
      words[2 * count] = round.words[2 * row];
      words[2 * count + 1] = round.words[2 * row + 1];
      count = (count + 1) & 8191;
    }
  }
  return nanosecondsPerSample(start);
};

const append = async (
  samples: readonly Columns[],
  directory: string,
  options: JournalWriterOptions,
): Promise<string> => {
  const journal = JournalWriter.open({
    fileSystem: nodeFileSystem,
    directory,
    clock: systemClock,
    storeId: '0123456789abcdef',
    options,
  });
  const start = processorMs();
  for (const { timestamps, words } of samples) {
    for (let row = 0; row < seriesCount; row++) {
      journal.appendSample(row, row, ~row, timestamps[row], words[2 * row + HIGH_WORD], words[2 * row + LOW_WORD]);
    }
    // As a program that takes samples from the network: the event loop turns once a round.
    await systemClock.breathe();
  }
  const appended = nanosecondsPerSample(start);
  const commitStart = performance.now();
  await journal.commit();
  const commitMs = performance.now() - commitStart;
  const bytes = (journal.end / sampleCount).toFixed(2);
  await journal.close();
  return `${appended.toFixed(1)} ns/sample, ${bytes} bytes/sample, last commit ${commitMs.toFixed(1)} ms`;
};

const readBack = (directory: string): string => {
  const start = processorMs();
  let count = 0;
  for (const record of readJournal({ fileSystem: nodeFileSystem, directory })) {
    if (record.type === 'samples') count += record.count;
  }
  if (count !== sampleCount) throw new Error(`${count} of ${sampleCount} samples came back`);
  return `${nanosecondsPerSample(start).toFixed(1)} ns/sample`;
};

const samples = rounds();
console.log(`${seriesCount} series x ${roundCount} rounds = ${sampleCount} samples`);
for (let run = 0; run < 3; run++) {
  console.log(`  plain columns         ${copyToColumns(samples).toFixed(1)} ns/sample`);
  for (const durability of ['os', 'interval'] as const) {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-journal-'));
    try {
      console.log(`  append, ${durability.padEnd(12)}  ${await append(samples, directory, { durability })}`);
      console.log(`  read back             ${readBack(directory)}`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
}
