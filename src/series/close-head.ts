/** Closes a series' open head and records it in the journal, so that replay closes it at the same sample. */
import type { Clock } from '../ports/clock.ts';
import type { EventBus } from './event-bus.ts';
import { keyOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import type { Row } from './table.ts';

export interface CloseHeadParts extends Pick<SeriesMemory, 'table' | 'chunks'> {
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
}

export const closeHead = ({ table, chunks, bus, clock }: CloseHeadParts, row: Row): void => {
  chunks.closeHead(row);
  bus.publish({ type: 'headChunksClosed', time: clock.now(), fingerprints: [keyOfRow(table, row)] });
};
