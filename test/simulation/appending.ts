/**
 * Steps that append. Accepted samples go into the model. A refused sample must have had a reason: the sample was
 * invalid, or the store could not take samples at that moment.
 */
import type { Sample } from '../../src/api/api.ts';
import { type ErrorCode, TidemarkError } from '../../src/model/errors.ts';
import type { Life } from './life.ts';
import { nameOf, Violation } from './model.ts';
import { Prng } from './prng.ts';
import { isSimulatedCrash } from './simulated-process.ts';
import type { Spacing, Step } from './steps.ts';
import { type Bits, bitsOf, labelsOf, numberOf, survivesAsNumber, ValueSource } from './value-source.ts';

type StepOf<T extends Step['type']> = Extract<Step, { type: T }>;

/** Refusals that need no fault. They ask the writer to wait. */
const pressure: ReadonlySet<ErrorCode> = new Set(['TIDEMARK_THROTTLED']);

export const append = (life: Life, step: StepOf<'append'>): void => {
  const prng = new Prng(step.seed);
  const values = new ValueSource(prng, step.values);
  const labels = labelsOf(step.series);
  const handle = life.store.series(labels);
  let time = firstTime(life, step.series, step.count, step.spacing);
  for (let i = 0; i < step.count; i++) {
    const bits = values.next();
    const at = time;
    const viaStore = step.via === 'store' && survivesAsNumber(bits);
    const call = (): void => {
      if (viaStore) life.store.append(labels, at, numberOf(bits));
      else handle.appendBits(at, bits.high, bits.low);
    };
    if (!appendOne(life, step.series, at, bits, call)) return;
    time += gap(step.spacing, prng);
  }
};

export const appendBatch = (life: Life, step: StepOf<'appendBatch'>): void => {
  const prng = new Prng(step.seed);
  const values = new ValueSource(prng, step.values);
  const numbers = step.series.filter((number) => !life.model.series.get(number)?.dropping);
  if (numbers.length === 0) return;
  const times = new Map(numbers.map((number) => [number, firstTime(life, number, step.count, step.spacing)]));
  const samples: (Sample & {
    readonly number: number;
    readonly bits: Bits;
    readonly expected: ErrorCode | undefined;
  })[] = [];
  for (let i = 0; i < step.count; i++) {
    const number = numbers[i % numbers.length];
    const bits = numberBits(values);
    const timestamp = times.get(number)!;
    const wrong = step.refusedEvery > 0 && i % step.refusedEvery === step.refusedEvery - 1;
    const expected = wrong ? 'TIDEMARK_INVALID_TIMESTAMP' : undefined;
    samples.push({
      number,
      bits,
      expected,
      labels: labelsOf(number),
      timestamp: wrong ? 0.5 : timestamp,
      value: numberOf(bits),
    });
    if (!wrong) times.set(number, timestamp + gap(step.spacing, prng));
  }
  const rejected = new Map<number, ErrorCode>();
  let failed = false;
  try {
    for (const { index, code } of life.store.appendBatch(samples).rejected) rejected.set(index, code);
  } catch (error) {
    // With durability `always`, a disk error may fail the call after the store has taken samples.
    failed = true;
    life.judgeError('appendBatch', error);
  }
  if (failed || !life.alive) {
    // Each sample may or may not be in the store; none was acknowledged.
    for (const { number, timestamp, bits, expected } of samples) {
      if (expected === undefined) life.model.appendUnsure(number, timestamp, bits.high, bits.low);
    }
    return;
  }
  for (const [index, { number, timestamp, bits, expected }] of samples.entries()) {
    const code = rejected.get(index);
    if (code === undefined && expected === undefined) accept(life, number, timestamp, bits);
    else if (code === undefined) throw new Violation(`appendBatch accepted sample ${index}, which is ${expected}`);
    else if (expected !== undefined && code !== expected && !pressure.has(code))
      life.judgeError('appendBatch', new TidemarkError(code, 'in a batch'));
    else if (expected === undefined) judgeRefusal(life, number, timestamp, bits, new TidemarkError(code, 'in a batch'));
  }
};

/** Appends one sample that must be refused, or repeats the last one. */
export const appendOdd = (life: Life, step: StepOf<'appendOdd'>): void => {
  const series = life.model.series.get(step.series);
  const labels = labelsOf(step.series);
  if (step.odd === 'labels') {
    expectRefusal(life, 'TIDEMARK_INVALID_LABELS', () =>
      life.store.append({ ...labels, wrong: 1 as never }, life.world.timeline.wallMs, 1),
    );
    return;
  }
  if (step.odd === 'timestamp') {
    expectRefusal(life, 'TIDEMARK_INVALID_TIMESTAMP', () => life.store.append(labels, 0.5, 1));
    expectRefusal(life, 'TIDEMARK_INVALID_TIMESTAMP', () => life.store.series(labels).append(0.5, 1));
    return;
  }
  if (series === undefined || series.count === 0 || series.dropping || series.suspect || life.model.damaged) return;
  // If a later sample may be there, it is not known whether this sample is odd.
  if (series.lastTriedTime > series.lastTime) return;
  const last = series.count - 1;
  const same = { high: series.highs[last], low: series.lows[last] };
  const handle = life.store.series(labels);
  // If retention or quarantine may have removed the whole series, the sample may be the first of a new series.
  const mayBeNew = !life.model.mustExist(series);
  const refused = (code: ErrorCode, time: number, bits: Bits): void => {
    const fate = tryToAppend(life, code, time, () => handle.appendBits(time, bits.high, bits.low));
    if (fate === 'failed' && mayBeNew) life.model.appendRenewal(series, time, bits.high, bits.low);
    if (fate !== 'accepted') return;
    if (!mayBeNew) throw new Violation(`${nameOf(step.series)} took a sample at ${time} that is ${code}`);
    accept(life, step.series, time, bits);
  };
  if (step.odd === 'outOfOrder') refused('TIDEMARK_OUT_OF_ORDER', series.lastTime - 1, bitsOf(1));
  else if (step.odd === 'duplicate')
    refused('TIDEMARK_DUPLICATE_TIMESTAMP', series.lastTime, bitsOf(numberOf(same) === 7 ? 8 : 7));
  else if (!mayBeNew) {
    // A repetition changes nothing. A store that no longer has the last value may refuse it.
    tryToAppend(life, 'TIDEMARK_DUPLICATE_TIMESTAMP', series.lastTime, () =>
      handle.appendBits(series.lastTime, same.high, same.low),
    );
  }
};

/** Appends one valid sample. Returns false if the rest of the step is to be skipped. */
const appendOne = (life: Life, number: number, time: number, bits: Bits, call: () => void): boolean => {
  if (life.model.series.get(number)?.dropping) return false;
  try {
    call();
  } catch (error) {
    if (isSimulatedCrash(error)) {
      // The process died in the call: the sample may or may not be in the store, and it was not acknowledged.
      life.model.appendUnsure(number, time, bits.high, bits.low);
    } else judgeRefusal(life, number, time, bits, error);
    return false;
  }
  accept(life, number, time, bits);
  return life.alive;
};

const accept = (life: Life, number: number, time: number, bits: Bits): void => {
  const { model, world, setting } = life;
  model.append(number, time, bits.high, bits.low, world.timeline.monotonicMs);
  if (setting.durability === 'always' && life.alive) model.acknowledgeUntil(world.timeline.monotonicMs);
};

/** Judges the refusal of a valid sample. */
const judgeRefusal = (life: Life, number: number, time: number, bits: Bits, error: unknown): void => {
  if (error instanceof TidemarkError && pressure.has(error.code)) {
    life.world.trace.write(`append: ${error.code}`);
    return;
  }
  if (isTooOld(life, time, error)) return;
  life.judgeError(`appending to ${nameOf(number)} at ${time}`, error);
  life.model.appendUnsure(number, time, bits.high, bits.low);
};

/** Whether the sample was correctly refused for its age. The store's own time may be behind wall time, never ahead. */
const isTooOld = (life: Life, time: number, error: unknown): boolean => {
  const { retentionMs } = life.setting;
  if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_TOO_OLD') return false;
  if (retentionMs === null || time >= life.world.timeline.wallMs - retentionMs)
    throw new Violation(`a sample at ${time} was refused for its age`);
  life.world.trace.write(`append: ${error.code}`);
  return true;
};

const expectRefusal = (life: Life, code: ErrorCode, call: () => void): void => {
  if (tryToAppend(life, code, Number.POSITIVE_INFINITY, call) === 'accepted')
    throw new Violation(`a sample was accepted that is ${code}`);
};

/** Tries an append that may be refused with this code. If it fails otherwise, the sample may have been taken. */
const tryToAppend = (
  life: Life,
  code: ErrorCode,
  time: number,
  call: () => void,
): 'accepted' | 'refused' | 'failed' => {
  try {
    call();
    return 'accepted';
  } catch (error) {
    if (error instanceof TidemarkError && (error.code === code || pressure.has(error.code))) return 'refused';
    if (isTooOld(life, time, error)) return 'refused';
    life.judgeError(`a sample that is ${code}`, error);
    return 'failed';
  }
};

/** Samples continue after the last one. If the series is new or has no recent ones, they end at about the present. */
const firstTime = (life: Life, number: number, count: number, spacing: Spacing): number => {
  const series = life.model.series.get(number);
  const recent = life.world.timeline.wallMs - count * spacing.everyMs;
  if (series === undefined || series.count + series.unsure.length === 0) return recent;
  return Math.max(recent, series.lastTriedTime + spacing.everyMs);
};

const gap = (spacing: Spacing, prng: Prng): number =>
  'jitterMs' in spacing
    ? Math.max(1, spacing.everyMs + prng.between(-spacing.jitterMs, spacing.jitterMs))
    : spacing.everyMs;

/** A value whose bits survive in a JavaScript number. */
const numberBits = (values: ValueSource): Bits => {
  const bits = values.next();
  return survivesAsNumber(bits) ? bits : bitsOf(0);
};
