/**
 * Lets the original use the directory for a while, after a clean close or a crash of the store. The original appends,
 * writes series files, archives, and closes the directory or is killed before its first checkpoint.
 *
 * After a clean close, the original must find exactly what was closed. After a crash, it does not read the journal, so
 * samples that only the journal had are lost, and the model takes over what the original shows. If the original is
 * killed, only those of its samples stay that are in series files.
 */
import { DIRECTORY, inFull, type Life } from './life.ts';
import { type Look, lookOf } from './look.ts';
import { EVERYTHING, Violation } from './model.ts';
import { originalPorts, removeTrailer } from './original-ports.ts';
import { Prng } from './prng.ts';
import type { Step } from './steps.ts';
import { type Bits, labelsOf, SERIES_MAX, ValueSource } from './value-source.ts';

type OtherProgramStep = Extract<Step, { type: 'otherProgram' }>;

/** Time after the head chunk timeout until the head chunk is closed and the series can be archived. */
const IDLE_MS = 30_000;

interface Appended {
  readonly number: number;
  readonly time: number;
  readonly bits: Bits;
}

/** What the original did. */
interface Session {
  readonly found: Look;
  readonly appended: readonly Appended[];
  /** The last time in the file of each series, by series number. */
  readonly persisted: ReadonlyMap<number, number>;
}

const everyNumber = Array.from({ length: SERIES_MAX }, (_, number) => number);

export class OtherProgram {
  private readonly life: Life;
  private sessions = 0;

  constructor(life: Life) {
    this.life = life;
  }

  /** Lets the original use the directory, which no process has open. */
  async take(step: OtherProgramStep, isClosed: boolean): Promise<void> {
    const { life } = this;
    const session = await this.play(step);
    if (session === undefined) return;
    this.passRetention();
    const { model } = life;
    const { samples } = session.found;
    if (isClosed) model.check(samples, everyNumber, EVERYTHING);
    else model.follow(samples, everyNumber);
    for (const { number, time, bits } of session.appended)
      model.append(number, time, bits.high, bits.low, life.world.timeline.monotonicMs);
    life.overtaken = true;
    for (const { number, time } of session.appended) model.series.get(number)?.foreign.add(time);
    if (step.ending === 'kill') {
      this.loseUnwritten(session);
      // The original syncs nothing before it is killed. A loss of power before the next opening is done may tear its
      // files in any way, and Tidemark promises nothing for this case.
      life.spareThePageCache();
    }
    model.acknowledge(model.mark());
  }

  private async play(step: OtherProgramStep): Promise<Session | undefined> {
    const { life } = this;
    const { world, setting } = life;
    const bystander = world.spawn();
    const ports = originalPorts(bystander.ports, `/original-${++this.sessions}`);
    const outcome = await world.runBeside(bystander, async (): Promise<Session> => {
      const store = await life.openBeside(DIRECTORY, {
        ...ports,
        retention: life.nextRetentionMs ?? 'off',
        durability: 'os',
        checkpointInterval: '30d',
        checkpointDirtySeries: 1_000_000,
        checkpointJournalBytes: 2 ** 30,
      });
      this.passRetention();
      const found = await lookOf(store);
      const appended: Appended[] = [];
      const prng = new Prng(step.seed);
      for (const number of step.series) {
        const series = life.model.series.get(number);
        if (series?.dropping || (step.ending === 'kill' && isColliding(number))) continue;
        const values = new ValueSource(prng, 'random');
        const handle = store.series(labelsOf(number));
        const known = appended.findLast((one) => one.number === number)?.time ?? series?.lastTriedTime ?? 0;
        // A series whose newest samples were dropped, or are past retention, may have a later last time than the model knows.
        const last = Math.max(known, handle.lastTime ?? known);
        const now = world.timeline.wallMs;
        for (let i = 0; i < step.count; i++) {
          const time = Math.max(now - step.count * 1000, Number.isFinite(last) ? last : 0) + (i + 1) * 1000;
          const bits = values.next();
          handle.appendBits(time, bits.high, bits.low);
          appended.push({ number, time, bits });
        }
      }
      if (step.rests) await new Promise((done) => ports.clock.setTimeout(() => done(undefined), restMs(setting)));
      await store.maintain();
      await store.maintain();
      await store.waitForIndexing();
      const persisted = new Map<number, number>();
      for (const number of new Set(step.series)) {
        const last = (await store.chunks(labelsOf(number))).findLast(({ where }) => where === 'file');
        if (last !== undefined) persisted.set(number, last.lastTime);
      }
      if (step.ending === 'close') await store.close();
      return { found, appended, persisted };
    });
    if (outcome.kind === 'stuck') throw new Violation(`the original never came to an end: ${outcome.reason}`);
    if (outcome.kind === 'error') throw new Violation(`the original failed: ${inFull(outcome.error)}`);
    if (step.ending === 'kill') removeTrailer(world.spawn().ports.fileSystem);
    return outcome.kind === 'value' ? outcome.value : undefined;
  }

  /** Samples that the original appended and did not write to a series file may be lost. */
  private loseUnwritten({ appended, persisted }: Session): void {
    const numbers = new Set(appended.map(({ number }) => number));
    for (const number of numbers) {
      const series = this.life.model.series.get(number);
      if (series === undefined) continue;
      const first = series.indexAt(appended.find((one) => one.number === number)!.time);
      const kept = Math.max(first, series.indexAt((persisted.get(number) ?? Number.NEGATIVE_INFINITY) + 1));
      series.doubt((_, index) => index >= kept);
    }
  }

  /** The original uses the clock as it is. */
  private passRetention(): void {
    const { model, nextRetentionMs, world } = this.life;
    if (nextRetentionMs !== null) model.passRetention(world.timeline.wallMs - nextRetentionMs);
  }
}

const restMs = ({ headChunkTimeoutMs }: Life['setting']): number => headChunkTimeoutMs + IDLE_MS;

/** The original writes a mapping to mappings.db at once. The store in its place has it only in its journal at first. */
const isColliding = (number: number): boolean => number < 2;
