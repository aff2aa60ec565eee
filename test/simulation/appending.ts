/**
 * Steps that append. Accepted samples go into the model. A refused sample must have had a reason: the sample was
 * invalid, or the store could not take samples at that moment.
 */
import type { Sample } from '../../src/api/api.ts';
import { type ErrorCode, TidemarkError } from '../../src/model/errors.ts';
import type { Life } from './life.ts';
import { type ModelSeries, nameOf, Violation } from './model.ts';
import { Prng } from './prng.ts';
import { isRuled } from './retention-rule.ts';
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

/** Appends one invalid sample, repeats the last one, gives it another value, or appends one right before it. */
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
  const last = series.samples[series.count - 1];
  const time = step.odd === 'outOfOrder' ? last.time - 1 : last.time;
  const bits =
    step.odd === 'outOfOrder' ? bitsOf(1) : step.odd === 'repeat' ? last : bitsOf(numberOf(last) === 7 ? 8 : 7);
  const handle = life.store.series(labels);
  tryLate(life, step.series, time, bits, () => handle.appendBits(time, bits.high, bits.low));
};

/** Appends samples in no order of time. */
export const appendLate = (life: Life, step: StepOf<'appendLate'>): void => {
  const series = life.model.series.get(step.series);
  if (series === undefined || series.count === 0 || series.dropping) return;
  const prng = new Prng(step.seed);
  const values = new ValueSource(prng, step.values);
  const labels = labelsOf(step.series);
  const handle = life.store.series(labels);
  const last = series.lastTriedTime;
  const drawn = Array.from({ length: step.count }, () => {
    const earlier = prng.pick(series.samples);
    const bits = step.via === 'handle' ? values.next() : numberBits(values);
    if (prng.chance(step.repeats)) {
      const isSame = prng.chance(0.5) && (step.via === 'handle' || survivesAsNumber(earlier));
      return { time: earlier.time, bits: isSame ? earlier : bits };
    }
    return { time: last - prng.between(-step.spanMs >> 4, step.spanMs), bits };
  });
  const isKnown = ({ time }: { readonly time: number }): boolean => isOfKnownFate(life, series, time);
  if (step.via === 'batch') {
    appendLateBatch(life, step.series, drawn.filter(isKnown));
    return;
  }
  for (const sample of drawn) {
    const { time, bits } = sample;
    if (!isKnown(sample)) continue;
    const call = (): void => {
      if (step.via === 'store') life.store.append(labels, time, numberOf(bits));
      else handle.appendBits(time, bits.high, bits.low);
    };
    if (!tryLate(life, step.series, time, bits, call) || life.model.series.get(step.series) !== series) return;
  }
};

const appendLateBatch = (
  life: Life,
  number: number,
  drawn: readonly { readonly time: number; readonly bits: Bits }[],
): void => {
  const labels = labelsOf(number);
  const samples = drawn.map(({ time, bits }) => ({ labels, timestamp: time, value: numberOf(bits) }));
  const rejected = new Map<number, ErrorCode>();
  let failed = false;
  try {
    for (const { index, code } of life.store.appendBatch(samples).rejected) rejected.set(index, code);
  } catch (error) {
    failed = true;
    life.judgeError('appendBatch', error);
  }
  for (const [index, { time, bits }] of drawn.entries()) {
    const code = rejected.get(index);
    if (failed || !life.alive) doubtLate(life, number, time, bits);
    else if (code === undefined) acceptLate(life, number, time, bits);
    else judgeRefusal(life, number, time, bits, new TidemarkError(code, 'in a batch'));
  }
};

/** Whether it is known if the series has a sample at this time. If not, the outcome of another one says nothing. */
const isOfKnownFate = (life: Life, series: ModelSeries, time: number): boolean => {
  const there = series.at(time);
  return (there === undefined || life.model.isCertain(there)) && !series.unsure.some((one) => one.time === time);
};

/** Appends a sample that may be late. Returns false if the process died. */
const tryLate = (life: Life, number: number, time: number, bits: Bits, call: () => void): boolean => {
  try {
    call();
  } catch (error) {
    if (isSimulatedCrash(error)) doubtLate(life, number, time, bits);
    else judgeRefusal(life, number, time, bits, error);
    return life.alive;
  }
  acceptLate(life, number, time, bits);
  return life.alive;
};

/** A sample that may be late was accepted. If there is one of that time, it stays. */
const acceptLate = (life: Life, number: number, time: number, bits: Bits): void => {
  const { model } = life;
  const series = model.series.get(number);
  const there = series?.at(time);
  if (series === undefined || there === undefined || !model.isCertain(there)) {
    if (there !== undefined && !isSame(there, bits)) life.refusals.notePossible();
    accept(life, number, time, bits);
  } else if (!isSame(there, bits)) {
    model.appendAgain(series, time, bits.high, bits.low);
    life.refusals.note(number, time);
  }
};

/** It is not known whether a sample that may be late was taken. */
const doubtLate = (life: Life, number: number, time: number, bits: Bits): void => {
  const there = life.model.series.get(number)?.at(time);
  if (there === undefined || !isSame(there, bits)) life.model.appendUnsure(number, time, bits.high, bits.low);
};

const isSame = (one: Bits, other: Bits): boolean => one.high === other.high && one.low === other.low;

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
  if (isTooOld(life, number, time, error) || isLateRefusal(life, number, time, bits, error)) return;
  life.judgeError(`appending to ${nameOf(number)} at ${time}`, error);
  doubtLate(life, number, time, bits);
};

/** Whether the sample was correctly refused because it is too late, or has the time of another one. */
const isLateRefusal = (life: Life, number: number, time: number, { high, low }: Bits, error: unknown): boolean => {
  if (!(error instanceof TidemarkError)) return false;
  const { model, windowMs } = life;
  if (error.code === 'TIDEMARK_DUPLICATE_TIMESTAMP') return model.hasRival(number, time, high, low);
  if (error.code !== 'TIDEMARK_OUT_OF_ORDER') return false;
  return time < (model.series.get(number)?.lastTriedTime ?? time) - windowMs;
};

/** Whether the sample was correctly refused for its age. The store's own time may be behind wall time, never ahead. */
const isTooOld = (life: Life, number: number, time: number, error: unknown): boolean => {
  const { retentionMs } = life;
  if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_TOO_OLD') return false;
  const isKept = isRuled(number) && life.ruleIsOn;
  if (isKept || retentionMs === null || time >= life.world.timeline.wallMs - retentionMs)
    throw new Violation(`a sample at ${time} was refused for its age`);
  life.world.trace.write(`append: ${error.code}`);
  return true;
};

const expectRefusal = (life: Life, code: ErrorCode, call: () => void): void => {
  try {
    call();
  } catch (error) {
    if (!(error instanceof TidemarkError && (error.code === code || pressure.has(error.code))))
      life.judgeError(`a sample that is ${code}`, error);
    return;
  }
  throw new Violation(`a sample was accepted that is ${code}`);
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
