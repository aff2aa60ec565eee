/**
 * What a store does when few samples come, so that its memory follows what is in use. Chunks that a burst has left
 * waiting are persisted: many of one series at once, which costs little more than one. Then the heads move together,
 * and the memory of empty blocks is given back. Under a steady load series have fewer chunks waiting, and only the
 * sweep visits them.
 */
import { seriesTags } from '../../machines/series-states.ts';
import { NO_SLOT } from '../chunk/slab.ts';
import type { Row } from '../series/table.ts';
import type { Running } from './running.ts';

/** More samples than this since the last step: the processor is for them. At a step every 250 ms, 100,000 a second. */
const BUSY_SAMPLES = 25_000;
/** A series with so many waiting chunks is persisted. */
const GATHERED_CHUNKS = 4;
/** Series to persist in a step, and rows to look at. */
const SERIES_PER_STEP = 256;
const ROWS_PER_STEP = 16_384;
/** How long nothing is persisted after a series' file could not be written: at first, and at most. */
const RETRY_MS = 60_000;
const RETRY_MS_MAX = 6 * 3_600_000;
/** Memory is given back when it was spread for so long: the next burst may need it again. */
const SPREAD_MS = 5_000;
/** Rows whose heads move in a step. */
const MOVES_PER_STEP = 4_096;

export class QuietWork {
  private readonly store: Running;
  private readonly visit: (rows: readonly Row[]) => Promise<void>;
  private acceptedBefore: number;
  private cursor: Row = 0;
  private movingFrom: Row = 0;
  /** Persisting takes at most half of the time, because the disk may be slow, and others may need it. */
  private persistFrom = 0;
  private retryMs = RETRY_MS;
  private spreadSince: number | undefined;

  /** `visit` resolves when the calls that the visits have started have ended. */
  constructor(store: Running, visit: (rows: readonly Row[]) => Promise<void>) {
    this.store = store;
    this.visit = visit;
    this.acceptedBefore = store.ingest.accepted;
  }

  /** One step: a few milliseconds of this thread, and the time of the disk. Steps must not overlap. */
  async step(): Promise<void> {
    const { ingest, disk } = this.store;
    const isBusy = ingest.accepted - this.acceptedBefore > BUSY_SAMPLES;
    this.acceptedBefore = ingest.accepted;
    if (isBusy || disk.isWaiting) return;
    await this.persistGathered();
    this.giveMemoryBack();
  }

  private async persistGathered(): Promise<void> {
    const { table, chunks, clock } = this.store.engine;
    const started = clock.monotonic();
    if (chunks.waiting < GATHERED_CHUNKS || started < this.persistFrom) return;
    const rows = this.rowsWithGathered();
    if (rows.length === 0) return;
    const waiting = rows.map((row) => table.chunksWaiting(row));
    await this.visit(rows);
    const ended = clock.monotonic();
    this.persistFrom = ended + (ended - started);
    if (rows.every((row, i) => table.chunksWaiting(row) < waiting[i])) {
      this.retryMs = RETRY_MS;
      return;
    }
    // A failed write makes the store read-only until the disk is probed. The sweep tries the series again, more seldom.
    this.persistFrom = ended + this.retryMs;
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
  }

  private rowsWithGathered(): Row[] {
    const { table } = this.store.engine;
    const rows: Row[] = [];
    const end = Math.min(this.cursor + ROWS_PER_STEP, table.size);
    for (; this.cursor < end && rows.length < SERIES_PER_STEP; this.cursor++) {
      const row = this.cursor;
      const takesSamples = table.isLive(row) && seriesTags.writable[table.stateCode(row)] === 1;
      if (takesSamples && table.chunksWaiting(row) >= GATHERED_CHUNKS) rows.push(row);
    }
    if (this.cursor >= table.size) this.cursor = 0;
    return rows;
  }

  private giveMemoryBack(): void {
    const { slab, chunks, table, clock } = this.store.engine;
    const from = slab.spreadFrom();
    if (from === NO_SLOT) {
      this.spreadSince = undefined;
      return;
    }
    this.spreadSince ??= clock.monotonic();
    if (clock.monotonic() - this.spreadSince < SPREAD_MS) return;
    const end = Math.min(this.movingFrom + MOVES_PER_STEP, table.size);
    for (; this.movingFrom < end; this.movingFrom++) {
      if (table.isLive(this.movingFrom)) chunks.moveHeadBefore(this.movingFrom, from);
    }
    if (this.movingFrom < table.size) return;
    this.movingFrom = 0;
    slab.giveBack();
  }
}
