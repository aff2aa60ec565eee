import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { usedBytesOf } from '../../../src/chunk/decode.ts';
import { Slab } from '../../../src/chunk/slab.ts';
import type { DropResult } from '../../../src/disk/series-files/drop-and-persist.ts';
import { SeriesFiles } from '../../../src/disk/series-files/series-file.ts';
import { RECORD_BYTES } from '../../../src/disk/series-files/series-record.ts';
import { seriesPath } from '../../../src/disk/series-path.ts';
import type { FileSystem } from '../../../src/files/file-system.ts';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { TidemarkError } from '../../../src/model/errors.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import { extractFixture } from '../../support/tar.ts';
import { chunkSpanning, chunksFrom, encodingsOf, halves, seriesIn, withDirectory } from '../support.ts';

const HIGH = 0x2594aa1d | 0;
const LOW = 0xe82dbd87 | 0;
const FILE = '25/94aa1de82dbd87.db';

/** A store's directory with a series of chunks [0, 10), [10, 20) … in its file. */
const withSeries = (chunkCount: number, use: (files: SeriesFiles, slab: Slab, path: string) => void): void =>
  withDirectory((directory) => {
    const slab = new Slab();
    const files = new SeriesFiles(nodeFileSystem, directory, slab);
    if (chunkCount > 0) {
      const slots = chunksFrom(slab, 0, chunkCount);
      files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), false);
    }
    use(files, slab, join(directory, FILE));
  });

const firstTimes = (files: SeriesFiles): number[] => [...files.loadDescriptors(HIGH, LOW).firstTimes];

const expectError = (call: () => unknown, code: string, message: RegExp): TidemarkError => {
  try {
    call();
  } catch (error) {
    expect(error).to.be.instanceOf(TidemarkError);
    expect((error as TidemarkError).code).to.equal(code);
    expect((error as TidemarkError).message).to.match(message);
    return error as TidemarkError;
  }
  throw new Error(`expected ${code}`);
};

describe('SeriesFiles on files that the original wrote', () => {
  for (const name of ['clean-small-delta', 'clean-small-doubledelta', 'clean-small-varbit', 'written-by-1.5.2']) {
    it(`reads every chunk of ${name} and writes the same bytes again`, () => {
      const { directory, remove } = extractFixture(name);
      try {
        withDirectory((copy) => {
          const slab = new Slab();
          const source = new SeriesFiles(nodeFileSystem, directory, slab);
          const target = new SeriesFiles(nodeFileSystem, copy, slab);
          const series = seriesIn(directory);
          expect(series.length).to.be.greaterThan(10);
          for (const text of series) {
            const { high, low } = halves(text);
            const { encodings, firstTimes, lastTimes } = source.loadDescriptors(high, low);
            const slots = Array.from(encodings, (encoding) => slab.allocate(encoding));
            expect(source.load(high, low, 0, slots)).to.deep.equal(encodings);
            target.persist(high, low, Int32Array.from(slots), encodings, false);
            expect(target.loadDescriptors(high, low)).to.deep.equal({ encodings, firstTimes, lastTimes });
            const path = seriesPath(high, low);
            const bytes = readFileSync(join(directory, path));
            for (let i = 0; i < slots.length; i++) {
              // What the original leaves beyond a chunk's used length is chance.
              const body = i * RECORD_BYTES + 17;
              bytes.fill(0, body + usedBytesOf(bytes, body, encodings[i]), body + 1024);
            }
            expect(readFileSync(join(copy, path)).equals(bytes), path).to.equal(true);
          }
        });
      } finally {
        remove();
      }
    });
  }
});

describe('SeriesFiles.persist', () => {
  it('writes records of 1,041 bytes: encoding, first time, last time, chunk', () => {
    withSeries(0, (files, slab, path) => {
      const slot = chunkSpanning(slab, 1735689600000, 1735689615000);
      const result = files.persist(HIGH, LOW, [slot], Uint8Array.of(1), true);
      expect(result).to.deep.equal({
        firstIndex: 0,
        chunksInFile: 1,
        mtimeNs: statSync(path, { bigint: true }).mtimeNs,
      });
      const bytes = readFileSync(path);
      expect(bytes.length).to.equal(RECORD_BYTES);
      expect(bytes.subarray(0, 22).toString('hex')).to.equal('01007c291f9401000098b6291f940100002500010001');
      expect(statSync(path).mode & 0o777).to.equal(0o640);
      expect(statSync(dirname(path)).mode & 0o777).to.equal(0o700);
    });
  });

  it('appends, in batches, and returns the index of the first chunk', () => {
    withSeries(3, (files, slab) => {
      const slots = chunksFrom(slab, 3, 130);
      const { firstIndex, chunksInFile } = files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true);
      expect({ firstIndex, chunksInFile }).to.deep.equal({ firstIndex: 3, chunksInFile: 133 });
      expect(firstTimes(files)).to.deep.equal(Array.from({ length: 133 }, (_, i) => i * 10));
    });
  });

  it('refuses a file that is not a whole number of records, and leaves it as it is', () => {
    withSeries(2, (files, slab, path) => {
      appendFileSync(path, 'torn');
      const slots = chunksFrom(slab, 2, 1);
      const error = expectError(
        () => files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true),
        'TIDEMARK_CORRUPT_SERIES_FILE',
        /94aa1de82dbd87\.db, byte 2082: the file's size 2086 is not a multiple of the record length 1041/,
      );
      expect(error.details).to.include({ file: path, offset: 2082, fingerprint: '2594aa1de82dbd87' });
      expect(statSync(path).size).to.equal(2086);
    });
  });

  for (const [failing, existing] of [
    ['write', 2],
    ['syncBlocking', 2],
    ['write', 0],
    ['syncBlocking', 0],
  ] as const) {
    it(`leaves ${existing} chunks when ${failing} fails, so that it can be tried again`, () => {
      withDirectory((directory) => {
        const slab = new Slab();
        let isFailing = false;
        const fileSystem: FileSystem = {
          ...nodeFileSystem,
          write: (fd, buffer, offset, length, position) => {
            if (isFailing && failing === 'write') {
              if (length > 5000) return nodeFileSystem.write(fd, buffer, offset, 5000, position);
              throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
            }
            return nodeFileSystem.write(fd, buffer, offset, length, position);
          },
          syncBlocking: () => {
            if (isFailing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
          },
        };
        const files = new SeriesFiles(fileSystem, directory, slab);
        const before = chunksFrom(slab, 0, existing);
        if (existing > 0) files.persist(HIGH, LOW, before, encodingsOf(slab, before), true);
        const slots = chunksFrom(slab, existing, 5);
        isFailing = true;
        const code = failing === 'write' ? 'TIDEMARK_DISK_FULL' : 'TIDEMARK_IO';
        const error = expectError(
          () => files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true),
          code,
          /can't append to .*94aa1de82dbd87\.db: E/,
        );
        expect(error.details['systemCode']).to.equal(failing === 'write' ? 'ENOSPC' : 'EIO');
        expect(files.stat(HIGH, LOW)?.size).to.equal(existing === 0 ? undefined : existing * RECORD_BYTES);
        isFailing = false;
        expect(files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true).firstIndex).to.equal(existing);
      });
    });
  }

  for (const failing of ['close', 'syncDirectory', 'statOpen'] as const) {
    for (const existing of [0, 2]) {
      it(`takes back what it wrote to ${existing} chunks when ${failing} fails at the end, and even if that fails at first`, () => {
        withDirectory((directory) => {
          const slab = new Slab();
          const calls = new Map<string, number>();
          /** Calls of this name from this one on fail. */
          let failFrom: Record<string, number> = {};
          const attempt = (name: string): void => {
            const count = (calls.get(name) ?? 0) + 1;
            calls.set(name, count);
            if (count >= (failFrom[name] ?? Infinity))
              throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
          };
          const fileSystem: FileSystem = {
            ...nodeFileSystem,
            close: (fd) => {
              nodeFileSystem.close(fd);
              attempt('close');
            },
            statOpen: (fd) => {
              attempt('statOpen');
              return nodeFileSystem.statOpen(fd);
            },
            syncDirectory: () => attempt('syncDirectory'),
            truncate: (fd, size) => {
              attempt('truncate');
              nodeFileSystem.truncate(fd, size);
            },
            remove: (path) => {
              attempt('remove');
              nodeFileSystem.remove(path);
            },
          };
          const files = new SeriesFiles(fileSystem, directory, slab);
          const before = chunksFrom(slab, 0, existing);
          if (existing > 0) files.persist(HIGH, LOW, before, encodingsOf(slab, before), false);
          const slots = chunksFrom(slab, existing, 3);
          calls.clear();
          failFrom = { [failing]: failing === 'statOpen' ? 2 : 1, truncate: 1, remove: 1 };
          expectError(() => files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true), 'TIDEMARK_IO', /EIO/);
          failFrom = {};
          expect(files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true).firstIndex).to.equal(existing);
          expect(firstTimes(files)).to.deep.equal(Array.from({ length: existing + 3 }, (_, i) => i * 10));
        });
      });
    }
  }

  it('syncs the file, its directory when the file is new, and the store when the directory is new', () => {
    withDirectory((directory) => {
      const synced: string[] = [];
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        syncBlocking: () => synced.push('file'),
        syncDirectory: (path) => synced.push(path.slice(directory.length)),
      };
      const slab = new Slab();
      const files = new SeriesFiles(fileSystem, directory, slab);
      const persist = (low: number, sync: boolean): string[] => {
        const slots = chunksFrom(slab, 0, 1);
        files.persist(HIGH, low, slots, encodingsOf(slab, slots), sync);
        return synced.splice(0);
      };
      expect(persist(LOW, true)).to.deep.equal(['file', '/25', '']);
      expect(persist(LOW, true)).to.deep.equal(['file']);
      expect(persist(LOW + 1, true)).to.deep.equal(['file', '/25']);
      expect(persist(LOW + 2, false)).to.deep.equal([]);
      files.sync(HIGH, LOW + 2);
      expect(synced.splice(0)).to.deep.equal(['file', '/25']);
      files.remove(HIGH, LOW);
      files.syncDirectories();
      expect(synced.splice(0)).to.deep.equal(['/25']);
    });
  });
});

describe('SeriesFiles.dropAndPersist', () => {
  /** Chunk i has the times 10i to 10i + 9. Appended chunks begin at index `appendAt`, by default after the file's. */
  interface Case {
    readonly title: string;
    readonly inFile: number;
    readonly before: number;
    readonly append?: number;
    readonly appendAt?: number;
    readonly ratio?: number;
    readonly result: Omit<DropResult, 'mtimeNs' | 'keptUntil'>;
    /** First times in the file afterwards, divided by 10; `undefined`: nothing is to be kept, and the file is as it was. */
    readonly left: readonly number[] | undefined;
  }

  const kept = (firstTime: number, firstIndex: number, dropped: number, chunksInFile: number): Case['result'] => ({
    firstTime,
    firstIndex,
    dropped,
    allDropped: false,
    chunksInFile,
    isSynced: true,
  });
  const gone = (dropped: number): Case['result'] => ({
    firstTime: undefined,
    firstIndex: 0,
    dropped,
    allDropped: true,
    chunksInFile: 0,
    isSynced: true,
  });
  const span = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, i) => from + i);

  const cases: Case[] = [
    { title: 'no file, nothing to append', inFile: 0, before: 50, result: gone(0), left: undefined },
    { title: 'no file, chunks to append', inFile: 0, before: 0, append: 3, result: kept(0, 0, 0, 3), left: [0, 1, 2] },
    {
      title: 'no file, the first chunks to append past retention',
      inFile: 0,
      before: 20,
      append: 3,
      result: kept(20, 0, 2, 1),
      left: [2],
    },
    {
      title: 'no file, all to append past retention',
      inFile: 0,
      before: 99,
      append: 3,
      result: gone(3),
      left: undefined,
    },
    { title: 'nothing old enough', inFile: 10, before: 0, result: kept(0, 10, 0, 10), left: span(0, 10) },
    {
      title: 'nothing old enough, chunks to append',
      inFile: 10,
      before: 0,
      append: 2,
      result: kept(0, 10, 0, 12),
      left: span(0, 12),
    },
    { title: 'everything old', inFile: 10, before: 100, result: gone(10), left: undefined },
    {
      title: 'everything in the file old, chunks to append that are not',
      inFile: 10,
      before: 100,
      append: 2,
      result: kept(100, 0, 10, 2),
      left: [10, 11],
    },
    {
      title: 'the file and some of the chunks to append old',
      inFile: 10,
      before: 110,
      append: 3,
      result: kept(110, 0, 11, 2),
      left: [11, 12],
    },
    {
      title: 'the file and all chunks to append old',
      inFile: 10,
      before: 999,
      append: 3,
      result: gone(13),
      left: undefined,
    },
    {
      title: 'the first chunk to append straddling the limit',
      inFile: 10,
      before: 105,
      append: 2,
      result: kept(100, 0, 10, 2),
      left: [10, 11],
    },
    {
      title: 'a chunk in the file straddling the limit is kept whole',
      inFile: 10,
      before: 55,
      result: kept(50, 5, 5, 5),
      left: span(5, 10),
    },
    {
      title: 'enough old, chunks to append',
      inFile: 10,
      before: 50,
      append: 2,
      result: kept(50, 5, 5, 7),
      left: span(5, 12),
    },
    {
      title: 'too little old for the ratio: as it is, and the index is the end of the file',
      inFile: 20,
      before: 10,
      result: kept(0, 20, 0, 20),
      left: span(0, 20),
    },
    {
      title: 'too little old for the ratio, chunks to append',
      inFile: 20,
      before: 10,
      append: 2,
      result: kept(0, 20, 0, 22),
      left: span(0, 22),
    },
    {
      title: 'exactly at the ratio: as it is',
      inFile: 20,
      before: 20,
      result: kept(0, 20, 0, 20),
      left: span(0, 20),
    },
    { title: 'just above the ratio', inFile: 20, before: 30, result: kept(30, 17, 3, 17), left: span(3, 20) },
    {
      title: 'the ratio counts the chunks to append',
      inFile: 8,
      before: 10,
      append: 2,
      result: kept(0, 8, 0, 10),
      left: span(0, 10),
    },
    {
      title: 'ratio 0: one old chunk is enough',
      inFile: 20,
      before: 10,
      ratio: 0,
      result: kept(10, 19, 1, 19),
      left: span(1, 20),
    },
    {
      title: 'ratio 1: never rewritten',
      inFile: 20,
      before: 190,
      ratio: 1,
      result: kept(0, 20, 0, 20),
      left: span(0, 20),
    },
    {
      title: 'ratio 1: not kept when everything is old',
      inFile: 20,
      before: 200,
      ratio: 1,
      result: gone(20),
      left: undefined,
    },
    {
      title: 'more chunks than one batch',
      inFile: 200,
      before: 1000,
      append: 100,
      result: kept(1000, 100, 100, 200),
      left: span(100, 300),
    },
  ];

  for (const { title, inFile, before, append = 0, appendAt = inFile, ratio = 0.1, result, left } of cases) {
    it(title, () => {
      withSeries(inFile, (files, slab, path) => {
        const slots = chunksFrom(slab, appendAt, append);
        const {
          mtimeNs,
          keptUntil: _,
          ...answer
        } = files.dropAndPersist({
          high: HIGH,
          low: LOW,
          beforeTime: before,
          slots,
          encodings: encodingsOf(slab, slots),
          minShrinkRatio: ratio,
          sync: true,
        });
        expect(answer).to.deep.equal(result);
        expect(existsSync(path)).to.equal(left !== undefined || inFile > 0);
        expect(mtimeNs).to.equal(left === undefined ? -1n : statSync(path, { bigint: true }).mtimeNs);
        expect(firstTimes(files)).to.deep.equal((left ?? span(0, inFile)).map((index) => index * 10));
        if (append > 0 && left !== undefined) {
          const first = slab.allocate(1);
          files.load(HIGH, LOW, answer.firstIndex, [first]);
          const appended = slots[slots.length - (answer.chunksInFile - answer.firstIndex)];
          expect(slab.bytesOf(first)).to.deep.equal(slab.bytesOf(appended));
        }
        expect(existsSync(`${path}.tmp`)).to.equal(false);
      });
    });
  }

  const request = (slab: Slab, append: number, beforeTime: number) => {
    const slots = chunksFrom(slab, 20, append);
    const encodings = encodingsOf(slab, slots);
    return { high: HIGH, low: LOW, beforeTime, slots, encodings, minShrinkRatio: 0.1, sync: true };
  };

  it('says until when a file that it keeps can not shrink: nothing goes up to then, and something after it', () => {
    withSeries(20, (files, slab) => {
      const { keptUntil, dropped } = files.dropAndPersist(request(slab, 0, 15));
      expect({ keptUntil, dropped }).to.deep.equal({ keptUntil: 29, dropped: 0 });
      expect(files.dropAndPersist(request(slab, 0, 29)).dropped).to.equal(0);
      expect(files.dropAndPersist(request(slab, 0, 30))).to.include({ dropped: 3, keptUntil: undefined });
    });
  });

  it('does not take up what a longer tmp file of an earlier crash holds', () => {
    withSeries(20, (files, slab, path) => {
      writeFileSync(`${path}.tmp`, Buffer.alloc(60 * RECORD_BYTES, 0xee));
      files.dropAndPersist(request(slab, 2, 100));
      expect(firstTimes(files)).to.deep.equal(span(10, 22).map((index) => index * 10));
    });
  });

  it('refuses a file that is not a whole number of records', () => {
    withSeries(20, (files, slab, path) => {
      appendFileSync(path, 'torn');
      expectError(() => files.dropAndPersist(request(slab, 0, 100)), 'TIDEMARK_CORRUPT_SERIES_FILE', /not a multiple/);
      expect(statSync(path).size).to.equal(20 * RECORD_BYTES + 4);
    });
  });

  it('refuses to drop by a header that cannot be right', () => {
    withSeries(20, (files, slab, path) => {
      const bytes = readFileSync(path);
      bytes[5 * RECORD_BYTES] = 9;
      writeFileSync(path, bytes);
      expectError(
        () => files.dropAndPersist(request(slab, 0, 100)),
        'TIDEMARK_CORRUPT_SERIES_FILE',
        /byte 5205: unknown chunk encoding 9/,
      );
    });
  });

  it('syncs the new file before the rename and the directory after it, and removes none', () => {
    withDirectory((directory) => {
      const calls: string[] = [];
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        syncBlocking: () => calls.push('sync'),
        rename: (from, to) => {
          calls.push('rename');
          nodeFileSystem.rename(from, to);
        },
        syncDirectory: () => calls.push('sync directory'),
        remove: (path) => {
          calls.push('remove');
          nodeFileSystem.remove(path);
        },
      };
      const slab = new Slab();
      const files = new SeriesFiles(fileSystem, directory, slab);
      const slots = chunksFrom(slab, 0, 20);
      files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), false);
      files.syncDirectories();
      calls.length = 0;
      files.dropAndPersist(request(slab, 1, 100));
      expect(calls.splice(0)).to.deep.equal(['sync', 'rename', 'sync directory']);
      expect(files.dropAndPersist({ ...request(slab, 1, 150), sync: false }).isSynced).to.equal(false);
      expect(calls.splice(0)).to.deep.equal(['sync', 'rename']);
      files.dropAndPersist(request(slab, 0, 10000));
      expect(calls.splice(0)).to.deep.equal([]);
    });
  });

  for (const failing of ['write', 'syncBlocking', 'rename'] as const) {
    it(`keeps the old file when ${failing} fails during the rewrite`, () => {
      withDirectory((directory) => {
        const slab = new Slab();
        const slots = chunksFrom(slab, 0, 20);
        new SeriesFiles(nodeFileSystem, directory, slab).persist(HIGH, LOW, slots, encodingsOf(slab, slots), false);
        const fail = (): never => {
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
        };
        const files = new SeriesFiles({ ...nodeFileSystem, [failing]: fail }, directory, slab);
        expectError(() => files.dropAndPersist(request(slab, 1, 100)), 'TIDEMARK_DISK_FULL', /ENOSPC/);
        expect(firstTimes(files)).to.deep.equal(span(0, 20).map((index) => index * 10));
        expect(readdirSync(join(directory, '25'))).to.deep.equal(['94aa1de82dbd87.db']);
      });
    });
  }
});

describe('SeriesFiles.dropAndPersist where the directory can not be synced', () => {
  it('answers what it did, because it can not be undone, and has the checkpoint know', () => {
    withDirectory((directory) => {
      let isFailing = false;
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        syncDirectory: () => {
          if (isFailing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
        },
      };
      const slab = new Slab();
      const files = new SeriesFiles(fileSystem, directory, slab);
      const slots = chunksFrom(slab, 0, 20);
      files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), true);
      isFailing = true;
      const nothing = {
        high: HIGH,
        low: LOW,
        slots: [],
        encodings: new Uint8Array(0),
        minShrinkRatio: 0.1,
        sync: true,
      };
      const done = { dropped: 10, chunksInFile: 10, isSynced: false };
      expect(files.dropAndPersist({ ...nothing, beforeTime: 100 })).to.include(done);
      expectError(() => files.syncDirectories(), 'TIDEMARK_IO', /EIO/);
      expect(files.dropAndPersist({ ...nothing, beforeTime: 1000 })).to.include({ allDropped: true });
      isFailing = false;
      files.syncDirectories();
    });
  });
});

describe('SeriesFiles.load', () => {
  it('reads consecutive chunks from an index on, in batches', () => {
    withSeries(150, (files, slab) => {
      const slots = Array.from({ length: 100 }, () => slab.allocate(1));
      expect(files.load(HIGH, LOW, 30, slots)).to.deep.equal(new Uint8Array(100).fill(1));
      const [expected] = chunksFrom(slab, 129, 1);
      expect(slab.bytesOf(slots[99])).to.deep.equal(slab.bytesOf(expected));
    });
  });

  it('says that the file ends early', () => {
    withSeries(3, (files, slab) => {
      const slots = [slab.allocate(1), slab.allocate(1)];
      expectError(
        () => files.load(HIGH, LOW, 2, slots),
        'TIDEMARK_CORRUPT_SERIES_FILE',
        /byte 3123: the file ends before chunk 4/,
      );
    });
  });

  it('says that the file is missing', () => {
    withSeries(0, (files, slab) => {
      const error = expectError(() => files.load(HIGH, LOW, 0, [slab.allocate(1)]), 'TIDEMARK_IO', /ENOENT/);
      expect(error.details['systemCode']).to.equal('ENOENT');
    });
  });

  const damages: [string, number, number, RegExp][] = [
    ['an unknown encoding', 0, 7, /byte 1041: unknown chunk encoding 7/],
    ['a first time that is not the chunk’s', 1, 0x0b, /byte 1041: header says first time 11, the chunk 10/],
    ['a last time that is not the chunk’s', 9, 0x14, /byte 1041: header says last time 20, the chunk 19/],
    ['a last time before the first', 16, 0x80, /byte 1041: last time -?\d+ is before first time 10/],
    ['a used length beyond the chunk', 18, 0xff, /byte 1041: /],
  ];
  for (const [what, offset, value, message] of damages) {
    it(`finds ${what}, with the offset of the record`, () => {
      withSeries(3, (files, slab, path) => {
        const bytes = readFileSync(path);
        bytes[RECORD_BYTES + offset] = value;
        writeFileSync(path, bytes);
        const slots = [slab.allocate(1), slab.allocate(1), slab.allocate(1)];
        expectError(() => files.load(HIGH, LOW, 0, slots), 'TIDEMARK_CORRUPT_SERIES_FILE', message);
        expect([...files.load(HIGH, LOW, 2, [slots[2]])]).to.deep.equal([1]);
      });
    });
  }

  it('answers any bytes with chunks or with an error', () => {
    withSeries(1, (files, slab, path) => {
      const sound = readFileSync(path);
      const slot = slab.allocate(1);
      let damaged = 0;
      for (let offset = 0; offset < 60; offset++) {
        for (const flip of [0x01, 0x80, 0xff]) {
          const bytes = Buffer.from(sound);
          bytes[offset] ^= flip;
          writeFileSync(path, bytes);
          try {
            files.load(HIGH, LOW, 0, [slot]);
          } catch (error) {
            expect((error as TidemarkError).code).to.equal('TIDEMARK_CORRUPT_SERIES_FILE');
            damaged++;
          }
        }
      }
      expect(damaged).to.be.greaterThan(60);
    });
  });
});

describe('SeriesFiles.loadDescriptors', () => {
  it('is empty without a file', () => {
    withSeries(0, (files) => expect(firstTimes(files)).to.deep.equal([]));
  });

  it('skips the newest', () => {
    withSeries(70, (files) => {
      const { firstTimes, lastTimes, encodings } = files.loadDescriptors(HIGH, LOW, 5);
      expect(encodings.length).to.equal(65);
      expect(firstTimes[64]).to.equal(640);
      expect(lastTimes[64]).to.equal(649);
      expect(files.loadDescriptors(HIGH, LOW, 71).encodings.length).to.equal(0);
    });
  });

  it('refuses a file that is not a whole number of records', () => {
    withSeries(2, (files, _, path) => {
      appendFileSync(path, 'torn');
      expectError(() => files.loadDescriptors(HIGH, LOW), 'TIDEMARK_CORRUPT_SERIES_FILE', /not a multiple/);
    });
  });
});

describe('SeriesFiles, the rest', () => {
  it('removes a file and says how many chunks it had', () => {
    withSeries(3, (files, _, path) => {
      expect(files.remove(HIGH, LOW)).to.equal(3);
      expect(existsSync(path)).to.equal(false);
      expect(files.remove(HIGH, LOW)).to.equal(0);
    });
  });

  it('stats and truncates', () => {
    withSeries(3, (files, _, path) => {
      appendFileSync(path, 'torn');
      expect(files.stat(HIGH, LOW)).to.deep.include({ chunks: 3, trailingBytes: 4, size: 3127 });
      expect(files.truncateTo(HIGH, LOW, 2)).to.deep.include({ chunks: 2, trailingBytes: 0, size: 2082 });
      expect(firstTimes(files)).to.deep.equal([0, 10]);
      expect(files.stat(HIGH, LOW + 1)).to.equal(undefined);
    });
  });

  it('moves a file to orphaned/ with a hint that says why', () => {
    withSeries(3, (files, slab, path) => {
      const root = dirname(dirname(path));
      const pairs = ['__name__', 'up', 'job', 'a "b"', 'zone', 'é'];
      expect(files.quarantine(HIGH, LOW, 'bad\nchunk', pairs)).to.equal('orphaned/25/94aa1de82dbd87.db');
      expect(existsSync(path)).to.equal(false);
      expect(statSync(join(root, 'orphaned/25/94aa1de82dbd87.db')).size).to.equal(3 * RECORD_BYTES);
      expect(readFileSync(join(root, 'orphaned/25/94aa1de82dbd87.hint'), 'utf8')).to.equal(
        'up{job="a \\"b\\"", zone="é"}\nbad chunk\n',
      );
      const slots = chunksFrom(slab, 0, 1);
      files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), false);
      expect(files.quarantine(HIGH, LOW, 'again', undefined)).to.equal('orphaned/25/94aa1de82dbd87-1.db');
      expect(readFileSync(join(root, 'orphaned/25/94aa1de82dbd87-1.hint'), 'utf8')).to.equal(
        '[UNKNOWN METRIC]\nagain\n',
      );
      expect(files.quarantine(HIGH, LOW, 'no file', pairs)).to.equal(undefined);
    });
  });

  it('lists a series directory and deletes what is no series file', () => {
    withSeries(3, (files, _, path) => {
      const folder = dirname(path);
      writeFileSync(join(folder, '94aa1de82dbd88.db.tmp'), 'x');
      writeFileSync(join(folder, 'ABCDEF01234567.db'), 'x');
      mkdirSync(join(folder, '00000000000000.db'));
      mkdirSync(join(folder, 'full'));
      writeFileSync(join(folder, 'full', 'file'), 'x');
      const scan = files.scan(0x25);
      expect([...scan.highs, ...scan.lows]).to.deep.equal([HIGH, LOW]);
      expect([...scan.sizes]).to.deep.equal([3123]);
      expect(scan.mtimesNs[0]).to.equal(statSync(path, { bigint: true }).mtimeNs);
      expect([...scan.junk].sort()).to.deep.equal([
        '00000000000000.db',
        '94aa1de82dbd88.db.tmp',
        'ABCDEF01234567.db',
        'full',
      ]);
      expect(files.deleteJunk(0x25, scan.junk)).to.deep.equal(['full']);
      expect(readdirSync(folder).sort()).to.deep.equal(['94aa1de82dbd87.db', 'full']);
      expect(files.scan(0x26)).to.deep.include({ junk: [] });
    });
  });
});

describe('SeriesFiles.sync', () => {
  it('writes the file once more, where it is, after a sync that failed', () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.makeDirectory('/store');
    const slab = new Slab();
    const files = new SeriesFiles(fileSystem, '/store', slab);
    const slots = chunksFrom(slab, 0, 100);
    files.persist(HIGH, LOW, slots, encodingsOf(slab, slots), false);
    fileSystem.fail('sync', 'EIO');
    expectError(() => files.sync(HIGH, LOW), 'TIDEMARK_IO', /EIO/);
    files.sync(HIGH, LOW);
    const path = `/store/${FILE}`;
    expect(fileSystem.afterPowerLoss().content(path)).to.deep.equal(fileSystem.content(path));
    expect(fileSystem.paths()).to.deep.equal([path]);
    const calls = fileSystem.calls.length;
    files.sync(HIGH, LOW);
    expect(fileSystem.calls.slice(calls).map(({ operation }) => operation)).to.deep.equal(['sync']);
  });
});
