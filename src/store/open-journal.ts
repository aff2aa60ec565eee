/** Opens the journal with the sizes that the options and the retention allow. */
import { JournalWriter } from '../journal/write/journal-writer.ts';
import type { Position } from '../model/events.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { Engine } from './engine.ts';

/** A journal segment of this size is followed by a new one. */
const SEGMENT_BYTES = 32 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 256 * 1024;
/** Shortest time that a segment exists. Readers in other processes look for new segments five times a second. */
const SEGMENT_LINGER_MS = 2000;

export const openJournal = (engine: Engine, notBefore: Position, isAfterCrash: boolean): JournalWriter => {
  const { fileSystem, journalDirectory, clock, options, random } = engine;
  const { durability, commitIntervalMs, historyBytes, checkpointJournalBytes } = options;
  const retentionBytes = engine.retention.limits.bytes;
  return JournalWriter.open({
    fileSystem,
    directory: journalDirectory,
    clock,
    storeId: newStoreId(() => random.next()),
    notBefore,
    isAfterCrash,
    options: {
      durability,
      commitIntervalMs,
      // Where retention limits the directory's size, the journal must not take most of it. Segments are small then,
      // because a checkpoint only frees whole segments.
      segmentBytes: Math.min(
        SEGMENT_BYTES,
        checkpointJournalBytes,
        Math.max(SEGMENT_BYTES_MIN, Math.floor(retentionBytes / 32)),
      ),
      historyBytes: Math.min(historyBytes, Math.floor(retentionBytes / 16)),
      // Where the size is limited, samples must not be dropped to keep segments for a reader.
      lingerMs: retentionBytes === Number.POSITIVE_INFINITY ? SEGMENT_LINGER_MS : 0,
      onPending: () => engine.journalPending$.next(),
      onError: (error) => engine.onJournalError(error),
    },
  });
};

const newStoreId = (next: () => number): string =>
  fingerprintText(Math.floor(next() * 2 ** 32) | 0, Math.floor(next() * 2 ** 32) | 0);
