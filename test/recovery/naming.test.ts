import { expect } from 'chai';
import { writeMappings } from '../../src/disk/mappings.ts';
import { formatHint } from '../../src/disk/quarantine/hint.ts';
import type { LabelIndex } from '../../src/indexes/label-index.ts';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../../src/model/labels.ts';
import { uniqueMetricBytes } from '../../src/model/unique-metric.ts';
import { nameSeries } from '../../src/recovery/naming.ts';
import { directory as journalDirectory, openJournal } from '../journal/journal-fixture.ts';

interface Halves {
  readonly high: number;
  readonly low: number;
}

const ownOf = (pairs: LabelPairs): Halves => {
  const out = new Int32Array(2);
  fastFingerprint(pairs, out);
  return { high: out[0], low: out[1] };
};

/** A mapped fingerprint: it says nothing of the labels. */
const MAPPED: Halves = { high: 0, low: 5 };
const right: LabelPairs = ['__name__', 'right'];
const wrong: LabelPairs = ['__name__', 'wrong'];

/** A place that names a series, in a directory that has nothing else. */
type Source = (fingerprint: Halves, pairs: LabelPairs) => Promise<LabelPairs | undefined>;

const ask = async (
  { high, low }: Halves,
  fileSystem: ReturnType<typeof openJournal>['fileSystem'],
  scanPairs: LabelIndex['scanPairs'] = async function* () {},
): Promise<LabelPairs | undefined> => {
  const parts = { fileSystem, directory: '/store', journalDirectory, labels: { scanPairs }, breathe: async () => {} };
  return (await nameSeries(parts, [{ high, low }])).get(high, low);
};

const mappingTable: Source = (fingerprint, pairs) => {
  const { fileSystem } = openJournal();
  const { high: rawHigh, low: rawLow } = ownOf(pairs);
  writeMappings(fileSystem, '/store', [{ rawHigh, rawLow, metric: uniqueMetricBytes(pairs), ...fingerprint }]);
  return ask(fingerprint, fileSystem);
};

const journalEvent: Source = async (fingerprint, pairs) => {
  const { journal, fileSystem } = openJournal();
  const text = fingerprintText(fingerprint.high, fingerprint.low);
  journal.appendEvent({ type: 'seriesCreated', time: 1, fingerprint: text, labels: toLabels(pairs) });
  await journal.commit();
  return ask(fingerprint, fileSystem);
};

const hint: Source = ({ high, low }, pairs) => {
  const { fileSystem } = openJournal();
  const text = fingerprintText(high, low);
  const path = `/store/orphaned/${text.slice(0, 2)}/${text.slice(2)}.hint`;
  fileSystem.put(path, Buffer.from(formatHint('a chunk is damaged', pairs)));
  return ask({ high, low }, fileSystem);
};

describe('The name of a series file', () => {
  for (const [name, source] of Object.entries({ 'mapping table': mappingTable, journal: journalEvent, hint })) {
    it(`is taken from the ${name} if the labels have the file's fingerprint`, async () => {
      expect(await source(ownOf(right), right)).to.deep.equal(right);
      expect(await source(ownOf(right), wrong), 'labels of another series').to.equal(undefined);
    });
  }

  it('is taken for a mapped fingerprint from what has checksums or stands for it, and from no hint', async () => {
    expect(await mappingTable(MAPPED, right)).to.deep.equal(right);
    expect(await journalEvent(MAPPED, right)).to.deep.equal(right);
    expect(await hint(MAPPED, right)).to.equal(undefined);
  });

  it('is that of the next place if one has labels of another series', async () => {
    const { journal, fileSystem } = openJournal();
    const { high, low } = ownOf(right);
    const { high: rawHigh, low: rawLow } = ownOf(wrong);
    writeMappings(fileSystem, '/store', [{ rawHigh, rawLow, metric: uniqueMetricBytes(wrong), high, low }]);
    journal.appendEvent({
      type: 'seriesCreated',
      time: 1,
      fingerprint: fingerprintText(high, low),
      labels: toLabels(right),
    });
    await journal.commit();
    expect(await ask({ high, low }, fileSystem)).to.deep.equal(right);
  });

  it('is that of the newest series with the fingerprint, not of one that ended, nor that of a hint', async () => {
    const { journal, fileSystem } = openJournal();
    const ended: LabelPairs = ['instance', 'ip-10-33-84-73.l05.ams5.s-cloud.net:24483', 'status', '503'];
    const newest: LabelPairs = ['instance', 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', 'status', '500'];
    const { high, low } = ownOf(newest);
    const fingerprint = fingerprintText(high, low);
    expect(ownOf(ended), 'the fingerprints collide').to.deep.equal({ high, low });
    const path = `/store/orphaned/${fingerprint.slice(0, 2)}/${fingerprint.slice(2)}.hint`;
    fileSystem.put(path, Buffer.from(formatHint('a chunk is damaged', ended)));
    journal.appendEvent({ type: 'seriesCreated', time: 1, fingerprint, labels: toLabels(ended) });
    journal.appendEvent({ type: 'seriesPurged', time: 2, fingerprint, labels: toLabels(ended), reason: 'dropped' });
    journal.appendEvent({ type: 'seriesCreated', time: 3, fingerprint, labels: toLabels(newest) });
    await journal.commit();
    expect(await ask({ high, low }, fileSystem)).to.deep.equal(newest);
  });
});
