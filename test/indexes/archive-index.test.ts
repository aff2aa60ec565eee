import { join } from 'node:path';
import { expect } from 'chai';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';
import { ArchiveBatch, ArchiveIndex } from '../../src/indexes/archive-index.ts';
import { encodeFingerprint } from '../../src/indexes/codable.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { fingerprintText, parseFingerprint } from '../../src/model/fingerprint.ts';
import { toLabels } from '../../src/model/labels.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { MemoryStore } from '../support/memory-stores.ts';
import { extractFixture } from '../support/tar.ts';
import { timeRangeOf } from './time-range-of.ts';

interface Expected {
  readonly afterStart: {
    readonly archivedSeries: readonly {
      readonly fp: string;
      readonly metric: Record<string, string>;
      readonly first: number;
      readonly last: number;
    }[];
  };
}

const times = (firstTime: number, lastTime: number) => ({ firstTime, lastTime });

const open = () => {
  const metrics = new MemoryStore();
  const timeRanges = new MemoryStore();
  return { metrics, timeRanges, archive: new ArchiveIndex(metrics, timeRanges) };
};

describe('ArchiveIndex', () => {
  it('keeps labels and times of archived series', async () => {
    const { archive } = open();
    const batch = new ArchiveBatch();
    batch.archive(-1, 1, ['a', 'b'], times(10, 20));
    batch.archive(0, 2, ['c', 'd'], times(-(2 ** 63), 5));
    batch.updateTimeRange(-1, 1, times(15, 20));
    await archive.apply(batch, { sync: true });
    expect(archive.labelsOf(-1, 1)).to.deep.equal(['a', 'b']);
    expect(archive.labelsOf(5, 5)).to.equal(undefined);
    expect(await archive.labelsOfMany([0, 2, 5, 5, -1, 1])).to.deep.equal([['c', 'd'], undefined, ['a', 'b']]);
    expect(await timeRangeOf(archive, -1, 1)).to.deep.equal(times(15, 20));
    expect(await timeRangeOf(archive, 0, 2)).to.deep.equal(times(-(2 ** 63), 5));
    expect(await timeRangeOf(archive, 5, 5)).to.equal(undefined);
  });

  it('removes from both indexes, in the order of the batch', async () => {
    const { archive, metrics, timeRanges } = open();
    const batch = new ArchiveBatch();
    batch.archive(1, 1, ['a', 'b'], times(10, 20));
    batch.remove(1, 1);
    batch.remove(2, 2);
    batch.archive(2, 2, ['c', 'd'], times(1, 2));
    await archive.apply(batch, { sync: true });
    expect([metrics.size, timeRanges.size]).to.deep.equal([1, 1]);
    expect(archive.labelsOf(2, 2)).to.deep.equal(['c', 'd']);
  });

  it('syncs the last part of a large batch, and thereby all of it', async () => {
    const { archive, metrics } = open();
    const batch = new ArchiveBatch();
    for (let i = 0; i < 20_000; i++) batch.archive(i, i, ['i', String(i)], times(i, i));
    await archive.apply(batch, { sync: true });
    expect(metrics.batches.map(({ sync }) => sync)).to.deep.equal([false, false, true]);
    expect(metrics.size).to.equal(20_000);
  });

  it('scans in the order of fingerprints and isolates bad entries', async () => {
    const { archive, metrics, timeRanges } = open();
    const batch = new ArchiveBatch();
    for (let i = 0; i < 250; i++) batch.archive(0, i * 8192, ['i', String(i)], times(i, i));
    await archive.apply(batch, { sync: false });
    await metrics.batch([{ type: 'put', key: encodeFingerprint(0, 8192), value: Uint8Array.of(1) }], { sync: false });
    await timeRanges.batch([{ type: 'put', key: Uint8Array.of(7), value: Uint8Array.of(0, 0) }], { sync: false });
    const lows: number[] = [];
    const bad: string[] = [];
    for await (const page of archive.scanMetrics()) {
      lows.push(...page.entries.map(({ low }) => low));
      bad.push(...page.bad.map(({ key }) => Buffer.from(key).toString('hex')));
    }
    expect(lows).to.deep.equal([0, ...Array.from({ length: 248 }, (_, i) => (i + 2) * 8192)]);
    expect(bad).to.deep.equal(['0000000000002000']);
    const mapped: number[] = [];
    for await (const page of archive.scanMapped()) mapped.push(...page.entries.map(({ low }) => low));
    expect(mapped.at(-1)).to.equal(1 << 20);
    const directory = new ArchiveDirectory();
    const unread = await archive.loadDirectory(directory);
    expect(directory.size).to.equal(250);
    expect(unread.map(({ key }) => [...key])).to.deep.equal([[7]]);
    await archive.deleteKeys([Uint8Array.of(7), encodeFingerprint(0, 8192)]);
    expect([metrics.size, timeRanges.size]).to.deep.equal([249, 249]);
  });

  for (const fixture of [
    'base',
    'clean-archived',
    'collisions',
    'written-by-1.5.2',
    'heads-v1',
    'clean-small-varbit',
  ]) {
    it(`reads what the original wrote: ${fixture}`, async () => {
      const expected = fixtureJson<Expected>(`dirs/${fixture}/expected.json`).afterStart.archivedSeries;
      const { directory, remove } = extractFixture(fixture);
      try {
        const archive = new ArchiveIndex(
          await levelStores.open(join(directory, 'archived_fingerprint_to_metric')),
          await levelStores.open(join(directory, 'archived_fingerprint_to_timerange')),
        );
        const archived = new ArchiveDirectory();
        expect(await archive.loadDirectory(archived)).to.deep.equal([]);
        expect(archived.size).to.equal(expected.length);
        const found: string[] = [];
        for await (const page of archive.scanMetrics())
          found.push(...page.entries.map(({ high, low }) => fingerprintText(high, low)));
        expect(found).to.deep.equal(expected.map(({ fp }) => fp).sort());
        for (const { fp, metric, first, last } of expected) {
          const { high, low } = parseFingerprint(fp)!;
          expect(toLabels(archive.labelsOf(high, low)!)).to.deep.equal(metric);
          expect(await timeRangeOf(archive, high, low)).to.deep.equal(times(Number(first), Number(last)));
          expect([archived.firstTimeOf(high, low), archived.lastTimeOf(high, low)]).to.deep.equal([
            Number(first),
            Number(last),
          ]);
        }
        await archive.close();
      } finally {
        remove();
      }
    });
  }
});
