/** The parts of a running store, as compose.ts puts them together. The public object is in src/store/store.ts. */
import type { Urgency } from '../../streams/maintenance-sweep.ts';
import type { SeriesState } from '../api/api.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { Queries } from '../query/queries.ts';
import type { SeriesReader } from '../query/read-series.ts';
import type { FileChanges } from '../series/file-changes.ts';
import type { LabelObjects } from '../series/label-objects.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { SeriesLife } from './compose-series.ts';
import type { Counts } from './counts.ts';
import type { DamageReports } from './damage-reports.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Engine, StoreActor } from './engine.ts';
import type { IndexMender } from './index-mender.ts';
import type { JournalAudit } from './journal-audit.ts';
import type { Memory } from './memory.ts';
import type { StateCounts } from './public-states.ts';
import type { Recovered } from './recovered.ts';
import type { Retention } from './retention.ts';
import type { TrustedClock } from './trusted-clock.ts';
import type { Visits } from './visits.ts';

export interface Running extends SeriesLife {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly actor: StoreActor;
  readonly fileChanges: FileChanges;
  readonly counts: Counts;
  readonly trustedClock: TrustedClock;
  readonly retention: Retention;
  readonly memory: Memory;
  readonly disk: DiskGuard;
  readonly mender: IndexMender;
  readonly journalAudit: JournalAudit;
  readonly subscriptions: Subscriptions;
  readonly checkpoints: Checkpoints;
  readonly visits: Visits;
  readonly damageReports: DamageReports;
  readonly reader: SeriesReader;
  readonly labelObjects: LabelObjects;
  readonly queries: Queries;
  /** Makes all samples appended so far durable. */
  readonly commit: () => Promise<void>;
  /** Called when a series is found damaged. */
  readonly reportDamage: (high: number, low: number, reason: string) => void;
  /** Called before a clean close. Rejects if a file could not be moved to quarantine, or deleted. */
  readonly finishFiles: () => Promise<void>;
  readonly urgency: () => Urgency;
  /** Sends the persistence-urgency score to the store's statechart if it has changed. */
  readonly measurePressure: () => void;
  /** Number of series in each public state. */
  readonly stateCounts: () => StateCounts;
  /** The public state of a series. */
  readonly stateOf: (pairs: LabelPairs) => SeriesState;
  /** Time of the newest sample of a series; `undefined` if it has none. */
  readonly lastTimeOf: (pairs: LabelPairs) => number | undefined;
}
