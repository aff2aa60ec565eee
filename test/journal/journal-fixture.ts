/** A journal in memory, and what is in it as plain values that tests compare. */

import type { JournalFinding } from '../../src/journal/read/journal-findings.ts';
import { type JournalReaderOptions, readJournal } from '../../src/journal/read/read-journal.ts';
import type { JournalWriterOptions } from '../../src/journal/write/journal-options.ts';
import { JournalWriter } from '../../src/journal/write/journal-writer.ts';
import { HIGH_WORD, LOW_WORD } from '../../src/model/byte-order.ts';
import type { LifecycleEvent, SeriesCreated } from '../../src/model/events.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

export const directory = '/store/journal';
export const storeId = '00112233445566ff';

/** A sample as text: fingerprint, time, and the value's 64 bits. */
export type SampleText = string;

export const sampleText = (fingerprint: string, timestamp: number, high: number, low: number): SampleText =>
  `${fingerprint} ${timestamp} ${fingerprintText(high, low)}`;

const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

/** The halves of a number. */
export const halvesOf = (value: number): readonly [high: number, low: number] => {
  scratch[0] = value;
  return [scratchWords[HIGH_WORD], scratchWords[LOW_WORD]];
};

/** Series n has row n and a fingerprint with n in both halves. */
export const fingerprintOf = (series: number): string => fingerprintText(series + 1, ~series);

export const textOf = (series: number, timestamp: number, value: number): SampleText =>
  sampleText(fingerprintOf(series), timestamp, ...halvesOf(value));

export const append = (journal: JournalWriter, series: number, timestamp: number, value: number): SampleText => {
  journal.appendSample(series, series + 1, ~series, timestamp, ...halvesOf(value));
  return textOf(series, timestamp, value);
};

export const created = (series: number): SeriesCreated => ({
  type: 'seriesCreated',
  time: 1_700_000_000_000,
  fingerprint: fingerprintOf(series),
  labels: { __name__: 'up', job: `job-${series}` },
});

export const opened: LifecycleEvent = {
  type: 'storeOpened',
  time: 1_700_000_000_000,
  how: 'created',
  series: 0,
  archivedSeries: 0,
  headsBytes: 0,
  headsCrc32: 0,
};

export interface OpenJournal {
  readonly journal: JournalWriter;
  readonly fileSystem: MemoryFileSystem;
  readonly clock: ManualClock;
}

export const openJournal = (
  options: JournalWriterOptions = {},
  fileSystem = new MemoryFileSystem(),
  clock = new ManualClock(),
): OpenJournal => ({
  journal: JournalWriter.open({ fileSystem, directory, clock, storeId, options }),
  fileSystem,
  clock,
});

export interface Contents {
  /** Samples as text and events as they are, in order. */
  readonly items: (SampleText | LifecycleEvent)[];
  readonly positions: number[];
  readonly findings: JournalFinding[];
}

export const read = (fileSystem: MemoryFileSystem, options: Partial<JournalReaderOptions> = {}): Contents => {
  const contents: Contents = { items: [], positions: [], findings: [] };
  const onFinding = (finding: JournalFinding): void => {
    contents.findings.push(finding);
  };
  for (const record of readJournal({ fileSystem, directory, onFinding, ...options })) {
    contents.positions.push(record.position);
    if (record.type === 'events') {
      contents.items.push(...record.events);
      continue;
    }
    const { count, highs, lows, timestamps, words } = record;
    for (let index = 0; index < count; index++) {
      const fingerprint = fingerprintText(highs[index], lows[index]);
      contents.items.push(
        sampleText(fingerprint, timestamps[index], words[2 * index + HIGH_WORD], words[2 * index + LOW_WORD]),
      );
    }
  }
  return contents;
};

/** Lets everything that is due on this turn of the event loop happen. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
