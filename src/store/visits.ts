/**
 * Visits of series. Each visit looks at a series, and the series' statechart decides what to do. The number of running
 * calls is bounded, and the host's event loop is never blocked for long.
 */
import { seriesTags } from '../../machines/series-states.ts';
import { Slices } from '../async/slices.ts';
import type { ActorRows } from '../series/actor-rows.ts';
import type { SeriesActors } from '../series/actors.ts';
import type { LateMerging } from '../series/late-merging.ts';
import { type FactSources, factsOf, visitFacts } from '../series/maintenance.ts';
import type { SeriesDirectory } from '../series/series-lookup.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import type { Counts } from './counts.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Engine, StoreActor } from './engine.ts';
import type { Recovered } from './recovered.ts';
import type { Retention } from './retention.ts';
import type { TrustedClock } from './trusted-clock.ts';

/** Visits between two reads of the clock. */
const VISITS_PER_LOOK = 64;
/** Series with late samples that are visited together. */
const LATE_ROWS = 4096;

export interface VisitsParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly actor: StoreActor;
  readonly actors: SeriesActors;
  readonly seriesRows: Pick<ActorRows, 'borrow'>;
  readonly directory: SeriesDirectory;
  readonly merging: LateMerging;
  readonly retention: Retention;
  readonly trustedClock: TrustedClock;
  readonly disk: DiskGuard;
  readonly counts: Counts;
}

export class Visits {
  /** Number of visits, including those that found nothing to do. */
  inMemory = 0;
  archived = 0;
  private readonly parts: VisitsParts;
  private readonly factSources: FactSources;
  /** How often data was deleted from the disk, and that number at the last call of `tellFreed`. */
  private freedCount = 0;
  private freedKnown = 0;

  constructor(parts: VisitsParts) {
    this.parts = parts;
    const { engine, merging, retention, trustedClock } = parts;
    const { table, chunks, cache, options } = engine;
    this.factSources = {
      table,
      chunks,
      cache,
      late: merging,
      headChunkTimeoutMs: options.headChunkTimeoutMs,
      beforeTime: (row) => retention.beforeTime(table.retentionClass[row] ?? 0),
      now: () => trustedClock.now(),
    };
  }

  /** Called when data was deleted from the disk. */
  noteFreed(): void {
    this.freedCount++;
  }

  private get hasRoom(): boolean {
    const { actors, recovered } = this.parts;
    const { indexer } = recovered;
    return actors.hasRoom && indexer.queued < indexer.capacity;
  }

  /** Resolves when another file call may start. Running calls and waiting index operations are bounded. */
  async room(): Promise<void> {
    const { actors, recovered } = this.parts;
    const { indexer } = recovered;
    await actors.room();
    if (indexer.queued >= indexer.capacity) await indexer.flush();
  }

  /**
   * Visits each row once. When this resolves, the statecharts have decided; some of the calls that they started may
   * still run.
   */
  async rows(rows: readonly Row[]): Promise<void> {
    const { engine, disk, actors } = this.parts;
    const { table, clock } = engine;
    const slices = new Slices(clock);
    let visited = 0;
    for (const row of rows) {
      if (++visited % VISITS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
      // Only wait when there is no room: for a series at rest, an await would cost more than the visit.
      if (!this.hasRoom) await this.room();
      // Nothing is awaited from here to `send`, so the facts still hold when the statechart decides.
      if (!table.isLive(row)) continue;
      this.inMemory++;
      const code = table.stateCode(row);
      if (seriesTags.visited[code] === 0) continue;
      // Most visits find nothing to do for a series that takes samples. The others wait for a call to be tried again.
      const facts =
        seriesTags.writable[code] === 1 ? visitFacts(this.factSources, row) : factsOf(this.factSources, row);
      if (facts === undefined) continue;
      const freesSpace = facts.droppable || seriesTags.deleted[code] === 1;
      if (disk.isWaiting && !freesSpace) continue;
      actors.send(row, { type: 'maintain', facts });
    }
    this.tellFreed();
    const seconds = (clock.monotonic() - slices.begunAt) / 1000;
    this.parts.counts.observations.observe('maintenanceBatchDuration', seconds, { location: 'memory' });
  }

  /** Visits a series at once if a call may start. For late samples that must not wait for the event loop. */
  now(row: Row): void {
    const { engine, disk, actors } = this.parts;
    if (!this.hasRoom || disk.isWaiting || seriesTags.writable[engine.table.stateCode(row)] === 0) return;
    const facts = visitFacts(this.factSources, row);
    if (facts !== undefined) actors.send(row, { type: 'maintain', facts });
  }

  /** Visits series whose late samples have waited long enough. Resolves when their calls have ended. */
  async late(): Promise<void> {
    const rows = this.parts.merging.dueRows(LATE_ROWS);
    if (rows.length > 0) await this.settled(rows);
  }

  /** Visits each row once. Resolves when their calls have ended. */
  async settled(rows: readonly Row[]): Promise<void> {
    await this.rows(rows);
    await Promise.all(rows.map((row) => this.parts.actors.settled(row)));
  }

  /** Visits a series whose last call failed. */
  again(row: Row): void {
    this.parts.actors.send(row, { type: 'maintain', facts: factsOf(this.factSources, row) });
  }

  /** Visits archived series for retention, without waking them. */
  async archivedSeries(slots: readonly number[]): Promise<void> {
    const { engine, recovered, retention, directory, seriesRows, actors } = this.parts;
    const { archived } = recovered;
    const { clock, table } = engine;
    const started = clock.monotonic();
    const latest = retention.latestBeforeTime();
    for (const slot of slots) {
      const high = archived.highAt(slot);
      const low = archived.lowAt(slot);
      this.archived++;
      // Cheap for all series of which no retention drops anything. Only with rules can the next test differ.
      if (!archived.isDroppable(high, low, latest)) continue;
      await this.room();
      const pairs = directory.archivedPairs(high, low);
      if (pairs === undefined || !archived.has(high, low)) continue;
      if (retention.hasRules && !archived.isDroppable(high, low, retention.beforeTimeOf(pairs))) continue;
      const found = table.findFingerprint(high, low);
      const row = found === NO_ROW ? seriesRows.borrow(high, low, pairs) : found;
      actors.send(row, { type: 'maintain', facts: { ...factsOf(this.factSources, row), droppable: true } });
    }
    this.tellFreed();
    const seconds = (clock.monotonic() - started) / 1000;
    this.parts.counts.observations.observe('maintenanceBatchDuration', seconds, { location: 'archived' });
  }

  /**
   * Visits every series once, in memory and archived. Resolves when all calls that the statecharts started have ended.
   */
  async all(): Promise<void> {
    const { engine, recovered, actors } = this.parts;
    const { table } = engine;
    const { archived } = recovered;
    await this.rows(Array.from({ length: table.size }, (_, row) => row));
    await actors.allSettled();
    const slots: number[] = [];
    for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) slots.push(slot);
    await this.archivedSeries(slots);
    await actors.allSettled();
    this.tellFreed();
  }

  /** While the store waits for space, deleted data is a reason to probe the disk at once. */
  private tellFreed(): void {
    if (this.freedCount === this.freedKnown) return;
    this.freedKnown = this.freedCount;
    const { disk, actor } = this.parts;
    if (disk.isWaiting) actor.send({ type: 'diskFreed' });
  }
}
