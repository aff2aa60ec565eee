/**
 * The directory goes to the original and comes back: after a clean close, or after a crash of the store. The original
 * appends, writes series files, archives, and closes the directory or is killed before its first checkpoint.
 *
 * After a clean close it finds exactly what was closed. After a crash it knows nothing of the journal, and what only that
 * had is lost: what the original then has is the truth. When it is killed, the samples that it appended are there as far
 * as its series files have them.
 */
import { DIRECTORY, inFull, type Life } from './life.ts';
import { type Look, lookOf } from './look.ts';
import { EVERYTHING, Violation } from './model.ts';
import { originalPorts, removeTrailer } from './original-ports.ts';
import { Prng } from './prng.ts';
import type { Step } from './steps.ts';
import { type Bits, labelsOf, SERIES_MAX, ValueSource } from './values.ts';

type OtherProgramStep = Extract<Step, { type: 'otherProgram' }>;

/** Until a head chunk that takes no more samples is closed, and the series can be archived. */
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
  /** By number: the last time that each series has in its file. */
  readonly persisted: ReadonlyMap<number, number>;
}

const everyNumber = Array.from({ length: SERIES_MAX }, (_, number) => number);

export class OtherProgram {
  private readonly life: Life;
  private sessions = 0;

  constructor(life: Life) {
    this.life = life;
  }

  /** Nobody has the directory open. */
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
      // The original syncs nothing before it is killed. A loss of power before the next opening is done tears its files at
      // will, and nothing is promised of that.
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
        retention: setting.retentionMs ?? 'off',
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
        const last = appended.findLast((one) => one.number === number)?.time ?? series?.lastTriedTime ?? 0;
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

  /** What the original appended and did not write to a series file is gone, or may be. */
  private loseUnwritten({ appended, persisted }: Session): void {
    const numbers = new Set(appended.map(({ number }) => number));
    for (const number of numbers) {
      const series = this.life.model.series.get(number);
      if (series === undefined) continue;
      const first = series.indexAt(appended.find((one) => one.number === number)!.time);
      series.doubt(Math.max(first, series.indexAt((persisted.get(number) ?? Number.NEGATIVE_INFINITY) + 1)));
    }
  }

  /** It goes by the clock that it finds. */
  private passRetention(): void {
    const { model, setting, world } = this.life;
    if (setting.retentionMs !== null) model.passRetention(world.timeline.wallMs - setting.retentionMs);
  }
}

const restMs = ({ headChunkTimeoutMs }: Life['setting']): number => headChunkTimeoutMs + IDLE_MS;

/** The original writes mappings as soon as it makes one. The store has them in its journal first. */
const isColliding = (number: number): boolean => number < 2;
