/**
 * Label indexes that may not hold every series: until they are rebuilt, nothing is looked up in them and no batch is
 * written to them. A batch would give them a journal position, and the next opening would take them for whole.
 */
import type { DatabaseName } from '../index/database-folders.ts';
import type { Indexer } from '../index/indexer.ts';
import { noteLostIndexes } from '../index/lost-indexes.ts';
import type { Engine } from './engine.ts';

export const LABEL_INDEXES: readonly DatabaseName[] = ['names', 'pairs'];

/**
 * Has them rebuilt: by this process, or by the next opening if it ends before. To be called before anything is deleted.
 * The note on the disk comes first: if it can't be written, the indexes stay as they are and go on being written.
 */
export const distrustLabelIndexes = ({ fileSystem, directory, options }: Engine, indexer: Indexer): void => {
  if (!options.readOnly) noteLostIndexes(fileSystem, directory, LABEL_INDEXES);
  indexer.suspendLabels();
};
