/**
 * `tidemark check`: verifies a store's directory and writes nothing to it.
 */
import { join } from 'node:path';
import type { Progress } from '../api.ts';
import { Slab } from '../chunk/slab.ts';
import { type Clock, systemClock } from '../clock.ts';
import { prepareDirectory } from '../disk/directory.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { readHeads } from '../disk/heads-reader.ts';
import { readMappings } from '../disk/mappings.ts';
import { nodeFileSystem } from '../disk/node-file-system.ts';
import { describeFinding } from '../journal/findings.ts';
import { inspectJournal } from '../journal/inspect-journal.ts';
import { ProgressReporter } from './progress.ts';

/** Something that is not as it should be. */
export interface CheckProblem {
  /** One line for people: what, and where. */
  readonly message: string;
}

export interface CheckOptions {
  /** Reads every chunk of every series file, also where nothing looks wrong. */
  readonly pedantic?: boolean;
  readonly onProblem?: (problem: CheckProblem) => void;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
}

export interface CheckReport {
  readonly problems: readonly CheckProblem[];
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
}

/** Verifies a directory. Rejects only where nothing can be checked: `TIDEMARK_NOT_A_STORE`, `TIDEMARK_IO`. */
export const checkDirectory = async (directory: string, options: CheckOptions = {}): Promise<CheckReport> => {
  const { fileSystem = nodeFileSystem, clock = systemClock, onProblem, signal } = options;
  const progress = new ProgressReporter(clock, options.onProgress);
  const problems: CheckProblem[] = [];
  const note = (message: string): void => {
    const problem = { message };
    problems.push(problem);
    onProblem?.(problem);
  };
  prepareDirectory(fileSystem, directory, { readOnly: true });
  const slab = new Slab();
  let series = 0;
  let chunks = 0;
  const heads = await readHeads(
    fileSystem,
    directory,
    slab,
    (record) => {
      series++;
      chunks += record.slots.length;
      for (const slot of record.slots) slab.release(slot);
    },
    {
      breathe: async () => {
        signal?.throwIfAborted();
        await clock.breathe();
      },
      onProgress: (done, total) => progress.report('checkpoint', done, total, done),
    },
  );
  for (const problem of heads.problems) note(problem.message);
  const { damage } = readMappings(fileSystem, directory);
  if (damage !== undefined) note(damage.message);
  for (const finding of inspectJournal({ fileSystem, directory: join(directory, 'journal') }).findings)
    note(describeFinding(finding));
  return { problems, series, chunks, samples: 0 };
};
