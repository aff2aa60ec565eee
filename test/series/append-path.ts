/** The append path in memory: everything between `append` and the journal's file, without a store around it. */

import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';
import { ArchiveIndex } from '../../src/indexes/archive-index.ts';
import { Indexer } from '../../src/indexes/indexer.ts';
import { LabelIndex } from '../../src/indexes/label-index.ts';
import { FingerprintMapper } from '../../src/model/collisions.ts';
import type { LabelPairs } from '../../src/model/labels.ts';
import { TextTable } from '../../src/model/text-table.ts';
import { schedulerOf } from '../../src/ports/clock-scheduler.ts';
import { Admission } from '../../src/series/admission.ts';
import { EventBus } from '../../src/series/event-bus.ts';
import { Ingest, type IngestParts } from '../../src/series/ingest.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { SeriesDirectory, type SeriesDirectoryParts } from '../../src/series/series-lookup.ts';
import { type Row, SeriesTable } from '../../src/series/table.ts';
import { indexing } from '../../streams/indexing.ts';
import { openJournal, read } from '../journal/journal-fixture.ts';
import { MemoryStore } from '../support/memory-stores.ts';

export interface AppendPathOptions {
  readonly directory?: Partial<SeriesDirectoryParts>;
  readonly ingest?: Partial<IngestParts>;
}

export const appendPath = ({ directory: lookup = {}, ingest: path = {} }: AppendPathOptions = {}) => {
  const { journal, fileSystem, clock } = openJournal();
  const slab = new Slab();
  const table = new SeriesTable();
  const chunks = new MemoryChunks(table, slab, new ChunkAppender(slab, { defaultEncoding: VARBIT }));
  const archived = new ArchiveDirectory();
  const archive = new ArchiveIndex(new MemoryStore(), new MemoryStore());
  const labels = new LabelIndex(new MemoryStore(), new MemoryStore());
  const scheduler = schedulerOf(clock);
  const indexer = new Indexer({
    labels,
    archive,
    clock,
    batching: (parts) => indexing({ ...parts, scheduler }),
    capacity: 100,
  });
  const mapper = new FingerprintMapper();
  const woken: LabelPairs[] = [];
  const wake = (high: number, low: number, pairs: LabelPairs): Row => {
    woken.push(pairs);
    archived.remove(high, low);
    return table.add(high, low, pairs);
  };
  const admission = new Admission();
  const late = new LateSamples();
  const directory = new SeriesDirectory({
    table,
    mapper,
    archive,
    archived,
    indexer,
    admission,
    bus: new EventBus(journal),
    clock,
    texts: new TextTable(),
    wake,
    leavingPairs: () => undefined,
    makeWritable: (row) => table.setState(row, 0, true),
    ...lookup,
  });
  const ingest = new Ingest({
    table,
    chunks,
    directory,
    journal,
    admission,
    late,
    clock,
    outOfOrderWindowMs: 0,
    commitEach: false,
    keptFrom: () => Number.NEGATIVE_INFINITY,
    takenUntil: () => Number.POSITIVE_INFINITY,
    ...path,
  });
  /** What the journal has on the disk. */
  const journaled = async () => {
    await journal.commit();
    return read(fileSystem);
  };
  return {
    table,
    chunks,
    archived,
    archive,
    indexer,
    mapper,
    woken,
    directory,
    admission,
    ingest,
    late,
    journal,
    fileSystem,
    journaled,
  };
};

/** The code of the error that a call throws. */
export const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing thrown';
};
