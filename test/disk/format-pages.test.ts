/** The worked examples of docs/formats are what the code writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Slab } from '../../src/chunk/slab.ts';
import type { HeadsRecord } from '../../src/disk/heads/heads.ts';
import { HeadsWriter } from '../../src/disk/heads/heads-writer.ts';
import { encodeMappings } from '../../src/disk/mappings.ts';
import { SeriesFiles } from '../../src/disk/series-files/series-file.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { ByteWriter } from '../../src/model/byte-writer.ts';
import { EARLIEST } from '../../src/model/int64.ts';
import { uniqueMetricBytes } from '../../src/model/unique-metric.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { chunkSpanning, halves, withDirectory } from './support.ts';

/** The bytes of a page's blocks of hex: of each line all pairs of digits up to the first word that is none. */
const examples = (page: string): string[] =>
  [...readFileSync(join('docs', 'formats', page), 'utf8').matchAll(/^```hex\n([\s\S]*?)^```/gm)].map(([, block]) =>
    block
      .split('\n')
      .map((line) => /^(?: *(?:[0-9a-f]{2})+(?![^\s]))*/.exec(line)![0].replaceAll(' ', ''))
      .join(''),
  );

const written = (write: (writer: ByteWriter) => void): string => {
  const writer = new ByteWriter();
  write(writer);
  return writer.copy().toString('hex');
};

describe('the examples in docs/formats', () => {
  it('of the primitives', () => {
    const numbers = written((writer) => {
      for (const value of [1, -1, 63, 64, 1735689600000, EARLIEST]) writer.svarint(value);
      writer.uvarint(300);
    });
    const metric = written((writer) => writer.metric(['__name__', 'up', 'job', 'node']));
    expect(examples('codable.md')).to.deep.equal([numbers, metric]);
  });

  it('of a series file', () =>
    withDirectory((directory) => {
      const slab = new Slab();
      const slot = chunkSpanning(slab, 1735689600000, 1735689660000);
      const { high, low } = halves('2594aa1de82dbd87');
      new SeriesFiles(nodeFileSystem, directory, slab).persist(high, low, [slot], Uint8Array.of(1), false);
      const bytes = readFileSync(join(directory, '25', '94aa1de82dbd87.db'));
      expect(examples('series-files.md')).to.deep.equal([bytes.subarray(0, 22).toString('hex')]);
    }));

  it('of a checkpoint, with and without its trailer', () =>
    withDirectory(async (directory) => {
      const record: HeadsRecord = {
        ...halves('35553c6efe7638a2'),
        pairs: ['__name__', 'base_metric', 'group', 'placeholder', 'idx', '0', 'job', 'base'],
        watermark: 1,
        mtimeNs: 1735700070000000000n,
        chunkDescsOffset: 2,
        savedFirstTime: EARLIEST,
        descriptorTimes: [1735694594742, 1735695899464],
        slots: [],
      };
      const writer = new HeadsWriter(nodeFileSystem, directory, new Slab(), systemClock);
      writer.begin(1);
      writer.add(record);
      await writer.finish();
      const closed = readFileSync(join(directory, 'heads.db')).toString('hex');
      const running = new HeadsWriter(nodeFileSystem, directory, new Slab(), systemClock);
      running.begin(0);
      await running.finish({ position: 4096 });
      const empty = readFileSync(join(directory, 'heads.db')).toString('hex');
      expect(examples('heads.md')).to.deep.equal([closed, empty]);
    }));

  it('of the mappings', () => {
    const { high: rawHigh, low: rawLow } = halves('0e16f3b3b6bbfedd');
    const pairs = ['instance', 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', 'status', '500'];
    const bytes = encodeMappings([{ rawHigh, rawLow, metric: uniqueMetricBytes(pairs), high: 0, low: 1 }]);
    expect(examples('mappings.md')).to.deep.equal([Buffer.from(bytes).toString('hex')]);
  });
});
