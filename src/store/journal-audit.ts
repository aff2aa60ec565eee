/**
 * Reads the whole journal once in the background after an opening for writing, including the segments that recovery did
 * not need. Damage is logged once and noted in journal/SETTLED_DAMAGE, so later openings and checks know that it has
 * been dealt with.
 */

import { pause } from '../async/pause.ts';
import { Slices } from '../async/slices.ts';
import type { JournalFinding } from '../journal/read/journal-findings.ts';
import { readJournal } from '../journal/read/read-journal.ts';
import { FINDINGS_MAX, isSettled, readSettledDamage, writeSettledDamage } from '../journal/read/settled-damage.ts';
import type { Position } from '../model/events.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';

/**
 * A journal up to this size is read to its end even if the store is closed meanwhile, also before the audit has begun: the
 * close then takes some milliseconds longer.
 */
const FINISHED_BYTES_MAX = 4 * 1024 * 1024;
/** The audit begins so long after the opening, because a program asks its first queries at once. */
const DELAY_MS = 1_000;

export class JournalAudit {
  private readonly engine: Engine;
  private readonly recovered: Recovered;
  private running: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(engine: Engine, recovered: Recovered) {
    this.engine = engine;
    this.recovered = recovered;
  }

  start(): void {
    const { options, logger } = this.engine;
    if (options.readOnly) return;
    this.running = this.run().catch((error: unknown) => {
      logger.warn({ err: error }, 'The journal could not be read to its end.');
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { fileSystem, journalDirectory: directory } = this.engine;
    const settled = readSettledDamage(fileSystem, directory);
    const found = await this.findings();
    if (found === undefined) return;
    // Findings in removed segments are dropped: no reader can meet them again.
    const first = this.recovered.journal.first;
    const kept = found.filter((finding) => endOf(finding) > first);
    for (const finding of kept) if (!isSettled(settled, finding)) this.recovered.onFinding(finding);
    const isKnown = kept.length === settled.length && kept.every((finding) => isSettled(settled, finding));
    if (!isKnown) writeSettledDamage(fileSystem, directory, kept);
  }

  /** `undefined` when the store is closed before the journal has been read. */
  private async findings(): Promise<JournalFinding[] | undefined> {
    const { fileSystem, journalDirectory: directory, clock } = this.engine;
    const { first, foundEnd: limit } = this.recovered.journal;
    if (limit === undefined) return [];
    const isLong = limit - first > FINISHED_BYTES_MAX;
    const findings: JournalFinding[] = [];
    let more = 0;
    const onFinding = (finding: JournalFinding): void => {
      // A segment without a header is still being created.
      if (finding.kind === 'emptySegment') return;
      if (findings.length < FINDINGS_MAX) findings.push(finding);
      else more++;
    };
    await pause(clock, DELAY_MS, this.stopping.signal);
    const slices = new Slices(clock);
    for (const _ of readJournal({ fileSystem, directory, limit, onFinding })) {
      if (this.stopping.signal.aborted && isLong) return undefined;
      if (slices.isOver) await slices.breathe();
    }
    if (more > 0) this.engine.logger.warn({ more }, 'The journal has more damage than is listed one by one.');
    return findings;
  }
}

const endOf = (finding: JournalFinding): Position => ('to' in finding ? finding.to : Number.MAX_SAFE_INTEGER);
