import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { SampleColumns } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { formatHint, parseHint } from '../../src/disk/quarantine/hint.ts';
import { listQuarantined } from '../../src/disk/quarantine/quarantine-list.ts';
import { readQuarantined } from '../../src/disk/series-files/quarantined-file.ts';
import { SeriesFiles } from '../../src/disk/series-files/series-file.ts';
import { RECORD_BYTES } from '../../src/disk/series-files/series-record.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { finishSteps } from '../support/finish-steps.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { chunksFrom, encodingsOf, halves, withDirectory } from './support.ts';

const FINGERPRINT = '2594aa1de82dbd87';
const { high, low } = halves(FINGERPRINT);

describe('hints', () => {
  it('of the original are read', () => {
    const { afterReadStop } = fixtureJson<{
      afterReadStop: { orphaned: { path: string; content?: string }[] };
    }>('dirs/series-misaligned/expected.json');
    const contents = afterReadStop.orphaned.flatMap(({ content }) => content ?? []);
    expect(contents.length).to.equal(8);
    for (const content of contents) {
      const { pairs, reason } = parseHint(content);
      expect(pairs?.slice(0, 2)).to.deep.equal(['__name__', 'base_metric']);
      expect(pairs?.length).to.equal(8);
      expect(reason).to.match(/which is not a multiple of the chunk length 1041$/);
      expect(formatHint(reason, pairs)).to.equal(content);
    }
  });

  it('may be of an unknown metric, or of none that can be read', () => {
    expect(parseHint('[UNKNOWN METRIC]\npurge during crash recovery\n')).to.deep.equal({
      pairs: undefined,
      reason: 'purge during crash recovery',
    });
    for (const text of [
      '',
      '\n',
      'a b',
      'up{',
      'up{job=node}',
      'up{job="a"',
      'up{job="a",}',
      'up{a="\\q"}',
      '{a="b", a="c"}',
    ]) {
      expect(parseHint(text).pairs, text).to.equal(undefined);
    }
    expect(parseHint('').reason).to.equal('[UNKNOWN REASON]');
  });

  it('keep any labels', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(text, text, { minKeys: 1 }), text, (labels, reason) => {
        const pairs = Object.entries(labels)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .flat();
        const hint = formatHint(reason, pairs);
        expect(hint.split('\n').length).to.equal(3);
        expect(parseHint(hint).pairs).to.deep.equal(pairs);
      }),
    );
  });

  it('have an answer for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', ',', ' ', '=', 'a', 'u', 'x', '0', '\n') }),
        (text) => {
          expect(parseHint(text).reason).to.be.a('string');
        },
      ),
    );
  });
});

describe('listQuarantined', () => {
  it('is empty where nothing was set aside', () =>
    withDirectory((directory) => expect(listQuarantined(nodeFileSystem, directory)).to.deep.equal([])));

  it('lists files with and without hints, hints with and without files', () =>
    withDirectory((directory) => {
      const slab = new Slab();
      const files = new SeriesFiles(nodeFileSystem, directory, slab);
      const persist = (): void => {
        const slots = chunksFrom(slab, 0, 2);
        files.persist(high, low, slots, encodingsOf(slab, slots), false);
      };
      const pairs = ['__name__', 'up', 'job', 'node'];
      persist();
      files.quarantine(high, low, 'first reason', pairs);
      persist();
      files.quarantine(high, low, 'second reason', pairs);
      files.quarantine(high, low + 1, 'it had no file', undefined);
      mkdirSync(join(directory, 'orphaned', 'ab'));
      writeFileSync(join(directory, 'orphaned', 'ab', 'cdef0123456789.db'), Buffer.alloc(10));
      utimesSync(join(directory, 'orphaned', 'ab', 'cdef0123456789.db'), 1735689600, 1735689600);
      writeFileSync(join(directory, 'orphaned', 'ab', 'notes.txt'), '');
      writeFileSync(join(directory, 'orphaned', 'notes.txt'), '');
      const listed = listQuarantined(nodeFileSystem, directory);
      expect(listed.map(({ time: _, ...entry }) => entry)).to.deep.equal([
        { fingerprint: FINGERPRINT, pairs, reason: 'first reason', file: 'orphaned/25/94aa1de82dbd87.db', bytes: 2082 },
        {
          fingerprint: FINGERPRINT,
          pairs,
          reason: 'second reason',
          file: 'orphaned/25/94aa1de82dbd87-1.db',
          bytes: 2082,
        },
        { fingerprint: '2594aa1de82dbd88', pairs: undefined, reason: 'it had no file', file: undefined, bytes: 0 },
        {
          fingerprint: 'abcdef0123456789',
          pairs: undefined,
          reason: '[UNKNOWN REASON]',
          file: 'orphaned/ab/cdef0123456789.db',
          bytes: 10,
        },
      ]);
      expect(listed[3].time).to.equal(1735689600000);
    }));

  it('lists the files of a series in the order in which they came, and no series within another', () =>
    withDirectory((directory) => {
      const folder = join(directory, 'orphaned', '25');
      mkdirSync(folder, { recursive: true });
      const inOrder = [
        '94aa1de82dbd87',
        '94aa1de82dbd87-1',
        '94aa1de82dbd87-2',
        '94aa1de82dbd87-9',
        '94aa1de82dbd87-10',
        '94aa1de82dbd87-11',
        '94aa1de82dbd87-100',
        '94aa1de82dbd88',
        '94aa1de82dbd88-3',
      ];
      for (const base of [...inOrder].reverse()) writeFileSync(join(folder, `${base}.db`), '');
      const files = listQuarantined(nodeFileSystem, directory).map(({ file }) => file);
      expect(files).to.deep.equal(inOrder.map((base) => `orphaned/25/${base}.db`));
    }));
});

/** A store in memory with a series file, and what syncs of directories fail with. */
const withFailures = () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectory('/store');
  const slab = new Slab();
  const files = new SeriesFiles(fileSystem, '/store', slab);
  const slots = chunksFrom(slab, 0, 2);
  files.persist(high, low, slots, encodingsOf(slab, slots), true);
  return { fileSystem, files, slab };
};

const MOVED = ['/store/orphaned/25/94aa1de82dbd87.db', '/store/orphaned/25/94aa1de82dbd87.hint'];

describe('Moving a file into quarantine', () => {
  it('leaves one hint, however often the move failed before', () => {
    const { fileSystem, files } = withFailures();
    fileSystem.onCall = (operation, path) => {
      if (operation === 'rename' && path.endsWith('.db')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    for (let i = 0; i < 5; i++) {
      expect(() => files.quarantine(high, low, 'damaged', undefined)).to.throw(/EIO/);
      expect(listQuarantined(fileSystem, '/store')).to.deep.equal([]);
    }
    fileSystem.onCall = () => {};
    expect(files.quarantine(high, low, 'damaged', undefined)).to.equal('orphaned/25/94aa1de82dbd87.db');
    expect(fileSystem.paths()).to.deep.equal(MOVED);
  });

  it('has the hint there before the file', () => {
    const { fileSystem, files } = withFailures();
    fileSystem.onCall = (operation, path) => {
      if (operation === 'rename' && path.endsWith('.db')) expect(fileSystem.paths()).to.include(MOVED[1]);
    };
    expect(files.quarantine(high, low, 'damaged', undefined)).to.equal('orphaned/25/94aa1de82dbd87.db');
  });

  it('syncs parents first, and the next checkpoint what could not be synced', () => {
    for (const failing of ['/store', '/store/orphaned', '/store/orphaned/25', '/store/25']) {
      const { fileSystem, files } = withFailures();
      let isHintThere = false;
      fileSystem.onCall = (operation, path) => {
        if (isHintThere && operation === 'syncDirectory' && path === failing)
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        isHintThere ||= operation === 'rename' && path.endsWith('.db');
      };
      expect(files.quarantine(high, low, 'damaged', undefined)).to.equal('orphaned/25/94aa1de82dbd87.db');
      fileSystem.onCall = () => {};
      const before = fileSystem.calls.length;
      files.syncDirectories();
      const all = ['/store', '/store/orphaned', '/store/orphaned/25', '/store/25'];
      expect(fileSystem.calls.slice(before).map(({ path }) => path)).to.deep.equal(all.slice(all.indexOf(failing)));
      expect(fileSystem.afterPowerLoss().paths()).to.deep.equal(MOVED);
    }
  });

  it('is made durable after a crash, too', () => {
    const { fileSystem, files, slab } = withFailures();
    fileSystem.onCall = (operation) => {
      if (operation === 'syncDirectory') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    files.quarantine(high, low, 'damaged', undefined);
    fileSystem.onCall = () => {};
    new SeriesFiles(fileSystem, '/store', slab).syncRemoval(high, low);
    expect(fileSystem.afterPowerLoss().paths()).to.deep.equal(MOVED);
  });
});

describe('readQuarantined', () => {
  const withFile = (
    chunkCount: number,
    change: (bytes: Buffer) => Buffer,
  ): { times: number[]; problems: readonly string[] } =>
    withDirectory((directory) => {
      const slab = new Slab();
      const files = new SeriesFiles(nodeFileSystem, directory, slab);
      const slots = chunksFrom(slab, 0, chunkCount);
      files.persist(high, low, slots, encodingsOf(slab, slots), false);
      const path = join(directory, '25', '94aa1de82dbd87.db');
      writeFileSync(path, change(readFileSync(path)));
      const file = files.quarantine(high, low, 'a test', undefined);
      const columns = new SampleColumns();
      const problems = finishSteps(readQuarantined(nodeFileSystem, directory, file!, columns));
      return { times: [...columns.timestamps.subarray(0, columns.count)], problems };
    });

  const timesOf = (...indices: number[]): number[] => indices.flatMap((index) => [index * 10, index * 10 + 9]);

  it('reads a sound file whole, however long', () => {
    const { times, problems } = withFile(150, (bytes) => bytes);
    expect(problems).to.deep.equal([]);
    expect(times).to.deep.equal(timesOf(...Array.from({ length: 150 }, (_, i) => i)));
  });

  it('passes over the chunks that are damaged, and names them', () => {
    const { times, problems } = withFile(5, (bytes) => {
      bytes[RECORD_BYTES] = 9;
      bytes[3 * RECORD_BYTES + 18] = 0xff;
      return bytes;
    });
    expect(times).to.deep.equal(timesOf(0, 2, 4));
    expect(problems.length).to.equal(2);
    expect(problems[0]).to.match(/^byte 1041: unknown chunk encoding 9/);
    expect(problems[1]).to.match(/^byte 3123: /);
  });

  it('reads a chunk whose header is damaged, and says so', () => {
    const { times, problems } = withFile(3, (bytes) => {
      bytes[RECORD_BYTES + 1] = 0x0b;
      return bytes;
    });
    expect(times).to.deep.equal(timesOf(0, 1, 2));
    expect(problems).to.deep.equal(['byte 1041: header says first time 11, the chunk 10']);
  });

  it('names a torn end', () => {
    const { times, problems } = withFile(3, (bytes) => bytes.subarray(0, 2500));
    expect(times).to.deep.equal(timesOf(0, 1));
    expect(problems).to.deep.equal(['byte 2082: 418 bytes after the last whole record']);
  });

  it('leaves out what goes back in time', () => {
    const { times, problems } = withFile(3, (bytes) =>
      Buffer.concat([bytes, bytes.subarray(RECORD_BYTES, 2 * RECORD_BYTES)]),
    );
    expect(times).to.deep.equal(timesOf(0, 1, 2));
    expect(problems).to.deep.equal(['byte 3123: 2 samples are not later than the sample before and are left out']);
  });

  it('has an answer for any bytes, with times that increase', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5 * RECORD_BYTES - 1), fc.nat(255)), { maxLength: 30 }), (changes) => {
        const { times } = withFile(5, (bytes) => {
          for (const [offset, byte] of changes) bytes[offset] = byte;
          return bytes;
        });
        for (let i = 1; i < times.length; i++) expect(times[i]).to.be.greaterThan(times[i - 1]);
      }),
      { numRuns: 60 },
    );
  });
});
