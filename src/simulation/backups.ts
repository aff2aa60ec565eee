/**
 * Backups: taken while the store goes on, and opened later. A finished one has everything that was appended before
 * `backup()` was called, and nothing that was not appended before it was done.
 *
 * What may be in a backup is noted when it is done, as copies of the model's series: what happens to the store
 * afterwards changes nothing about it. A series of which a drop was under way is in the backup as a whole, or not at all.
 */
import type { Life } from './life.ts';
import { type Look, lookAt } from './look.ts';
import { EVERYTHING, Model, type ModelSeries, nameOf, Violation } from './model.ts';
import type { Step } from './steps.ts';
import { seriesOf } from './values.ts';

/** Finished backups that are kept to be opened; the oldest goes first. */
const KEPT_MAX = 6;

/** A series as a backup may have it. */
interface Candidate {
  readonly series: ModelSeries;
  /** It has at least so many samples. */
  readonly least: number;
}

interface FinishedBackup {
  readonly name: string;
  /** By number: a series may have been dropped and begun again while the backup was made. */
  readonly candidates: ReadonlyMap<number, readonly Candidate[]>;
  /** Something was damaged before it was done: it opens, and what it has can't be told. */
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
    const dropping = new Set([...mark.keys()].filter((series) => series.dropping));
    const call = (): Promise<unknown> => life.store.backup(name);
    const done = (): void => this.note(name, mark, dropping);
    if (detached) life.start('backup', call, done);
    else if ((await life.perform('backup', call)) !== undefined) done();
  }

  /** Opens one of the finished backups and compares it. It stays, so that a crash may come in between. */
  async open({ which, readOnly }: Extract<Step, { type: 'openBackup' }>): Promise<void> {
    if (this.finished.length === 0) return;
    await this.compare(this.finished[which % this.finished.length], readOnly);
  }

  /** Opens all that are left. */
  async finish(): Promise<void> {
    for (const [index, backup] of this.finished.entries()) await this.compare(backup, index % 2 === 0);
  }

  private note(name: string, mark: ReadonlyMap<ModelSeries, number>, dropping: ReadonlySet<ModelSeries>): void {
    const { model, everHarmed } = this.life;
    const candidates = new Map<number, Candidate[]>();
    for (const series of new Set([...mark.keys(), ...model.series.values()])) {
      const copy = series.copy();
      copy.dropping = dropping.has(series) || series.dropping || model.series.get(series.number) !== series;
      const list = candidates.get(series.number) ?? [];
      candidates.set(series.number, [...list, { series: copy, least: Math.min(mark.get(series) ?? 0, copy.count) }]);
    }
    this.finished = [...this.finished.slice(1 - KEPT_MAX), { name, candidates, harmed: everHarmed }];
  }

  private async compare(backup: FinishedBackup, readOnly: boolean): Promise<void> {
    const { life } = this;
    // What is written there may meet a full disk.
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
    // It goes by the clock that it finds, also where the running store does not yet.
    const retentionLimit = life.world.timeline.wallMs - (life.setting.retentionMs ?? Number.POSITIVE_INFINITY);
    for (const [number, list] of candidates) {
      const answer = found.get(number);
      if (answer !== undefined && !named.has(number))
        throw new Violation(`the backup ${name} has samples of ${nameOf(number)}, and no label query finds it`);
      const problems = list.map(({ series, least }) => {
        const copy = series.copy();
        copy.acknowledged = least;
        const model = new Model();
        model.retentionLimit = life.model.retentionLimit;
        model.series.set(number, copy);
        return problemOf(() => model.checkSeries(copy, answer, { ...EVERYTHING, afterCrash: true, retentionLimit }));
      });
      const [first] = problems;
      if (problems.every((problem) => problem !== undefined)) throw new Violation(`the backup ${name}: ${first}`);
    }
  }

  /** Nothing is wrong with its files. */
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
