/** Retention by selector: which samples go, of which series, wherever they are. */
import { expect } from 'chai';
import type { Store, StoreOptions } from '../../src/index.ts';
import { codeOf } from '../series/append-path.ts';
import { DAY_MS, HOUR_MS, type Machine, openMachine, START_MS } from './support.ts';

const retention = {
  time: '2d',
  rules: [
    { selector: '{kind="long"}', time: '30d' },
    { selector: 'debug', time: '6h' },
  ],
};
const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

const shapes = [
  { __name__: 'm', kind: 'plain' },
  { __name__: 'm', kind: 'long' },
  { __name__: 'debug', kind: 'plain' },
  { __name__: 'debug', kind: 'long' },
];
const keptMs: Readonly<Record<string, number>> = {
  'm plain': 2 * DAY_MS,
  'm long': 30 * DAY_MS,
  'debug plain': 6 * HOUR_MS,
  'debug long': 30 * DAY_MS,
};

const keyOf = (labels: Readonly<Record<string, string>>): string => `${labels['__name__']} ${labels['kind']}`;

/** {@link retention} as `info` and events show it. */
const settings = {
  time: 2 * DAY_MS,
  rules: [
    { selector: '{kind="long"}', time: 30 * DAY_MS },
    { selector: 'debug', time: 6 * HOUR_MS },
  ],
};

/** The first time and the number of samples of each series that a query returns. */
const visible = async (store: Store): Promise<Record<string, { first: number; count: number }>> => {
  const found: Record<string, { first: number; count: number }> = {};
  for await (const { labels, timestamps } of store.select([]))
    found[keyOf(labels)] = { first: timestamps[0], count: timestamps.length };
  return found;
};

/** Appends a sample every half hour, of the last `days` days. */
const fill = (store: Store, days: number, end = START_MS): void => {
  for (let time = end - days * DAY_MS, k = 0; time <= end; time += HOUR_MS / 2, k++)
    for (const labels of shapes) store.append(labels, time, noise(k));
};

/** What is on the disk and in memory, hidden samples included. */
const stored = async (machine: Machine): Promise<[Record<string, { first: number; count: number }>, Machine]> => {
  const reader = await machine.reopen({ readOnly: true, retention: 'off' });
  return [await visible(reader.store), reader];
};

describe('retention by rules', () => {
  it('hides from queries what is past the time of each series', async () => {
    const machine = await openMachine({ retention: '60d' });
    fill(machine.store, 40);
    const { store } = await machine.reopen({ retention });
    const found = await visible(store);
    for (const labels of shapes) {
      const key = keyOf(labels);
      expect(found[key], key).to.deep.equal({ first: START_MS - keptMs[key], count: keptMs[key] / (HOUR_MS / 2) + 1 });
    }
    const range = { from: START_MS - 20 * DAY_MS, through: START_MS - 10 * DAY_MS };
    const old: string[] = [];
    for await (const { labels } of store.select([], range)) old.push(keyOf(labels));
    expect(old.sort()).to.deep.equal(['debug long', 'm long']);
    await store.close();
  });

  it('leaves out series of which everything is past their own time', async () => {
    const { store, pass } = await openMachine({ retention });
    for (const labels of shapes) store.append(labels, START_MS, 1);
    await pass(12 * HOUR_MS, 60_000);
    const names = (await store.metrics([])).map(keyOf).sort();
    expect(names).to.deep.equal(['debug long', 'm long', 'm plain']);
    expect((await store.lastSamples([])).map(({ labels }) => keyOf(labels)).sort()).to.deep.equal(names);
    expect((await store.metrics(['debug', 'm'])).map(keyOf).sort()).to.deep.equal(names);
    await store.close();
  });

  it('refuses a sample by the time of its series, and takes it into others', async () => {
    const { store } = await openMachine({ retention });
    const [plain, long, debug] = shapes;
    const refusals = (labels: (typeof shapes)[number], ageMs: number): string[] => [
      codeOf(() => store.append(labels, START_MS - ageMs, 1)),
      codeOf(() => store.series(labels).append(START_MS - ageMs, 1)),
      ...store.appendBatch([{ labels, timestamp: START_MS - ageMs, value: 1 }]).rejected.map(({ code }) => code),
    ];
    const allRefused = ['TIDEMARK_TOO_OLD', 'TIDEMARK_TOO_OLD', 'TIDEMARK_TOO_OLD'];
    expect(refusals(debug, 6 * HOUR_MS + 1)).to.deep.equal(allRefused);
    expect(refusals(plain, 2 * DAY_MS + 1)).to.deep.equal(allRefused);
    expect(refusals(long, 30 * DAY_MS + 1)).to.deep.equal(allRefused);
    expect(store.stateCounts().inMemory).to.equal(0);
    store.append(long, START_MS - 30 * DAY_MS, 1);
    store.series(long).append(START_MS - 29 * DAY_MS, 1);
    store.append(plain, START_MS - 2 * DAY_MS, 1);
    store.series(debug).append(START_MS - 6 * HOUR_MS, 1);
    expect(store.stateCounts().inMemory).to.equal(3);
    expect(refusals(long, 30 * DAY_MS + 1)).to.deep.equal(allRefused);
    await store.close();
  });

  it('deletes in visits what is past the time of each series, in memory and in files', async () => {
    const machine = await openMachine({ retention: '60d', minShrinkRatio: 0, headChunkTimeout: '5m' });
    fill(machine.store, 40);
    const kept = await machine.reopen({ retention, minShrinkRatio: 0, headChunkTimeout: '5m' });
    await kept.store.maintain();
    await kept.store.maintain();
    const [rest, reader] = await stored(kept);
    // Chunks are dropped whole, so a chunk that straddles the limit keeps some older samples.
    for (const key of ['m long', 'debug long'])
      expect(rest[key].first, key).to.be.within(START_MS - 40 * DAY_MS, START_MS - 30 * DAY_MS);
    for (const key of ['m plain', 'debug plain'])
      expect(rest[key].first, key).to.be.within(START_MS - 20 * DAY_MS, START_MS - keptMs[key]);
    expect(rest['debug plain'].count).to.be.lessThan(rest['m long'].count / 2);
    await reader.store.close();
  });

  it('deletes archived series side by side with those that are kept', async () => {
    const options: StoreOptions = { retention, minShrinkRatio: 0, headChunkTimeout: '5m' };
    const machine = await openMachine(options);
    for (const labels of shapes)
      for (let k = 0; k < 2000; k++) machine.store.append(labels, START_MS - 2000_000 + k * 1000, noise(k));
    await machine.pass(HOUR_MS, 60_000);
    await machine.store.maintain();
    expect(machine.store.stateCounts()).to.include({ archived: 4, inMemory: 0 });
    const later = await machine.reopen(options);
    later.clock.wallOffsetMs += 3 * DAY_MS;
    const settled = await later.reopen(options);
    const purged = new Set<string>();
    settled.store.events$.subscribe((event) => {
      if (event.type === 'seriesPurged') purged.add(`${keyOf(event.labels)} ${event.reason}`);
    });
    await settled.store.maintain();
    expect([...purged].sort()).to.deep.equal(['debug plain retention', 'm plain retention']);
    expect(settled.store.stateCounts()).to.include({ archived: 2, inMemory: 0 });
    expect(Object.keys(await visible(settled.store)).sort()).to.deep.equal(['debug long', 'm long']);
    const [rest, reader] = await stored(settled);
    expect(rest).to.deep.equal({
      'debug long': { first: START_MS - 2000_000, count: 2000 },
      'm long': { first: START_MS - 2000_000, count: 2000 },
    });
    await reader.store.close();
  });

  it('is remembered, shown and kept by openings that name no rules', async () => {
    let machine = await openMachine({ retention });
    expect((await machine.store.info()).retention).to.deep.equal(settings);
    for (const [named, time] of [
      [undefined, 2 * DAY_MS],
      ['3d', 3 * DAY_MS],
      [{ time: '4d' }, 4 * DAY_MS],
    ] as const) {
      machine = await machine.reopen(named === undefined ? {} : { retention: named });
      expect((await machine.store.info()).retention, String(time)).to.deep.equal({ ...settings, time });
    }
    machine = await machine.reopen({ retention: { rules: [] } });
    expect((await machine.store.info()).retention).to.deep.equal({ time: 4 * DAY_MS });
    machine = await machine.reopen({ retention });
    machine = await machine.reopen({ retention: 'off' });
    expect((await machine.store.info()).retention).to.deep.equal({ time: 'off' });
    await machine.store.close();
  });

  it('says in the journal and in the log that rules have changed, before anything is deleted', async () => {
    const warnings: string[] = [];
    const nothing = (): void => {};
    const logger = {
      debug: nothing,
      info: nothing,
      warn: (_: object, text: string) => warnings.push(text),
      error: nothing,
    };
    const machine = await openMachine({ retention, headChunkTimeout: '5m' });
    fill(machine.store, 0.2);
    // Archived series count too.
    await machine.pass(HOUR_MS, 60_000);
    await machine.store.maintain();
    expect(machine.store.stateCounts().archived).to.equal(4);
    const shorter = { time: '2d', rules: [{ selector: '{kind="long"}', time: '2h' }] };
    const { store, reopen } = await machine.reopen({ retention: shorter, logger });
    expect(warnings).to.deep.equal([
      'Retention was lowered: of 4 series 0 go as a whole, and 2 lose their older samples.',
    ]);
    const changes: unknown[] = [];
    for await (const event of store.journal()) if (event.type === 'retentionChanged') changes.push(event);
    expect(changes).to.have.length(1);
    expect(changes[0]).to.deep.include({
      before: settings,
      after: { time: 2 * DAY_MS, rules: [{ selector: '{kind="long"}', time: 2 * HOUR_MS }] },
    });
    const last = await reopen({ retention: shorter, logger });
    expect(warnings).to.have.length(1);
    await last.store.close();
  });

  it('names the rule that is wrong', async () => {
    const wrong: [unknown, RegExp][] = [
      ['up', /option retention\.rules is "up"/],
      [[{ selector: 'up{', time: '1d' }], /retention\.rules\[0\]\.selector/],
      [[{ selector: '{}', time: '1d' }], /retention\.rules\[0\]\.selector/],
      [[{ selector: 'up', time: '1d' }, { selector: 'up' }], /retention\.rules\[1\]\.time/],
      [[{ selector: 'up', time: 'soon' }], /retention\.rules\[0\]\.time/],
      [[null], /retention\.rules\[0\]/],
      [Array.from({ length: 101 }, () => ({ selector: 'up', time: '1d' })), /at most 100 rules/],
    ];
    for (const [rules, message] of wrong) {
      const error = await openMachine({ retention: { time: '1d', rules: rules as [] } }).catch((reason) => reason);
      expect(error.code, String(message)).to.equal('TIDEMARK_INVALID_OPTION');
      expect(error.message).to.match(message);
    }
  });
});

describe('previewRetention', () => {
  it('counts exactly the samples and series that then go', async () => {
    const machine = await openMachine({ retention: '60d', headChunkTimeout: '5m' });
    fill(machine.store, 10, START_MS - 3 * DAY_MS);
    // Half of the series go on, so that some lose a part.
    for (let k = 1; k <= 140; k++) {
      machine.store.append(shapes[0], START_MS - 3 * DAY_MS + k * (HOUR_MS / 2), 1);
      machine.store.append(shapes[1], START_MS - 3 * DAY_MS + k * (HOUR_MS / 2), 1);
    }
    const shorter = {
      time: '2d',
      rules: [
        { selector: '{kind="long"}', time: '5d' },
        { selector: 'debug', time: '6h' },
      ],
    };
    const reader = await machine.reopen({ readOnly: true, applyRetention: false });
    const before = await visible(reader.store);
    const preview = await reader.store.previewRetention(shorter);
    const applied = await reader.reopen({ retention: shorter });
    const after = await visible(applied.store);
    const total = (of: typeof before): number => Object.values(of).reduce((sum, series) => sum + series.count, 0);
    expect(preview).to.deep.include({
      series: 4,
      whole: 4 - Object.keys(after).length,
      part: Object.keys(after).filter((key) => after[key].count < before[key].count).length,
      samples: total(before) - total(after),
      unreadable: 0,
    });
    expect(preview).to.include({ whole: 1, part: 3 });
    await applied.store.close();
  });

  it('counts nothing for a retention that keeps everything, and fills in what is remembered', async () => {
    const { store } = await openMachine({ retention });
    fill(store, 0.2);
    const nothing = { samples: 0, whole: 0, part: 0 };
    expect(await store.previewRetention('off')).to.deep.include({ ...nothing, retention: { time: 'off' } });
    expect((await store.previewRetention('3d')).retention.rules).to.have.length(2);
    expect(await store.previewRetention({ rules: [] })).to.deep.include({
      ...nothing,
      retention: { time: 2 * DAY_MS },
    });
    await store.close();
  });
});
