/**
 * Label indexes that may not hold every series: until they are rebuilt, nothing is looked up in them and no batch is
 * written to them. A batch would give them a journal position, and the next opening would take them for whole.
 */
import type { DatabaseName } from '../index/database-folders.ts';
import type { Indexer } from '../index/indexer.ts';
import { noteLostIndexes } from '../index/lost-indexes.ts';
import type { Engine } from './engine.ts';

export const LABEL_INDEXES: readonly DatabaseName[] = ['names', 'pairs'];

/** Has them rebuilt: by this process, or by the next opening if it ends before. To be called before anything is deleted. */
export const distrustLabelIndexes = ({ fileSystem, directory, options }: Engine, indexer: Indexer): void => {
  indexer.suspendLabels();
  if (!options.readOnly) noteLostIndexes(fileSystem, directory, LABEL_INDEXES);
};
