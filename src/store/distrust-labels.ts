/**
 * Suspends label indexes that may not hold every series. Until they are rebuilt, no lookup uses them and no batch is
 * written to them. A batch would give them a journal position, and the next opening would take them for complete.
 */
import type { DatabaseName } from '../indexes/database-folders.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { noteLostIndexes } from '../indexes/lost-indexes.ts';
import type { Engine } from './engine.ts';

export const LABEL_INDEXES: readonly DatabaseName[] = ['names', 'pairs'];

/**
 * Makes sure that the label indexes are rebuilt: by this process, or by the next opening if this process ends before.
 * Call it before anything is deleted. The note on disk comes first: if it can't be written, the indexes stay as they
 * are and further batches are written to them.
 */
export const distrustLabelIndexes = ({ fileSystem, directory, options }: Engine, indexer: Indexer): void => {
  if (!options.readOnly) noteLostIndexes(fileSystem, directory, LABEL_INDEXES);
  indexer.suspendLabels();
};
