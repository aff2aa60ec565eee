/** Whole columns of any age, merged by `backfill` beside everything else. */
import type { BackfillResult, SeriesColumns } from '../../src/api/api.ts';
import type { Life } from './life.ts';
import { Violation } from './model.ts';
import { Prng } from './prng.ts';
import type { Step } from './steps.ts';
import { labelsOf, ValueSource } from './value-source.ts';

/** The column of one series, and its times. */
interface Filling {
  readonly number: number;
  readonly columns: SeriesColumns;
  readonly times: ReadonlySet<number>;
}

export const backfill = async (life: Life, step: Extract<Step, { type: 'backfill' }>): Promise<void> => {
  const { model } = life;
  const fillings = [...new Set(step.series)]
    .filter((number) => !model.series.get(number)?.dropping)
    .map((number, i) => draw(life, step, number, step.seed + i));
  const series = new Map(fillings.map(({ number }) => [number, model.series.get(number)]));
  const { dropsBegun } = model;
  const meetsDrop = model.isBeingDropped(fillings.map(({ number }) => number));
  const end = (): void => {
    for (const { number, times } of fillings) model.endBackfill(number, times);
  };
  const done = ({ rejected }: BackfillResult): void => {
    for (const { labels, code, count } of rejected) {
      const mayBeOld = code === 'TIDEMARK_TOO_OLD' && life.retentionMs !== null;
      if (!mayBeOld) throw new Violation(`a backfill of ${labels['__name__']} refused ${count} samples: ${code}`);
    }
    // What a drop met, and what retention refused, may be there or not.
    if (rejected.length > 0 || meetsDrop || model.dropsBegun !== dropsBegun) return;
    for (const { number, times } of fillings) {
      const now = model.series.get(number);
      if (now !== undefined && now === series.get(number) && !now.dropping) model.settleBackfill(now, times);
    }
  };
  const call = (): Promise<BackfillResult> => life.store.backfill(fillings.map(({ columns }) => columns)).finally(end);
  if (step.detached) return life.start('backfill', call, done);
  const result = await life.perform('backfill', call);
  if (result !== undefined) done(result.value);
};

/** Draws samples at times for which the series has none. Until the call is done, each of them may be there or not. */
const draw = (life: Life, step: Extract<Step, { type: 'backfill' }>, number: number, seed: number): Filling => {
  const { model, world } = life;
  const prng = new Prng(seed);
  const source = new ValueSource(prng, step.values);
  const known = model.series.get(number);
  const newest = known === undefined || known.count === 0 ? world.timeline.wallMs : known.lastTime;
  const taken = new Set(
    [...(known?.samples ?? []), ...(known?.unsure ?? []), ...(known?.erased ?? [])].map(({ time }) => time),
  );
  const times = new Set<number>();
  for (let i = 0; i < step.count; i++) {
    const time = newest - prng.between(0, step.spanMs);
    if (!taken.has(time)) times.add(time);
  }
  const timestamps = Float64Array.from(times);
  const words = new Int32Array(2 * times.size);
  for (let i = 0; i < timestamps.length; i++) {
    const { high, low } = source.next();
    words[2 * i] = low;
    words[2 * i + 1] = high;
    model.backfillUnsure(number, timestamps[i], high, low);
  }
  return { number, columns: { labels: labelsOf(number), timestamps, values: new Float64Array(words.buffer) }, times };
};
