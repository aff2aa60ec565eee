/** PromQL over a store: memory, files, archived series, late samples and dropped ranges; limits, turns, damage, watching. */
import { expect } from 'chai';
import type { Observable } from 'rxjs';
import type { Labels, QueryOptions, QueryResult, Store } from '../../src/index.ts';
import type { LabelPairs } from '../../src/model/labels.ts';
import { toLabelPairs } from '../../src/model/labels.ts';
import { evaluate } from '../../src/promql/engine/evaluate.ts';
import type { SourceSeries } from '../../src/promql/source.ts';
import { parse } from '../../src/promql/syntax/parse.ts';
import { memorySource } from '../../src/promql/testing/memory-source.ts';
import { testEngineOptions } from '../promql/answers.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { codeOf, HOUR_MS, type Machine, MINUTE_MS, openMachine, START_MS, settle } from './support.ts';

/** What a store should have, kept beside it. */
class Model {
  private readonly series = new Map<string, { labels: Labels; samples: Map<number, number> }>();

  append(store: Store, labels: Labels, time: number, value: number): void {
    store.append(labels, time, value);
    this.samplesOf(labels).set(time, value);
  }

  drop(labels: Labels, from: number, through: number): void {
    const samples = this.samplesOf(labels);
    for (const time of [...samples.keys()]) if (time >= from && time <= through) samples.delete(time);
  }

  get source() {
    const series = [...this.series.values()].map(({ labels, samples }): SourceSeries => {
      const times = [...samples.keys()].sort((a, b) => a - b);
      const values = Float64Array.from(times, (time) => samples.get(time) as number);
      return { labels: toLabelPairs(labels), timestamps: Float64Array.from(times), values };
    });
    return memorySource(series);
  }

  private samplesOf(labels: Labels): Map<number, number> {
    const key = JSON.stringify(toLabelPairs(labels));
    const one = this.series.get(key) ?? { labels, samples: new Map<number, number>() };
    this.series.set(key, one);
    return one.samples;
  }
}

type Shown = readonly (readonly [LabelPairs, readonly number[], readonly number[]])[];

const shown = (series: readonly { labels: LabelPairs; timestamps: Float64Array; values: Float64Array }[]): Shown =>
  series.map(({ labels, timestamps, values }) => [labels, [...timestamps], [...values]]);

/** `toLabelPairs` refuses the empty labels that a result may have. */
const pairsOf = (labels: Labels): LabelPairs =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flat();

const shownResult = ({ series }: QueryResult): Shown =>
  shown(series.map((one) => ({ ...one, labels: pairsOf(one.labels) })));

const expressions = [
  'requests_total',
  'sum by (job) (rate(requests_total[7m]))',
  'avg_over_time(requests_total[10m]) - requests_total offset 20m',
  'max_over_time(sum(requests_total)[30m:3m])',
  'topk(2, requests_total)',
  'count({__name__=~".+"})',
  'absent_over_time(requests_total{job="a",x="1"}[10m])',
];

const compare = async (store: Store, model: Model, from: number, through: number): Promise<void> => {
  for (const text of expressions) {
    const request = { expr: parse(text), text, start: from, end: through, stepMs: 3 * MINUTE_MS, isInstant: false };
    const expected = await evaluate(model.source, request, { ...testEngineOptions, experimental: false });
    const result = await store.queryRange(text, { from, through, step: '3m' });
    expect(shownResult(result), text).to.deep.equal(shown(expected.series));
    expect(result.warnings, text).to.deep.equal([]);
  }
};

const values = ({ series }: QueryResult): number[] => series.flatMap((one) => [...one.values]);

describe('queries of a store', () => {
  let machine: Machine;

  const open = async (options = {}): Promise<Store> => {
    machine = await openMachine({ retention: 'off', futureTolerance: 'off', ...options });
    return machine.store;
  };

  afterEach(async () => {
    await machine.store.close();
  });

  it('give the same over memory, files, archived series, late samples and dropped ranges', async () => {
    const store = await open();
    const model = new Model();
    const labelsOf = (i: number): Labels => ({ __name__: 'requests_total', job: 'ab'[i % 2], x: String(i) });
    const through = START_MS + 3 * HOUR_MS;
    const fill = (from: number, to: number): void => {
      for (let time = from; time < to; time += MINUTE_MS)
        for (let i = 0; i < 6; i++)
          model.append(store, labelsOf(i), time + i * 1000, ((time - START_MS) / 1000) * (i + 1));
    };
    fill(START_MS, START_MS + HOUR_MS);
    await compare(store, model, START_MS, through);
    await machine.pass(2 * HOUR_MS, MINUTE_MS);
    for (let visit = 0; visit < 3; visit++) await store.maintain();
    await store.checkpoint();
    for (let visit = 0; visit < 3; visit++) await store.maintain();
    expect(store.stateCounts().archived).to.equal(6);
    await compare(store, model, START_MS, through);
    fill(START_MS + 2 * HOUR_MS, START_MS + 2.5 * HOUR_MS);
    await compare(store, model, START_MS, through);
    // Late samples: they wait in memory, and are merged by a later visit.
    for (let k = 0; k < 20; k++) model.append(store, labelsOf(1), START_MS + HOUR_MS + k * 90_000 + 7, 5 * k);
    await compare(store, model, START_MS, through);
    const [from, to] = [START_MS + 20 * MINUTE_MS, START_MS + 40 * MINUTE_MS];
    await store.drop(labelsOf(2), { from, through: to });
    model.drop(labelsOf(2), from, to);
    await compare(store, model, START_MS, through);
    await machine.pass(HOUR_MS, MINUTE_MS);
    for (let visit = 0; visit < 3; visit++) await store.maintain();
    await compare(store, model, START_MS, through);
    machine = await machine.reopen();
    await compare(machine.store, model, START_MS, through);
  });

  it('do not find what retention hides', async () => {
    const store = await open({ retention: '1h' });
    store.append({ __name__: 'up' }, START_MS, 1);
    await machine.pass(HOUR_MS / 2, MINUTE_MS);
    store.append({ __name__: 'up' }, machine.clock.now(), 2);
    expect(values(await store.query('count_over_time(up[1d])'))).to.deep.equal([2]);
    await machine.pass(HOUR_MS / 2 + MINUTE_MS, MINUTE_MS);
    expect(values(await store.query('count_over_time(up[1d])'))).to.deep.equal([1]);
  });

  it('end a series at its staleness marker, also from a file', async () => {
    const store = await open();
    const series = store.series({ __name__: 'up' });
    series.append(START_MS, 1);
    series.appendStale(START_MS + 1000);
    const ask = async (): Promise<number[]> => [
      ...values(await store.query('up', { at: START_MS + 999 })),
      ...values(await store.query('up', { at: START_MS + 1000 })),
      ...values(await store.query('count_over_time(up[1m])', { at: START_MS + 1000 })),
    ];
    expect(await ask()).to.deep.equal([1, 1]);
    await machine.pass(HOUR_MS, MINUTE_MS);
    for (let visit = 0; visit < 3; visit++) await store.maintain();
    expect(await ask()).to.deep.equal([1, 1]);
  });

  it('ask about now, or another time, with the lookback that is given', async () => {
    const store = await open();
    store.append({ __name__: 'up' }, START_MS, 1);
    expect(await store.query('up')).to.deep.equal({
      type: 'vector',
      series: [{ labels: { __name__: 'up' }, timestamps: Float64Array.of(START_MS), values: Float64Array.of(1) }],
      warnings: [],
      infos: [],
      stats: { samples: 1, series: 1, peakSamples: 3, queueMs: 0, evaluationMs: 0 },
    });
    expect(values(await store.query('up', { at: START_MS + HOUR_MS }))).to.deep.equal([]);
    expect(values(await store.query('up', { at: START_MS + HOUR_MS, lookback: '2h' }))).to.deep.equal([1]);
    expect(await store.query('"text"')).to.deep.equal({
      type: 'string',
      series: [],
      text: 'text',
      warnings: [],
      infos: [],
      stats: { samples: 0, series: 0, peakSamples: 1, queueMs: 0, evaluationMs: 0 },
    });
  });

  it('refuse options that are wrong', async () => {
    const store = await open();
    const range = { from: START_MS, through: START_MS, step: 1000 };
    const codes = await Promise.all(
      [
        () => store.query('up', { at: Number.NaN }),
        () => store.query('up', { lookback: 'soon' }),
        () => store.query('up', { limits: { samples: 0 } }),
        () => store.query('up', { limits: { hours: 3 } as QueryOptions['limits'] & object }),
        () => store.query(7 as unknown as string),
        () => store.queryRange('up', { ...range, step: 0 }),
        () => store.queryRange('up', { ...range, through: START_MS - 1 }),
        () => store.query('up{'),
      ].map(codeOf),
    );
    expect(codes).to.deep.equal([
      'TIDEMARK_INVALID_TIMESTAMP',
      ...Array(6).fill('TIDEMARK_INVALID_OPTION'),
      'TIDEMARK_QUERY_SYNTAX',
    ]);
  });

  it('stop at each limit, and the store goes on', async () => {
    const store = await open();
    for (let i = 0; i < 200; i++)
      for (let k = 0; k < 50; k++)
        store.append({ __name__: i < 100 ? 'a' : 'b', i: String(i % 100), group: 'g' }, START_MS + k * 1000, k);
    const range = { from: START_MS, through: START_MS + 50_000, step: 1000 };
    const limited = async (text: string, limits: QueryOptions['limits'] & object): Promise<unknown> => {
      const error: unknown = await store.queryRange(text, { ...range, limits }).catch((reason: unknown) => reason);
      const { code, details } = error as { code?: string; details?: { limit?: string } };
      expect(code, text).to.equal('TIDEMARK_QUERY_LIMIT');
      expect(values(await store.query('sum(a)', { at: START_MS + 1000 }))).to.deep.equal([100]);
      return details?.limit;
    };
    expect(await limited('{__name__=~".+"}', { samples: 1000 })).to.equal('samples');
    expect(await limited('a', { bytes: 10_000 })).to.equal('bytes');
    expect(await limited('a', { series: 99 })).to.equal('series');
    expect(await limited('vector(1)', { steps: 49 })).to.equal('steps');
    expect(await limited('max_over_time(rate(a[10s])[1h:1s])', { samples: 5000 })).to.equal('samples');
    expect(await limited('max_over_time(max_over_time(a[20s:1s])[1h:1s])', { samples: 5000 })).to.equal('samples');
    expect(await limited('a * on (group) group_left () b', { samples: 5000 })).to.equal('samples');
    expect(await codeOf(() => store.query('a * on (group) b', { at: START_MS }))).to.equal('TIDEMARK_QUERY_FAILED');
  });

  it('stop at a series that is too long to hold', async () => {
    const store = await open();
    const series = store.series({ __name__: 'long' });
    for (let k = 0; k < 100_000; k++) series.append(START_MS + k, k);
    const at = START_MS + 100_000;
    const ask = (samples: number) => store.query('long[1h]', { at, limits: { samples } });
    expect(await codeOf(() => ask(50_000))).to.equal('TIDEMARK_QUERY_LIMIT');
    expect(values(await ask(1_000_000))).to.have.lengthOf(100_000);
  });

  it('name what could not be read, and answer with the rest', async () => {
    const store = await open({ headChunkTimeout: '1m' });
    const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;
    for (let k = 0; k < 500; k++)
      for (const id of ['a', 'b']) store.append({ __name__: 'm', id }, START_MS + k, noise(k));
    await machine.pass(90_000, 1000);
    for (let visit = 0; visit < 2; visit++) await store.maintain();
    // Chunks that are still in memory would be read from there.
    machine = await machine.reopen();
    const { fileSystem } = machine;
    const [path] = fileSystem.paths().filter((name) => /^\/store\/[0-9a-f]{2}\/[0-9a-f]{14}\.db$/.test(name));
    const bytes = fileSystem.content(path);
    // Within the samples of the first chunk: its checksum does not match any more.
    bytes[500] ^= 4;
    fileSystem.put(path, bytes);
    const result = await machine.store.query('count_over_time(m[1h])');
    expect(result.warnings).to.have.lengthOf(1);
    expect(result.warnings[0]).to.match(/^m\{id="[ab]"\}: .*checksum/);
    const [fewer, all] = values(result).sort((a, b) => a - b);
    expect(all).to.equal(500);
    expect(fewer).to.be.within(1, 499);
  });

  it('stop when they take too long', async () => {
    const store = await open();
    for (let i = 0; i < 40; i++)
      for (let k = 0; k < 1000; k++) store.append({ __name__: 'a', i: String(i) }, START_MS + k, k);
    const monotonic = machine.clock.monotonic.bind(machine.clock);
    let readings = 0;
    machine.clock.monotonic = () => monotonic() + readings++ * 3;
    const range = { from: START_MS, through: START_MS + 1000, step: 1, limits: { timeout: 60 } };
    const error = await store.queryRange('sum(a)', range).catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'TIDEMARK_QUERY_LIMIT' });
    expect((error as { details: object }).details).to.include({ limit: 'timeoutMs' });
    machine.clock.monotonic = monotonic;
    expect(values(await store.query('count(a)', { at: START_MS }))).to.deep.equal([40]);
  });

  it('end when they are aborted: before, during the evaluation, and while they wait', async () => {
    const store = await open();
    store.append({ __name__: 'up' }, START_MS, 1);
    expect(await codeOf(() => store.query('up', { signal: AbortSignal.abort() }))).to.equal('TIDEMARK_ABORTED');
    const { breathe } = machine.clock;
    const abort = new AbortController();
    const held = holdBreath(machine.clock);
    const running = [1, 2].map(() => busy(store));
    await settle(store);
    const waiting = codeOf(() => store.query('up', { signal: abort.signal }));
    await settle(store);
    abort.abort();
    expect(await waiting).to.equal('TIDEMARK_ABORTED');
    machine.clock.breathe = breathe;
    held.release();
    await Promise.all(running);
    expect(values(await store.query('up'))).to.deep.equal([1]);
  });

  it('are evaluated two at a time; a third one waits for its turn', async () => {
    const store = await open();
    store.append({ __name__: 'up' }, START_MS, 1);
    const { breathe } = machine.clock;
    const held = holdBreath(machine.clock);
    const ended: string[] = [];
    const first = busy(store).then(() => ended.push('first'));
    const second = busy(store).then(() => ended.push('second'));
    await settle(store);
    const waiting = held.count();
    expect(waiting).to.be.at.least(2);
    const third = busy(store).then(() => ended.push('third'));
    await settle(store);
    // The third one has not begun to evaluate: it would give the thread away, too.
    expect(held.count()).to.equal(waiting);
    expect(ended).to.deep.equal([]);
    machine.clock.breathe = breathe;
    held.release();
    await Promise.all([first, second, third]);
    expect(ended).to.have.members(['first', 'second', 'third']);
  });

  it('give the event loop its turns, with appends going on', async () => {
    const store = await open();
    const handles = Array.from({ length: 5000 }, (_, i) =>
      store.series({ __name__: 'x', job: String(i % 10), i: String(i) }),
    );
    for (let k = 0; k < 24; k++) for (const handle of handles) handle.append(START_MS + k * 15_000, k);
    // Each reading of the clock takes a millisecond: the query reads it at least once in each millisecond of work.
    const monotonic = machine.clock.monotonic.bind(machine.clock);
    let readings = 0;
    let lastBreath = 0;
    let longest = 0;
    let breaths = 0;
    machine.clock.monotonic = () => monotonic() + readings++;
    const breathe = machine.clock.breathe.bind(machine.clock);
    machine.clock.breathe = async () => {
      longest = Math.max(longest, readings - lastBreath);
      breaths++;
      handles[breaths % handles.length].append(START_MS + HOUR_MS + breaths, 1);
      await breathe();
      lastBreath = readings;
    };
    const range = { from: START_MS, through: START_MS + 6 * MINUTE_MS, step: '15s' };
    const { series } = await store.queryRange('sum by (job) (rate(x[1m]))', range);
    expect(series).to.have.lengthOf(10);
    expect(breaths).to.be.above(5);
    expect(longest).to.be.at.most(20);
    machine.clock.monotonic = monotonic;
    machine.clock.breathe = breathe;
  });

  it('reject when the store is closed', async () => {
    const store = await open();
    store.append({ __name__: 'up' }, START_MS, 1);
    await store.query('up');
    await store.close();
    expect(await codeOf(() => store.query('up'))).to.equal('TIDEMARK_CLOSED');
    expect(await codeOf(() => store.queryRange('up', { from: 0, through: 1, step: 1 }))).to.equal('TIDEMARK_CLOSED');
  });

  describe('watched', () => {
    const noted = (results$: Observable<QueryResult>) => {
      const notes: (number[] | string)[] = [];
      const subscription = results$.subscribe({
        next: (result) => notes.push(values(result)),
        error: (error: { code: string }) => notes.push(error.code),
        complete: () => notes.push('complete'),
      });
      return { notes, subscription };
    };

    it('give a result at once and every so often, and complete when the store closes', async () => {
      const store = await open();
      store.append({ __name__: 'up' }, START_MS, 1);
      const results$ = store.watchQuery('sum(up)', { every: '10s' });
      const { notes } = noted(results$);
      await machine.pass(1000);
      expect(notes).to.deep.equal([[1]]);
      store.append({ __name__: 'up' }, machine.clock.now(), 2);
      await machine.pass(10_000);
      expect(notes).to.deep.equal([[1], [2]]);
      await store.close();
      expect(notes).to.deep.equal([[1], [2], 'complete']);
    });

    it('give a window that ends now', async () => {
      const store = await open();
      for (let k = 0; k <= 10; k++) store.append({ __name__: 'up' }, START_MS - (10 - k) * 1000, k);
      const { notes, subscription } = noted(store.watchQuery('up', { every: '10s', window: '4s', step: '2s' }));
      await machine.pass(250);
      expect(notes).to.deep.equal([[6, 8, 10]]);
      subscription.unsubscribe();
    });

    it('cost nothing without a subscriber', async () => {
      const store = await open();
      await machine.pass(1000);
      const timers = machine.clock.timerCount;
      const results$ = store.watchQuery('up', { every: '1s' });
      expect(machine.clock.timerCount).to.equal(timers);
      const { notes, subscription } = noted(results$);
      expect(machine.clock.timerCount).to.be.above(timers);
      subscription.unsubscribe();
      expect(machine.clock.timerCount).to.equal(timers);
      await machine.pass(5000);
      expect(notes).to.deep.equal([]);
    });

    it('end with the error of the query', async () => {
      const store = await open();
      const { notes } = noted(store.watchQuery('sum(', { every: '1s' }));
      await machine.pass(3000);
      expect(notes).to.deep.equal(['TIDEMARK_QUERY_SYNTAX']);
    });
  });
});

/** Keeps everyone who gives the thread away waiting, until it is released. */
const holdBreath = (clock: ManualClock): { count: () => number; release: () => void } => {
  const waiting: (() => void)[] = [];
  let readings = 0;
  const monotonic = clock.monotonic.bind(clock);
  clock.monotonic = () => monotonic() + readings++;
  clock.breathe = () => new Promise((resolve) => waiting.push(resolve));
  return {
    count: () => waiting.length,
    release: () => {
      clock.monotonic = monotonic;
      for (const resolve of waiting) resolve();
    },
  };
};

/** A query with enough work to give the thread away. */
const busy = (store: Store): Promise<QueryResult> =>
  store.queryRange('sum_over_time(vector(1)[1h:1s])', { from: START_MS, through: START_MS + 600_000, step: 1000 });
