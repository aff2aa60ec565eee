import { expect } from 'chai';
import { TidemarkError } from '../../src/model/errors.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import type { Labels } from '../../src/model/labels.ts';
import { NO_ROW, NOT_WRITABLE } from '../../src/series/table.ts';
import { halvesOf, sampleText } from '../journal/journal-fixture.ts';
import { appendPath, codeOf } from './append-path.ts';

const up = { __name__: 'up' };

/** Two NaNs with different payloads, as words. */
const [QUIET_NAN, OTHER_NAN] = [0x7ff80000, 0x7ff80001];

describe('Ingest', () => {
  it('journals the creation of a series before its first sample', async () => {
    const { ingest, table, journaled } = appendPath();
    ingest.append(up, 1000, 1.5);
    const row = table.find(up);
    const fingerprint = fingerprintText(table.high[row], table.low[row]);
    const { items } = await journaled();
    expect(items).to.deep.equal([
      { type: 'seriesCreated', time: 1_700_000_000_000, fingerprint, labels: up },
      sampleText(fingerprint, 1000, ...halvesOf(1.5)),
    ]);
    expect(table.lastTime(row)).to.equal(1000);
    expect(ingest.accepted).to.equal(1);
  });

  it('takes the repetition of the newest sample, and changes nothing', async () => {
    const { ingest, journaled } = appendPath();
    for (let i = 0; i < 3; i++) ingest.append(up, 1000, Number.NaN);
    expect(ingest.accepted).to.equal(1);
    expect((await journaled()).items).to.have.length(2);
  });

  it('compares the bits of values: zeros of different signs and other NaNs are no repetition', () => {
    const { ingest, table } = appendPath();
    ingest.append(up, 1000, 0);
    expect(codeOf(() => ingest.append(up, 1000, -0))).to.equal('TIDEMARK_DUPLICATE_TIMESTAMP');
    const row = table.find(up);
    ingest.appendBitsToRow(row, 2000, QUIET_NAN, 0);
    ingest.appendBitsToRow(row, 2000, QUIET_NAN, 0);
    expect(codeOf(() => ingest.appendBitsToRow(row, 2000, OTHER_NAN, 0))).to.equal('TIDEMARK_DUPLICATE_TIMESTAMP');
    expect(ingest).to.include({ accepted: 2, duplicates: 2, outOfOrder: 0 });
  });

  it('keeps a repetition as a late sample if the last value is not known: the merge compares it', () => {
    const { ingest, table, late } = appendPath();
    ingest.append(up, 1000, 1);
    table.adoptLastTime(table.find(up), 1000);
    ingest.append(up, 1000, 1);
    expect(late.count).to.equal(1);
    ingest.append(up, 1000, 1);
    expect(late.count).to.equal(1);
    expect(codeOf(() => ingest.append(up, 1000, 2))).to.equal('TIDEMARK_DUPLICATE_TIMESTAMP');
  });

  it('refuses an earlier sample, names both times, and changes nothing', async () => {
    const { ingest, table, journaled } = appendPath();
    ingest.append(up, 1000, 1);
    let refused: unknown;
    try {
      ingest.append(up, 999, 1);
    } catch (error) {
      refused = error;
    }
    expect(refused).to.be.instanceOf(TidemarkError);
    expect((refused as TidemarkError).code).to.equal('TIDEMARK_OUT_OF_ORDER');
    expect((refused as TidemarkError).details).to.include({ timestamp: 999, lastTimestamp: 1000 });
    expect(ingest).to.include({ accepted: 1, outOfOrder: 1, duplicates: 0 });
    expect(table.lastTime(table.find(up))).to.equal(1000);
    expect((await journaled()).items).to.have.length(2);
  });

  it('creates no series for a sample that it refuses', () => {
    const { ingest, table } = appendPath({ ingest: { keptFrom: () => 500 } });
    const refusals: [string, number, unknown][] = [
      ['TIDEMARK_INVALID_TIMESTAMP', Number.NaN, 1],
      ['TIDEMARK_INVALID_TIMESTAMP', 1.5, 1],
      ['TIDEMARK_INVALID_TIMESTAMP', Number.POSITIVE_INFINITY, 1],
      ['TIDEMARK_INVALID_TIMESTAMP', 8_640_000_000_000_001, 1],
      ['TIDEMARK_INVALID_TIMESTAMP', '1000' as unknown as number, 1],
      ['TIDEMARK_INVALID_VALUE', 1000, '1'],
      ['TIDEMARK_INVALID_VALUE', 1000, 1n],
      ['TIDEMARK_INVALID_VALUE', 1000, undefined],
      ['TIDEMARK_TOO_OLD', 499, 1],
    ];
    for (const [code, timestamp, value] of refusals) {
      const what = `${String(timestamp)} ${String(value)}`;
      expect(
        codeOf(() => ingest.append(up, timestamp, value as number)),
        what,
      ).to.equal(code);
      expect(
        codeOf(() => ingest.admit(['__name__', 'up'], timestamp, value as number)),
        what,
      ).to.equal(code);
    }
    expect(table.live).to.equal(0);
    ingest.append(up, 8_640_000_000_000_000, 1);
    expect(table.live).to.equal(1);
  });

  it('refuses labels that are none, and creates no series', () => {
    const { ingest, table } = appendPath();
    for (const labels of [{ l: 1 }, null, 'up'])
      expect(
        codeOf(() => ingest.append(labels as unknown as Labels, 1000, 1)),
        JSON.stringify(labels),
      ).to.equal('TIDEMARK_INVALID_LABELS');
    expect(table.live).to.equal(0);
  });

  it('takes the repetition of a sample that is past retention by now, and counts only the refused', () => {
    let keptFrom = 0;
    const { ingest, table } = appendPath({ ingest: { keptFrom: () => keptFrom } });
    ingest.append(up, 1000, 1);
    keptFrom = 2000;
    ingest.noteTime();
    ingest.append(up, 1000, 1);
    ingest.appendToRow(table.find(up), 1000, 1);
    expect(ingest.tooOld).to.equal(0);
    expect(codeOf(() => ingest.append(up, 1000, 2))).to.equal('TIDEMARK_TOO_OLD');
    expect(codeOf(() => ingest.appendToRow(table.find(up), 1500, 1))).to.equal('TIDEMARK_TOO_OLD');
    expect(ingest).to.include({ accepted: 1, tooOld: 2 });
  });

  it('asks for the retention limit only for samples close to it', () => {
    let asked = 0;
    const keptFrom = (): number => {
      asked++;
      return 1000;
    };
    const { ingest } = appendPath({ ingest: { keptFrom } });
    asked = 0;
    for (let i = 0; i < 100; i++) ingest.append(up, 61_000 + i, i);
    expect(asked).to.equal(0);
    ingest.append({ __name__: 'other' }, 60_999, 1);
    expect(asked).to.be.greaterThan(0);
    expect(ingest.accepted).to.equal(101);
  });

  it('asks for the clock only for samples later than it allowed last', () => {
    let until = 1000;
    let asked = 0;
    const takenUntil = (): number => {
      asked++;
      return until;
    };
    const { ingest } = appendPath({ ingest: { takenUntil } });
    asked = 0;
    for (let time = 1; time <= 1000; time++) ingest.append(up, time, 1);
    expect(asked).to.equal(0);
    expect(codeOf(() => ingest.append(up, 1001, 1))).to.equal('TIDEMARK_TOO_FAR_AHEAD');
    until = 2000;
    ingest.append(up, 1001, 1);
    asked = 0;
    ingest.append(up, 2000, 1);
    expect(asked).to.equal(0);
    until = 1500;
    expect(codeOf(() => ingest.append({ __name__: 'other' }, 2001, 1))).to.equal('TIDEMARK_TOO_FAR_AHEAD');
    ingest.append(up, 2000, 1);
    expect(ingest).to.include({ accepted: 1002, tooFarAhead: 2 });
  });

  it('refuses everything while the store takes no samples', () => {
    const { ingest, admission, table } = appendPath();
    ingest.append(up, 1000, 1);
    admission.refuse('TIDEMARK_THROTTLED', 'too much waits');
    const row = table.find(up);
    for (const call of [
      () => ingest.append(up, 2000, 1),
      () => ingest.append({ __name__: 'new' }, 2000, 1),
      () => ingest.appendToRow(row, 2000, 1),
      () => ingest.admit(['__name__', 'up'], 2000, 1),
    ])
      expect(codeOf(call)).to.equal('TIDEMARK_THROTTLED');
    expect(ingest.appendBatch([{ labels: up, timestamp: 2000, value: 1 }])).to.deep.equal({
      accepted: 0,
      rejected: [{ index: 0, code: 'TIDEMARK_THROTTLED' }],
    });
    expect(ingest.accepted).to.equal(1);
    expect(table.live).to.equal(1);
  });

  it('makes a row writable before it takes a sample, and changes nothing if that fails', async () => {
    let fails = true;
    const path = appendPath({
      directory: {
        makeWritable: (row) => {
          if (fails) throw new TidemarkError('TIDEMARK_THROTTLED', 'the series is being deleted');
          path.table.setState(row, 0, true);
        },
      },
    });
    const { ingest, table } = path;
    ingest.append(up, 1000, 1);
    const row = table.find(up);
    table.setState(row, 1, false);
    expect(codeOf(() => ingest.append(up, 2000, 2))).to.equal('TIDEMARK_THROTTLED');
    expect(table.lastTime(row)).to.equal(1000);
    expect((await path.journaled()).items).to.have.length(2);
    fails = false;
    ingest.append(up, 2000, 2);
    expect(table.lastTime(row)).to.equal(2000);
    expect(table.flags(row) & NOT_WRITABLE).to.equal(0);
  });

  it('tells its listener of accepted samples only', () => {
    const { ingest, table } = appendPath();
    const heard: unknown[] = [];
    ingest.listener = (row, timestamp, high, low) => heard.push([row, timestamp, high, low]);
    ingest.append(up, 1000, 1);
    ingest.append(up, 1000, 1);
    codeOf(() => ingest.append(up, 10, 1));
    expect(heard).to.deep.equal([[table.find(up), 1000, ...halvesOf(1)]]);
  });

  describe('with a batch', () => {
    it('takes what it can, and names the others by their index', () => {
      const { ingest, table } = appendPath();
      const samples = [
        { labels: up, timestamp: 1000, value: 1 },
        { labels: up, timestamp: 1, value: 1 },
        null,
        { labels: { l: 2 }, timestamp: 1000, value: 1 },
        { labels: up, timestamp: 2000, value: 1 },
      ];
      expect(ingest.appendBatch(samples as never)).to.deep.equal({
        accepted: 2,
        rejected: [
          { index: 1, code: 'TIDEMARK_OUT_OF_ORDER' },
          { index: 2, code: 'TIDEMARK_INVALID_LABELS' },
          { index: 3, code: 'TIDEMARK_INVALID_LABELS' },
        ],
      });
      expect(table.lastTime(table.find(up))).to.equal(2000);
    });

    it('refuses what is not an array', () => {
      const { ingest, table } = appendPath();
      expect(codeOf(() => ingest.appendBatch({ length: 1 } as never))).to.equal('TIDEMARK_INVALID_OPTION');
      expect(table.find(up)).to.equal(NO_ROW);
    });

    it('is made durable with one sync, and single samples with one each', () => {
      const { ingest, fileSystem } = appendPath({ ingest: { commitEach: true } });
      const syncs = (): number => fileSystem.calls.filter(({ operation }) => operation === 'sync').length;
      ingest.append(up, 1, 1);
      const before = syncs();
      ingest.append(up, 2, 1);
      ingest.append(up, 3, 1);
      expect(syncs() - before).to.equal(2);
      ingest.appendBatch([4, 5, 6].map((timestamp) => ({ labels: up, timestamp, value: 1 })));
      expect(syncs() - before).to.equal(3);
      ingest.appendBatch([{ labels: up, timestamp: 0, value: 1 }]);
      expect(syncs() - before, 'nothing accepted').to.equal(3);
      ingest.append(up, 7, 1);
      expect(syncs() - before, 'single samples after a batch').to.equal(4);
    });

    it('of any calls is made durable with one sync, or with the next flush', () => {
      const { ingest, fileSystem } = appendPath({ ingest: { commitEach: true } });
      const syncs = (): number => fileSystem.calls.filter(({ operation }) => operation === 'sync').length;
      ingest.append(up, 1, 1);
      const before = syncs();
      const append = (...times: number[]): void => {
        for (const time of times) ingest.append(up, time, 1);
      };
      ingest.together(() => append(2, 3), true);
      expect(syncs() - before).to.equal(1);
      ingest.together(() => append(4, 5), false);
      expect(syncs() - before).to.equal(1);
      ingest.together(() => {
        ingest.together(() => append(6, 7), true);
        append(8);
      }, true);
      expect(syncs() - before, 'one within another').to.equal(2);
      const throwing = (): void => {
        append(9);
        throw new Error('of the work');
      };
      expect(() => ingest.together(throwing, true)).to.throw('of the work');
      expect(syncs() - before, 'also what came before an error').to.equal(3);
      append(10);
      expect(syncs() - before, 'single samples after a batch').to.equal(4);
    });
  });
});
