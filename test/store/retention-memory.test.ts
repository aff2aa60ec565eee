/** What a directory remembers of its retention, and what goes by it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, type StoreOptions, TidemarkError } from '../../src/index.ts';
import { withDirectory } from '../disk/support.ts';
import { extractFixture } from '../support/tar.ts';
import { DAY_MS, HOUR_MS, metricOf, openMachine, START_MS } from './support.ts';

const YEAR_MS = 365 * DAY_MS;

const listener = () => {
  const warnings: { facts: object; text: string }[] = [];
  const nothing = (): void => {};
  const warn = (facts: object, text: string): void => {
    warnings.push({ facts, text });
  };
  return { warnings, logger: { debug: nothing, info: nothing, warn, error: nothing } };
};

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
    return undefined;
  } catch (error) {
    expect(error).to.be.instanceOf(TidemarkError);
    return (error as TidemarkError).code;
  }
};

describe('the retention of a directory', () => {
  it('is 15 days for one that openStore creates, and is remembered', async () => {
    const machine = await openMachine();
    expect((await machine.store.info()).retention).to.deep.equal({ time: 15 * DAY_MS });
    const { store } = await machine.reopen({});
    expect((await store.info()).retention).to.deep.equal({ time: 15 * DAY_MS });
    await store.close();
  });

  it('that was named goes on without the option, by time and by bytes', async () => {
    const named: [NonNullable<StoreOptions['retention']>, object][] = [
      ['30d', { time: 30 * DAY_MS }],
      ['off', { time: 'off' }],
      [
        { time: '20d', bytes: 2 ** 30 },
        { time: 20 * DAY_MS, bytes: 2 ** 30 },
      ],
      [{ bytes: 2 ** 30 }, { time: 20 * DAY_MS, bytes: 2 ** 30 }],
      [{ time: '12d' }, { time: 12 * DAY_MS, bytes: 2 ** 30 }],
      ['10d', { time: 10 * DAY_MS }],
    ];
    let machine = await openMachine({ retention: '1d' });
    for (const [retention, expected] of named) {
      machine = await machine.reopen({ retention });
      expect((await machine.store.info()).retention, JSON.stringify(retention)).to.deep.equal(expected);
      machine = await machine.reopen({});
      expect((await machine.store.info()).retention, JSON.stringify(retention)).to.deep.equal(expected);
    }
    await machine.store.close();
  });

  it('that nobody named deletes and hides nothing, and the logger says so', async () => {
    const { warnings, logger } = listener();
    let machine = await openMachine({ applyRetention: false, headChunkTimeout: '5m', minShrinkRatio: 0 });
    for (let day = 0; day < 365; day++) {
      for (let i = 0; i < 40; i++) machine.store.append({ __name__: 'm' }, START_MS - YEAR_MS + day * DAY_MS + i, i);
    }
    machine = await machine.reopen({ logger, headChunkTimeout: '5m', minShrinkRatio: 0 });
    expect(warnings.map(({ text }) => text)).to.deep.equal([
      'No retention was ever named for this directory: everything is kept. The option retention, or serve --retention, names one.',
    ]);
    await machine.store.maintain();
    await machine.pass(7 * HOUR_MS, 60_000);
    const lengths: number[] = [];
    for await (const { values } of machine.store.select('m')) lengths.push(values.length);
    expect(lengths).to.deep.equal([365 * 40]);
    expect((await machine.store.info()).retention).to.equal(undefined);
    machine.store.append({ __name__: 'other' }, 1, 1);
    await machine.store.close();
  }).timeout(60_000);

  it('of a directory of the original keeps everything', async () => {
    const { directory, remove } = extractFixture('clean-small-varbit');
    try {
      const count = async (options: StoreOptions): Promise<number> => {
        const store = await openStore(directory, options);
        let samples = 0;
        for await (const { values } of store.select([])) samples += values.length;
        await store.maintain().catch(() => {});
        await store.close();
        return samples;
      };
      const all = await count({ readOnly: true, retention: 'off' });
      expect(all).to.be.greaterThan(0);
      expect(await count({})).to.equal(all);
      expect(await count({})).to.equal(all);
      expect(await count({ retention: '1d' })).to.equal(0);
    } finally {
      remove();
    }
  });

  it('that is lowered says first how many series go', async () => {
    const { warnings, logger } = listener();
    const machine = await openMachine({ retention: '30d' });
    machine.store.append({ __name__: 'old' }, START_MS - 20 * DAY_MS, 1);
    machine.store.append({ __name__: 'both' }, START_MS - 20 * DAY_MS, 1);
    machine.store.append({ __name__: 'both' }, START_MS, 1);
    machine.store.append({ __name__: 'new' }, START_MS, 1);
    const lowered = await machine.reopen({ retention: '10d', logger });
    expect(warnings.map(({ text }) => text)).to.deep.equal([
      'Retention was lowered: of 3 series 1 go as a whole, and 1 lose their older samples.',
    ]);
    expect(warnings[0]?.facts).to.deep.include({ series: 3, whole: 1, part: 1, oldest: START_MS - 20 * DAY_MS });
    const raised = await lowered.reopen({ retention: '40d', logger });
    expect(warnings.length).to.equal(1);
    await raised.store.close();
  });

  it('is not changed by a reader, nor by an opening that applies none', async () => {
    const machine = await openMachine({ retention: '1d' });
    const reader = await machine.reopen({ readOnly: true, retention: 'off' });
    expect((await reader.store.info()).retention).to.deep.equal({ time: DAY_MS });
    const importing = await reader.reopen({ applyRetention: false });
    importing.store.append({ __name__: 'old' }, START_MS - YEAR_MS, 1);
    await importing.store.maintain();
    expect(await importing.store.metrics('old')).to.have.length(1);
    const next = await importing.reopen({});
    expect((await next.store.info()).retention).to.deep.equal({ time: DAY_MS });
    expect(await next.store.metrics('old')).to.have.length(0);
    await next.store.close();
  });

  it('that can not be read counts as none', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      await (await openStore(directory, { retention: '1d' })).close();
      const file = join(directory, 'RETENTION');
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal({ timeMs: DAY_MS, bytes: 'off' });
      for (const text of ['', '{', 'null', '{"timeMs":0,"bytes":"off"}', '{"timeMs":"1d","bytes":"off"}', '[]']) {
        writeFileSync(file, text);
        const { warnings, logger } = listener();
        const store = await openStore(directory, { logger });
        expect((await store.info()).retention, text).to.equal(undefined);
        expect(warnings.map((warning) => warning.text).join()).to.match(/RETENTION is damaged.*No retention/);
        store.append({ __name__: 'old' }, 1, 1);
        await store.close();
      }
    }));

  it('is in a backup', () =>
    withDirectory(async (root) => {
      const store = await openStore(join(root, 'store'), { retention: '3d' });
      await store.backup(join(root, 'copy'));
      await store.close();
      const copy = await openStore(join(root, 'copy'));
      expect((await copy.info()).retention).to.deep.equal({ time: 3 * DAY_MS });
      await copy.close();
    }));

  it('can not be named where none is applied', async () => {
    const error = await openStore('unused', { retention: '1d', applyRetention: false }).catch((reason) => reason);
    expect(error.code).to.equal('TIDEMARK_INVALID_OPTION');
  });
});

describe('a sample past retention', () => {
  it('is refused by every way in, and no series is created for it', async () => {
    const { store } = await openMachine({ retention: '1d' });
    const limit = START_MS - DAY_MS;
    const labels = { __name__: 'm' };
    expect(codeOf(() => store.append(labels, limit - 1, 1))).to.equal('TIDEMARK_TOO_OLD');
    expect(codeOf(() => store.series(labels).append(limit - 1, 1))).to.equal('TIDEMARK_TOO_OLD');
    expect(codeOf(() => store.series(labels).appendBits(limit - 1, 0, 0))).to.equal('TIDEMARK_TOO_OLD');
    expect(codeOf(() => store.series(labels).appendStale(limit - 1))).to.equal('TIDEMARK_TOO_OLD');
    expect(store.appendBatch([{ labels, timestamp: limit - 1, value: 1 }]).rejected).to.deep.equal([
      { index: 0, code: 'TIDEMARK_TOO_OLD' },
    ]);
    expect(store.stateCounts().inMemory).to.equal(0);
    const refused = 'prometheus_local_storage_out_of_order_samples_total';
    expect(await metricOf(store, refused, { reason: 'too_old' })).to.equal(5);
    store.append(labels, limit, 1);
    store.append(labels, limit + 1, 1);
    expect(store.stateCounts().inMemory).to.equal(1);
    await store.close();
  });

  it('is refused as the limit moves on, and taken again as a repetition of the newest', async () => {
    const { store, clock, pass } = await openMachine({ retention: '1d' });
    const labels = { __name__: 'm' };
    const handle = store.series(labels);
    handle.append(START_MS - DAY_MS, 1);
    await pass(2000);
    expect(codeOf(() => handle.append(START_MS - DAY_MS + 1, 1))).to.equal('TIDEMARK_TOO_OLD');
    expect(codeOf(() => handle.append(START_MS - DAY_MS, 1))).to.equal(undefined);
    expect(codeOf(() => store.append(labels, START_MS - DAY_MS, 1))).to.equal(undefined);
    expect(codeOf(() => store.append(labels, START_MS - DAY_MS, 2))).to.equal('TIDEMARK_TOO_OLD');
    expect(codeOf(() => handle.append(clock.now() - DAY_MS, 1))).to.equal(undefined);
    await store.close();
  });
});
