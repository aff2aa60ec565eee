/** Reads the whole journal, counts its content and collects its damage. Writes nothing. */
import type { FileSystem } from '../../files/file-system.ts';
import type { Position } from '../../model/events.ts';
import type { JournalFinding } from './journal-findings.ts';
import { readJournal } from './read-journal.ts';
import { listSegments } from './segment-list.ts';

export interface JournalInspection {
  /** `undefined` when there is no journal. */
  readonly storeId: string | undefined;
  readonly segments: readonly { readonly file: string; readonly start: Position; readonly bytes: number }[];
  readonly first: Position;
  /** Where the last whole record ends. */
  readonly end: Position;
  readonly records: number;
  readonly samples: number;
  readonly events: number;
  /** Samples whose series is unknown, because the record that defined its reference is lost. */
  readonly unresolvedSamples: number;
  readonly findings: readonly JournalFinding[];
}

export const inspectJournal = (options: {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
}): JournalInspection => {
  const findings: JournalFinding[] = [];
  const { storeId, segments } = listSegments(options.fileSystem, options.directory);
  const counts = { records: 0, samples: 0, events: 0, unresolvedSamples: 0 };
  const first = segments[0]?.start ?? 0;
  let end = first;
  for (const record of readJournal({ ...options, onFinding: (finding) => findings.push(finding) })) {
    counts.records++;
    end = record.position;
    if (record.type === 'events') {
      counts.events += record.events.length;
    } else {
      counts.samples += record.count;
      counts.unresolvedSamples += record.unresolved;
    }
  }
  return {
    storeId,
    segments: segments.map(({ file, start, bytes }) => ({ file, start, bytes })),
    first,
    end,
    ...counts,
    findings,
  };
};
