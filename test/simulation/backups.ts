/**
 * Backups are taken while the store runs, and opened later. A finished backup has every sample that was appended before
 * `backup()` was called, and none that was appended after it was done.
 *
 * When a backup is done, the model's series are copied, so that later changes of the store do not change what the
 * backup may have. If a drop of a series was under way, the backup has the whole series or nothing of it. What was
 * dropped of a time range during the backup may be in it.
 */
import type { Life } from './life.ts';
import { type Look, lookAt } from './look.ts';
import { EVERYTHING, Model, type ModelSeries, nameOf, Violation } from './model.ts';
import type { Step } from './steps.ts';
import { seriesOf } from './value-source.ts';

/** Finished backups that are kept for opening. The oldest is forgotten first. */
const KEPT_MAX = 6;

/** A state of a series that a backup may have. */
interface Candidate {
  readonly series: ModelSeries;
  /** The backup has at least the samples of earlier ticks. */
  readonly least: number;
}

interface FinishedBackup {
  readonly name: string;
  /** By series number. A series may have been dropped and created again during the backup. */
  readonly candidates: ReadonlyMap<number, readonly Candidate[]>;
  /** Something was damaged before the backup was done: it may be refused, and its content is not compared. */
  readonly harmed: boolean;
}

export class Backups {
  private readonly life: Life;
  private finished: FinishedBackup[] = [];

  constructor(life: Life) {
    this.life = life;
  }

  async take(name: string, { detached }: Extract<Step, { type: 'backup' }>): Promise<void> {
    const { life } = this;
    const mark = life.model.mark();
    const before = new Set(life.model.series.values());
    const dropping = new Set([...before].filter((series) => series.dropping));
    const endedBefore = life.model.endedSeries();
    const call = (): Promise<unknown> => life.store.backup(name);
    const done = (): void => {
      // A series that began and ended during the backup may be in it.
      const ended = [...life.model.endedSeries()].filter((series) => !endedBefore.has(series));
      this.note(name, { mark, before, dropping, ended });
    };
    if (detached) life.start('backup', call, done);
    else if ((await life.perform('backup', call)) !== undefined) done();
  }

  /** Opens one of the finished backups and compares it. It is kept, to be opened again, for example after a crash. */
  async open({ which, readOnly }: Extract<Step, { type: 'openBackup' }>): Promise<void> {
    if (this.finished.length === 0) return;
    await this.compare(this.finished[which % this.finished.length], readOnly);
  }

  /** Opens and compares all backups that are kept. */
  async finish(): Promise<void> {
    for (const [index, backup] of this.finished.entries()) await this.compare(backup, index % 2 === 0);
  }

  private note(
    name: string,
    {
      mark,
      before,
      dropping,
      ended,
    }: {
      readonly mark: number;
      readonly before: ReadonlySet<ModelSeries>;
      readonly dropping: ReadonlySet<ModelSeries>;
      readonly ended: readonly ModelSeries[];
    },
  ): void {
    const { model, everHarmed } = this.life;
    const candidates = new Map<number, Candidate[]>();
    for (const series of new Set([...before, ...model.series.values(), ...ended])) {
      const copy = series.copy();
      copy.dropping = dropping.has(series) || series.dropping || model.series.get(series.number) !== series;
      copy.recall(mark);
      const list = candidates.get(series.number) ?? [];
      candidates.set(series.number, [...list, { series: copy, least: mark }]);
    }
    this.finished = [...this.finished.slice(1 - KEPT_MAX), { name, candidates, harmed: everHarmed }];
  }

  private async compare(backup: FinishedBackup, readOnly: boolean): Promise<void> {
    const { life } = this;
    // An opening for writing may need space, which a full disk does not have.
    const asReader = readOnly || life.diskIsFull;
    const look = await lookAt(life, `a backup, ${asReader ? 'read-only' : 'for writing'}`, {
      directory: backup.name,
      readOnly: asReader,
      excused: backup.harmed,
    });
    if (look === undefined || backup.harmed) return;
    this.compareSamples(backup, look);
    await this.checkFiles(backup);
  }

  private compareSamples({ name, candidates }: FinishedBackup, { samples, metrics }: Look): void {
    const { life } = this;
    const found = new Map(samples.map((one) => [seriesOf(one.labels), one]));
    if (found.size < samples.length) throw new Violation(`the backup ${name} has a series twice`);
    for (const number of found.keys()) {
      if (number === undefined || !candidates.has(number))
        throw new Violation(`the backup ${name} has a series that the store did not have`);
    }
    const named = new Set(metrics.map(seriesOf));
    // The opened backup uses the clock as it is. The running store may not have accepted a jump of the clock yet.
    const limitMs = life.world.timeline.wallMs - (life.nextRetentionMs ?? Number.POSITIVE_INFINITY);
    const retention = { limitMs, ruleIsOn: life.nextRuleIsOn };
    for (const [number, list] of candidates) {
      const answer = found.get(number);
      if (answer !== undefined && !named.has(number))
        throw new Violation(`the backup ${name} has samples of ${nameOf(number)}, and no label query finds it`);
      const problems = list.map(({ series, least }) => {
        const copy = series.copy();
        for (const sample of copy.samples) sample.safe = sample.tick < least;
        const model = new Model();
        model.retentionLimit = life.model.retentionLimit;
        model.ruledLimit = life.model.ruledLimit;
        model.series.set(number, copy);
        return problemOf(() => model.checkSeries(copy, answer, { ...EVERYTHING, afterCrash: true, retention }));
      });
      const [first] = problems;
      if (problems.every((problem) => problem !== undefined)) throw new Violation(`the backup ${name}: ${first}`);
    }
  }

  /** Checks that nothing is wrong with the files of the backup. */
  private async checkFiles({ name }: FinishedBackup): Promise<void> {
    const problem = await this.life.checkBeside(name);
    if (problem !== undefined) throw new Violation(`check finds in the backup ${name}: ${problem}`);
  }
}

const problemOf = (check: () => void): string | undefined => {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
};
