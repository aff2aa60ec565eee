/**
 * Steps that read, and the looks at the store between steps. Every answer is compared with the model.
 *
 * A query that is held open across other steps may show each series as it was at any moment since the query began. It
 * must have the samples that were there when the query began, and none that were never appended.
 */
import type { InstantSample, SeriesSamples, Store } from '../../src/api/api.ts';
import type { Labels } from '../../src/model/labels.ts';
import { DIRECTORY, type Life } from './life.ts';
import { type Allowance, EVERYTHING, type Model, type ModelSeries, nameOf, Violation } from './model.ts';
import type { ModelSample } from './model-series.ts';
import type { Step, Window } from './steps.ts';
import { numberOfFingerprint } from './tried-samples.ts';
import { ALL_SERIES, type Bits, bitsOf, keyOf, labelsOf, SERIES_MAX, seriesOf } from './value-source.ts';

type StepOf<T extends Step['type']> = Extract<Step, { type: T }>;

/** A time range as `select` takes it. */
interface Range {
  readonly from?: number;
  readonly through?: number;
}

/** What a query that runs across other steps may show. */
interface LongQuery {
  readonly from: number;
  readonly through: number;
  /** The series when the query began. */
  readonly before: ReadonlyMap<number, ModelSeries>;
  /** When the query began. */
  readonly since: number;
  readonly seen: Set<number>;
}

/** A query that is held open across other steps. */
interface HeldQuery extends LongQuery {
  readonly iterator: AsyncIterator<SeriesSamples>;
}

/** The answers of the label queries. */
interface LabelAnswer {
  readonly metrics: readonly Labels[];
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Time in which a file is moved to quarantine after its damage was seen. */
const QUARANTINE_MS = 1_000;

const LOOKBACK_MS = 5 * 60_000;

const everyNumber: readonly number[] = Array.from({ length: SERIES_MAX }, (_, number) => number);

export class Reading {
  /** Series by fingerprint, learned from answers. */
  readonly numbers = new Map<string, number>();
  private readonly life: Life;
  private readonly held = new Map<number, HeldQuery>();
  /** Quarantined series that are known already. */
  private readonly knownQuarantined = new Set<string>();

  constructor(life: Life) {
    this.life = life;
  }

  /** Checks all samples of all series. Returns false if the store could not answer, or its process died. */
  async lookAtEverything(allowance: Allowance = EVERYTHING): Promise<boolean> {
    // What was left running may end during the query.
    const since = this.life.model.mark();
    const answer = await this.life.perform('select of everything', () => collect(this.life.store, ALL_SERIES, {}));
    if (answer === undefined) return false;
    if (!(await this.judge(() => this.life.model.check(answer.value, everyNumber, { ...allowance, since }))))
      return false;
    for (const { labels, fingerprint } of answer.value) {
      this.numbers.set(fingerprint, this.life.model.numberOf(labels, everyNumber, since));
    }
    return this.life.everHarmed || this.assertNothingQuarantined();
  }

  /** Checks that nothing is in quarantine, because crashes alone damage nothing. Returns false if the process died. */
  private async assertNothingQuarantined(): Promise<boolean> {
    const listed = await this.life.perform('quarantined', () => this.life.store.quarantined());
    if (listed === undefined) return false;
    const [first] = listed.value;
    // The disk may have had trouble during the call.
    if (first !== undefined && !this.life.everHarmed) {
      throw new Violation(`a series is in quarantine, and nothing was damaged: ${first.reason}`);
    }
    return true;
  }

  /** Checks all samples of one series. */
  async lookAt(number: number): Promise<void> {
    await this.query({ type: 'query', series: number, window: { from: null, through: null } });
  }

  async query(step: StepOf<'query'>): Promise<void> {
    const { life } = this;
    const range = rangeOf(step.window, this.life.model.series.values()) ?? {};
    const numbers = step.series === null ? everyNumber : [step.series];
    const selector = step.series === null ? '{sim=~"1|2",nothing=""}' : labelsOf(step.series);
    if (step.detached) return this.startQuery(selector, range, numbers);
    const since = life.model.mark();
    const answer = await life.perform('select', () => collect(life.store, selector, range));
    if (answer === undefined) return;
    await this.judge(() => life.model.check(answer.value, numbers, { ...withBounds(range), since }));
  }

  /** Starts a query that is left running. It may show each series as it was at any moment since it began. */
  private startQuery(selector: Parameters<Store['select']>[0], range: Range, numbers: readonly number[]): void {
    const { life } = this;
    const before = new Map([...life.model.series].filter(([number]) => numbers.includes(number)));
    const { from, through } = withBounds(range);
    const query = { from, through, before, since: life.model.mark(), seen: new Set<number>() };
    const troubleBefore = life.world.disk.troubleCount;
    life.start(
      'a select that is left running',
      () => collect(life.store, selector, range),
      (answer) => {
        try {
          for (const samples of answer) this.checkHeld(query, samples);
          this.checkAllSeen(query);
        } catch (error) {
          // A series that is being moved to quarantine may be missing.
          if (!life.decayed && life.world.disk.troubleCount === troubleBefore) throw error;
        }
      },
    );
  }

  async instant(step: StepOf<'instant'>): Promise<void> {
    const { life } = this;
    const numbers = step.series === null ? everyNumber : [step.series];
    const selector = step.series === null ? ALL_SERIES : labelsOf(step.series);
    const at = life.world.timeline.wallMs;
    const since = life.model.mark();
    const instant = await life.perform('instant', () => life.store.instant(selector, { at, lookback: LOOKBACK_MS }));
    if (instant === undefined) return;
    const from = at - LOOKBACK_MS;
    if (!(await this.judge(() => this.checkNewest('instant', instant.value, { numbers, from, at, since })))) return;
    const last = await life.perform('lastSamples', () => life.store.lastSamples(selector));
    if (last === undefined) return;
    await this.judge(() =>
      this.checkNewest('lastSamples', last.value, {
        numbers,
        from: Number.NEGATIVE_INFINITY,
        at: Number.POSITIVE_INFINITY,
        since,
      }),
    );
  }

  /** Runs the label queries, which must find every series that must exist, and no series that may not. */
  async labels(step: StepOf<'labels'>): Promise<void> {
    const { life } = this;
    const numbers = step.series === null ? everyNumber : [step.series];
    const selector = step.series === null ? ALL_SERIES : labelsOf(step.series);
    const before = [...life.model.series.values()];
    const answer = await life.perform('label queries', async () => ({
      metrics: await life.store.metrics(selector),
      names: await life.store.labelNames(),
      values: await life.store.labelValues('__name__'),
    }));
    if (answer === undefined) return;
    await this.judge(() => this.checkLabels(numbers, answer.value, before));
  }

  async openQuery(step: StepOf<'openQuery'>): Promise<void> {
    const { life } = this;
    if (this.held.has(step.name)) return;
    const range = rangeOf(step.window, this.life.model.series.values()) ?? {};
    const { model } = this.life;
    const iterator = life.store.select(ALL_SERIES, range)[Symbol.asyncIterator]();
    const { from, through } = withBounds(range);
    const query = { from, through, before: new Map(model.series), since: model.mark(), seen: new Set<number>() };
    this.held.set(step.name, { iterator, ...query });
    if (step.count > 0) await this.readQuery({ type: 'readQuery', name: step.name, count: step.count });
  }

  async readQuery(step: StepOf<'readQuery'>): Promise<void> {
    const query = this.held.get(step.name);
    for (let i = 0; query !== undefined && i < step.count; i++) {
      const next = await this.life.perform('reading on in a query', () => query.iterator.next());
      if (next === undefined) {
        this.held.delete(step.name);
        return;
      }
      const { done, value } = next.value;
      if (done) this.held.delete(step.name);
      if (!(await this.judge(() => (done ? this.checkAllSeen(query) : this.checkHeld(query, value)))) || done) return;
    }
  }

  async closeQuery(step: StepOf<'closeQuery'>): Promise<void> {
    const query = this.held.get(step.name);
    if (query === undefined) return;
    this.held.delete(step.name);
    await this.life.perform('leaving a query', async () => query.iterator.return?.());
  }

  /** Reads on in open queries after a close, which ends them. They must not hang, and must not invent samples. */
  async endQueries(): Promise<void> {
    const queries = [...this.held.values()];
    this.held.clear();
    for (const query of queries) {
      const outcome = await this.life.world.run(() => query.iterator.next());
      if (outcome.kind === 'stuck') throw new Violation('a query held open across a close never came to an end');
      if (outcome.kind === 'value' && !outcome.value.done) this.checkHeld(query, outcome.value.value);
    }
  }

  forgetQueries(): void {
    this.held.clear();
  }

  /** Checks that rows, actors and counts agree. */
  async inspect(step: StepOf<'inspect'>): Promise<void> {
    const { store, model } = this.life;
    // For an archived series, this reads the index and the series file, which may fail.
    const looked = await this.life.perform('a look at a handle', async () => {
      const handle = store.series(labelsOf(step.series));
      const { state } = handle;
      const isThere = state !== 'absent' && state !== 'purged';
      return { state, snapshot: isThere ? (handle.actor().getSnapshot() as { value: unknown }) : undefined };
    });
    if (looked === undefined) return;
    const { state, snapshot } = looked.value;
    const series = model.series.get(step.series);
    if (series !== undefined && model.mustExist(series) && (state === 'absent' || state === 'purged')) {
      throw new Violation(`${nameOf(step.series)} has samples and is ${state}`);
    }
    if (snapshot === undefined) return;
    const { value } = snapshot;
    const top = typeof value === 'string' ? value : Object.keys(value as object)[0];
    if ((top === 'purging' ? 'purged' : top) !== state) {
      throw new Violation(`the row of ${nameOf(step.series)} says ${state}, its actor ${JSON.stringify(value)}`);
    }
    const counts = store.stateCounts();
    const info = await this.life.perform('info', () => store.info());
    if (info === undefined) return;
    const inMemory = counts.inMemory + counts.persisting;
    if (this.life.troubled || JSON.stringify(counts) !== JSON.stringify(store.stateCounts())) return;
    if (info.value.seriesInMemory !== inMemory || info.value.seriesArchived !== counts.archived) {
      throw new Violation(`stateCounts says ${JSON.stringify(counts)}, info ${JSON.stringify(info.value)}`);
    }
  }

  /** Opens the directory a second time while the store runs, and checks what is on the disk. */
  async peek(open: (directory: string) => Promise<Store>): Promise<void> {
    await this.readCopy('the directory from beside', this.life.store.directory, open);
  }

  /** Checks everything that another store shows. Each series must have at least its acknowledged samples. */
  private async readCopy(what: string, directory: string, open: (directory: string) => Promise<Store>): Promise<void> {
    const { life } = this;
    const { troubleCount } = life.world.disk;
    const since = life.model.mark();
    const answer = await life.perform(`reading ${what}`, async () => {
      const copy = await open(directory);
      try {
        return await collect(copy, ALL_SERIES, {});
      } finally {
        await copy.close();
      }
    });
    if (answer === undefined || life.everHarmed || life.world.disk.troubleCount > troubleCount) return;
    const numberOf = (samples: SeriesSamples): number => life.model.numberOf(samples.labels, everyNumber, since);
    const found = new Map(answer.value.map((samples) => [numberOf(samples), samples]));
    // The other store uses the clock as it is. The running store may not have accepted a jump of the clock yet.
    const limitMs = life.world.timeline.wallMs - (life.retentionMs ?? Number.POSITIVE_INFINITY);
    const retention = { limitMs, ruleIsOn: life.ruleIsOn };
    for (const series of [...life.model.series.values()])
      life.model.checkSeries(series, found.get(series.number), { ...EVERYTHING, onlySafe: true, retention });
  }

  /**
   * Compares an answer with the model. After trouble of the disk, a series may be on its way to quarantine: then the
   * store gets time to report it. Returns false if the process died meanwhile.
   */
  private async judge(check: () => void): Promise<boolean> {
    try {
      check();
    } catch (error) {
      if (!this.life.everHarmed) throw error;
      await this.life.world.advance(QUARANTINE_MS);
      if (!this.life.alive || !(await this.noteQuarantined())) return false;
      check();
    }
    return true;
  }

  /**
   * Checks that every series that must exist is found, and no series that may not. A series that was there before the
   * queries may be found: a drop may have ended between its reading and the answer.
   */
  private checkLabels(numbers: readonly number[], answer: LabelAnswer, before: readonly ModelSeries[]): void {
    const { model, decayed } = this.life;
    if (model.damaged || decayed) return;
    const now = [...model.series.values()];
    const may = [...now, ...before];
    const must = now.filter((series) => model.mustExist(series));
    const among = (series: readonly ModelSeries[]): ModelSeries[] =>
      series.filter(({ number }) => numbers.includes(number));
    const keys = (series: readonly ModelSeries[]): string[] => series.map(({ labels }) => keyOf(labels));
    compareSets('metrics', answer.metrics.map(keyOf), keys(among(must)), keys(among(may)));
    const names = (series: readonly ModelSeries[]): string[] => series.flatMap(({ labels }) => Object.keys(labels));
    compareSets('labelNames', answer.names, names(must), names(may));
    const values = (series: readonly ModelSeries[]): string[] => series.map(({ labels }) => labels['__name__']);
    compareSets('labelValues', answer.values, values(must), values(may));
  }

  /** Tells the model what the store has quarantined. Returns false if the store could not answer. */
  private async noteQuarantined(): Promise<boolean> {
    const { life } = this;
    const listed = await life.perform('quarantined', () => life.store.quarantined());
    if (listed === undefined) return false;
    for (const { fingerprint, labels, reason, time, file } of listed.value) {
      const key = `${fingerprint} ${time} ${file}`;
      if (this.knownQuarantined.has(key)) continue;
      this.knownQuarantined.add(key);
      life.world.trace.write(`quarantined ${fingerprint} ${reason}`);
      // A file whose labels are lost may be of a series that no answer has shown yet: the original has written it.
      const number =
        labels === undefined ? (this.numbers.get(fingerprint) ?? numberOfFingerprint(fingerprint)) : seriesOf(labels);
      const series = number === undefined ? undefined : life.model.series.get(number);
      if (series === undefined) continue;
      const path = `${DIRECTORY}/${fingerprint.slice(0, 2)}/${fingerprint.slice(2)}.db`;
      series.quarantine(life.world.disk.seriesFilesWrittenMs.get(path) ?? Number.NEGATIVE_INFINITY);
      // From now on samples go to another file. But samples in memory may come from a checkpoint that decayed.
      series.suspect &&= life.model.garbled;
    }
    return true;
  }

  private checkHeld(query: LongQuery, samples: SeriesSamples): void {
    const { model } = this.life;
    const number = seriesOf(samples.labels);
    if (number === undefined && model.garbled) return;
    if (number === undefined)
      throw new Violation(`a query returned an unknown series: ${JSON.stringify(samples.labels)}`);
    if (query.seen.has(number) && model.garbled) return;
    if (query.seen.has(number)) throw new Violation(`a query returned ${nameOf(number)} twice`);
    const before = query.before.get(number);
    const now = model.series.get(number);
    // A series that was dropped meanwhile, and perhaps created again, may be shown as it was or not at all.
    if (before !== undefined && now === before) {
      model.checkSeries(now, samples, { from: query.from, through: query.through, since: query.since });
    }
    query.seen.add(number);
  }

  private checkAllSeen(query: LongQuery): void {
    const { model } = this.life;
    for (const [number, series] of query.before) {
      if (query.seen.has(number) || model.series.get(number) !== series || !model.mustExist(series)) continue;
      model.checkSeries(series, undefined, { from: query.from, through: query.through, since: query.since });
    }
  }

  private checkNewest(
    what: string,
    answer: readonly InstantSample[],
    {
      numbers,
      from,
      at,
      since,
    }: { readonly numbers: readonly number[]; readonly from: number; readonly at: number; readonly since: number },
  ): void {
    const { model } = this.life;
    if (model.damaged) return;
    const found = new Map(answer.map((sample) => [model.numberOf(sample.labels, numbers, since), sample]));
    for (const number of numbers) {
      const series = model.series.get(number);
      if (series === undefined || series.suspect || series.dropping) continue;
      const newest = series.samples[series.indexAt(at + 1) - 1];
      const isUnsure = series.unsure.some(({ time }) => time <= at && !(time < newest?.time));
      if (isUnsure || newest?.fading !== undefined) continue;
      const sample = found.get(number);
      if (sample === undefined) {
        const isDue = newest !== undefined && newest.time > from && model.isCertain(newest);
        if (isDue && !isStale(newest)) throw new Violation(`${what} has no sample of ${nameOf(number)}`);
        continue;
      }
      const isRight = newestCandidates(model, series, at).some(
        (candidate) => candidate.time === sample.timestamp && isValueOf(candidate, sample.value),
      );
      if (!isRight || sample.timestamp < from)
        throw new Violation(`${what} has ${sample.value} at ${sample.timestamp} as the newest of ${nameOf(number)}`);
    }
  }
}

/**
 * The samples of a series that may be its newest one at a time: the newest, and earlier ones as long as everything after
 * them may be absent, because retention removed it, or because it belongs to a backfill that is not done.
 */
const newestCandidates = (model: Model, series: ModelSeries, at: number): readonly ModelSample[] => {
  const last = series.indexAt(at + 1) - 1;
  let first = last;
  const mayBeAbsent = (sample: ModelSample): boolean =>
    model.mayBeHidden(sample) || (sample.isBackfilled === true && sample.safe !== true);
  while (first > 0 && mayBeAbsent(series.samples[first])) first--;
  const sure = series.samples.slice(Math.max(0, first), last + 1);
  // After the removal a late sample may have come at the time of one that is gone.
  const from = sure[0]?.time ?? Number.NEGATIVE_INFINITY;
  return [...sure, ...series.unsure.filter(({ time }) => time >= from && time <= at)];
};

const isValueOf = ({ high, low }: ModelSample, value: number): boolean => {
  const bits = bitsOf(value);
  return Number.isNaN(value) || (bits.high === high && bits.low === low);
};

/** The times of a window among those of some series; `undefined` if these have no samples. */
export const rangeOf = ({ from, through }: Window, series: Iterable<ModelSeries>): Range | undefined => {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { samples } of series) {
    first = Math.min(first, samples[0]?.time ?? first);
    last = Math.max(last, samples.at(-1)?.time ?? last);
  }
  if (first > last) return undefined;
  const at = (share: number): number => Math.floor(first + share * (last - first));
  return { ...(from === null ? {} : { from: at(from) }), ...(through === null ? {} : { through: at(through) }) };
};

const collect = async (
  store: Store,
  selector: Parameters<Store['select']>[0],
  range: Range,
): Promise<SeriesSamples[]> => {
  const answer: SeriesSamples[] = [];
  for await (const samples of store.select(selector, range)) answer.push(samples);
  return answer;
};

const withBounds = ({ from, through }: Range): Allowance => ({
  from: from ?? Number.NEGATIVE_INFINITY,
  through: through ?? Number.POSITIVE_INFINITY,
});

const isStale = ({ high, low }: Bits): boolean => high === 0x7ff00000 && low === 2;

const compareSets = (what: string, found: readonly string[], must: readonly string[], may: readonly string[]): void => {
  const set = new Set(found);
  for (const key of must) if (!set.has(key)) throw new Violation(`${what} lacks ${key}`);
  const allowed = new Set(may);
  for (const key of found) if (!allowed.has(key)) throw new Violation(`${what} has ${key}, which no series has`);
  if (set.size < found.length) throw new Violation(`${what} has duplicates: ${found.join(' ')}`);
};
