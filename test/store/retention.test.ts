/** Retention by time and by bytes: what goes, when, and what stays. */
import { expect } from 'chai';
import { KEEP_EVERYTHING, type RetentionLimits } from '../../src/disk/retention-memory.ts';
import { EARLIEST } from '../../src/model/int64.ts';
import { Retention } from '../../src/store/retention.ts';
import { DAY_MS, HOUR_MS, type Machine, metricOf, openMachine, START_MS, samplesOf } from './support.ts';

const MIB = 1024 * 1024;
const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

describe('Retention', () => {
  const at = (limits: Partial<RetentionLimits>) =>
    new Retention({ limits: { ...KEEP_EVERYTHING, ...limits }, now: () => START_MS });

  it('drops nothing when it is off', () => {
    expect(at({}).isOn).to.equal(false);
  });

  it('is the later of both limits', () => {
    const retention = at({ timeMs: DAY_MS, bytes: 100 });
    expect(retention.beforeTime(0)).to.equal(START_MS - DAY_MS);
    expect(retention.noteSize(101, START_MS - 10 * HOUR_MS)).to.equal(true);
    expect(retention.beforeTime(0)).to.equal(START_MS - 9.5 * HOUR_MS);
  });

  it('moves in steps while the directory is too large, and never back', () => {
    const retention = at({ bytes: 100 });
    retention.noteSize(200, START_MS - DAY_MS);
    const first = retention.beforeTime(0);
    expect(retention.noteSize(100, START_MS - DAY_MS)).to.equal(false);
    expect(retention.beforeTime(0)).to.equal(first);
    retention.noteSize(101, START_MS - DAY_MS);
    expect(retention.beforeTime(0)).to.be.greaterThan(first);
  });
});

describe('Retention with rules', () => {
  const rules = [
    { selector: 'short', timeMs: HOUR_MS },
    { selector: '{__name__=~"s.*"}', timeMs: 2 * HOUR_MS },
    { selector: 'forever', timeMs: Infinity },
  ];
  const retention = new Retention({ limits: { timeMs: DAY_MS, bytes: 100, rules }, now: () => START_MS });
  const named = (name: string): string[] => ['__name__', name];

  it('has a limit for each class', () => {
    expect(retention.hasRules).to.equal(true);
    expect(retention.beforeTimeOf(named('short'))).to.equal(START_MS - 2 * HOUR_MS);
    expect(retention.beforeTimeOf(named('other'))).to.equal(START_MS - DAY_MS);
    expect(retention.beforeTimeOf(named('forever'))).to.equal(EARLIEST);
    expect(retention.latestBeforeTime()).to.equal(START_MS - HOUR_MS);
    expect(retention.earliestVisible()).to.equal(Number.NEGATIVE_INFINITY);
  });

  it('takes a twentieth of the own time of each class when the directory is too large', () => {
    expect(retention.noteSize(101, START_MS - 40 * DAY_MS)).to.equal(true);
    expect(retention.beforeTimeOf(named('short'))).to.equal(START_MS - 1.9 * HOUR_MS);
    expect(retention.beforeTimeOf(named('other'))).to.equal(START_MS - 0.95 * DAY_MS);
    expect(retention.beforeTimeOf(named('forever'))).to.equal(START_MS - 38 * DAY_MS);
    expect(retention.earliestVisible()).to.equal(Number.NEGATIVE_INFINITY);
  });
});

describe('retention by time', () => {
  const fill = async (machine: Machine, from: number, count: number, everyMs: number, series = 8): Promise<void> => {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < series; i++) {
        machine.store.append({ __name__: 'm', id: String(i) }, from + k * everyMs, noise(k * series + i));
      }
    }
    await machine.pass(1000);
  };

  it('drops within one sweep, a tenth of the retention, without being asked', async () => {
    const machine = await openMachine({
      retention: '10h',
      futureTolerance: 'off',
      headChunkTimeout: '5m',
      minShrinkRatio: 0,
    });
    await fill(machine, START_MS, 600, 60_000);
    await machine.pass(10 * HOUR_MS, 10_000);
    const filesBefore = (await machine.store.info()).bytes.seriesFiles;
    expect(filesBefore).to.be.greaterThan(0);
    await machine.pass(10 * HOUR_MS + HOUR_MS, 10_000);
    const info = await machine.store.info();
    expect(info.bytes.seriesFiles).to.equal(0);
    expect(machine.store.stateCounts()).to.include({ inMemory: 0, archived: 0 });
    expect(
      await metricOf(machine.store, 'prometheus_local_storage_series_ops_total', { type: 'purge_from_archive' }),
    ).to.equal(8);
    await machine.store.close();
  }).timeout(60_000);

  it('trims archived series without waking them, and takes purged ones out of all indexes', async () => {
    const machine = await openMachine({
      retention: '10h',
      futureTolerance: 'off',
      headChunkTimeout: '5m',
      minShrinkRatio: 0,
    });
    const { store, clock, events } = machine;
    await fill(machine, START_MS - 9 * HOUR_MS, 540, 60_000);
    clock.step(10 * 60_000);
    await store.maintain();
    await store.maintain();
    expect(store.stateCounts().archived).to.equal(8);
    clock.step(5 * HOUR_MS);
    await store.maintain();
    expect(store.stateCounts().archived).to.equal(8);
    expect(events.filter(({ type }) => type === 'chunksDropped')).to.have.length(8);
    expect(events.map(({ type }) => type)).not.to.include('seriesUnarchived');
    const times = [...(await samplesOf(store, 'm')).keys()].map((key) => Number(key.split('@')[1]));
    expect(Math.min(...times)).to.be.at.least(clock.now() - 10 * HOUR_MS);
    clock.step(11 * HOUR_MS);
    await store.maintain();
    await store.waitForIndexing();
    expect(store.stateCounts().archived).to.equal(0);
    expect(await store.labelNames()).to.deep.equal([]);
    expect(await store.labelValues('id')).to.deep.equal([]);
    await store.close();
  });

  it('looks at a file again only when something of it can go', async () => {
    const machine = await openMachine({ retention: '10h', headChunkTimeout: '5m' });
    const { store, clock, events } = machine;
    await fill(machine, START_MS - 9 * HOUR_MS, 540, 60_000);
    clock.step(2 * HOUR_MS);
    await store.maintain();
    await store.maintain();
    await store.maintain();
    const looks = (): number => events.filter(({ type }) => type === 'seriesFilesChanging').length;
    const before = looks();
    for (let i = 0; i < 5; i++) await store.maintain();
    expect(looks()).to.equal(before);
    await store.close();
  });
});

describe('retention by bytes', () => {
  it('keeps the directory within its limit by dropping the oldest chunks first, a step at a time', async () => {
    const machine = await openMachine({
      retention: { time: 'off', bytes: 16 * MIB },
      headChunkTimeout: '5m',
      minShrinkRatio: 0,
    });
    const { store, clock, pass } = machine;
    let newest = 0;
    for (let day = 0; day < 22; day++) {
      for (let k = 0; k < 4800; k++) {
        newest = clock.now() + k;
        for (let i = 0; i < 16; i++)
          store.append({ __name__: 'm', id: String(i) }, newest, noise(k * 16 + i + day * 7));
      }
      clock.step(DAY_MS);
      await pass(65_000, 5000);
    }
    // One step may not be enough for the last day, whose chunks are persisted meanwhile.
    await pass(65_000, 5000);
    const { bytes } = await store.info();
    // The reserve, the journal and the checkpoint are part of it.
    expect(bytes.total).to.be.at.most(16 * MIB);
    expect(bytes.seriesFiles, 'and not more dropped than needed').to.be.greaterThan(6 * MIB);
    let oldest = Number.POSITIVE_INFINITY;
    for await (const { timestamps } of store.select('m')) {
      expect(timestamps.at(-1)).to.equal(newest);
      oldest = Math.min(oldest, timestamps[0]);
    }
    expect(oldest).to.be.greaterThan(START_MS + DAY_MS);
    await store.close();
  }).timeout(60_000);
});
