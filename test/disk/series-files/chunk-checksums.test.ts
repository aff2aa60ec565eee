/** Checksums of chunks: damage is found, and no crash, retention or second program makes a sound chunk look damaged. */
import { expect } from 'chai';
import { DELTA, DOUBLE_DELTA, type Encoding, VARBIT } from '../../../src/chunk/chunk.ts';
import { Slab } from '../../../src/chunk/slab.ts';
import { ChecksumBase, encodeBase } from '../../../src/disk/series-files/checksum-base.ts';
import { SeriesFiles } from '../../../src/disk/series-files/series-file.ts';
import { seriesPath } from '../../../src/disk/series-path.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import { seeded } from '../../support/seeded.ts';
import { chunkSpanning, chunksFrom, encodingsOf } from '../support.ts';

const HIGH = 0x2594aa1d;
const LOW = 0xe82dbd87 | 0;
const PATH = `/store/${seriesPath(HIGH, LOW)}`;
const RECORD_BYTES = 1041;

class World {
  readonly slab = new Slab();
  fileSystem: MemoryFileSystem;
  files: SeriesFiles;

  constructor(fileSystem = new MemoryFileSystem()) {
    fileSystem.makeDirectory('/store');
    this.fileSystem = fileSystem;
    this.files = new SeriesFiles(fileSystem, '/store', this.slab);
  }

  persist(index: number, count: number, low = LOW, high = HIGH): void {
    const slots = chunksFrom(this.slab, index, count);
    this.files.persist(high, low, slots, encodingsOf(this.slab, slots), true);
  }

  dropBefore(beforeTime: number, index: number, count: number): void {
    const slots = chunksFrom(this.slab, index, count);
    const encodings = encodingsOf(this.slab, slots);
    const request = { high: HIGH, low: LOW, slots, encodings, beforeTime, minShrinkRatio: 0, sync: true };
    this.files.dropAndPersist(request);
  }

  /** Another process opens what is there now. */
  reopen(fileSystem = this.fileSystem): void {
    this.fileSystem = fileSystem;
    this.files = new SeriesFiles(fileSystem, '/store', this.slab);
  }

  damaged(low = LOW, high = HIGH): readonly number[] | undefined {
    return this.files.loadDescriptors(high, low, 0, false, 'all').damaged;
  }

  flip(offset: number, path = PATH): void {
    const bytes = this.fileSystem.content(path);
    bytes[offset] ^= 1;
    this.fileSystem.put(path, bytes);
  }

  checksumFiles(): string[] {
    return this.fileSystem.paths().filter((path) => /checksums\/[0-9a-f]{2}-/.test(path));
  }
}

describe('the checksums of chunks', () => {
  for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const satisfies readonly Encoding[]) {
    it(`tell the damaged chunk for a flip of any bit, encoding ${encoding}`, () => {
      const world = new World();
      const slots = [0, 1, 2, 3].map((i) => chunkSpanning(world.slab, i * 10, i * 10 + 9, encoding));
      world.files.persist(HIGH, LOW, slots, encodingsOf(world.slab, slots), true);
      world.files.syncChecksums();
      world.reopen();
      expect(world.damaged()).to.deep.equal([]);
      const { next } = seeded(encoding + 1);
      const sound = Buffer.from(world.fileSystem.content(PATH));
      for (let k = 0; k < 200; k++) {
        const offset = Math.floor(next() * sound.length);
        const bytes = Buffer.from(sound);
        bytes[offset] ^= 1 << Math.floor(next() * 8);
        world.fileSystem.put(PATH, bytes);
        expect(world.damaged(), `byte ${offset}`).to.deep.equal([Math.floor(offset / RECORD_BYTES)]);
      }
    });
  }

  it('are there before they are written, and for chunks appended later', () => {
    const world = new World();
    world.persist(0, 2);
    world.flip(RECORD_BYTES + 40);
    expect(world.damaged()).to.deep.equal([1]);
    world.flip(RECORD_BYTES + 40);
    world.files.syncChecksums();
    world.reopen();
    world.persist(2, 3);
    world.flip(4 * RECORD_BYTES);
    expect(world.damaged()).to.deep.equal([4]);
  });

  it('go with chunks that are past retention', () => {
    const world = new World();
    world.persist(0, 5);
    world.files.syncChecksums();
    world.dropBefore(20, 5, 2);
    expect(world.damaged()).to.deep.equal([]);
    world.files.syncChecksums();
    world.reopen();
    expect(world.damaged()).to.deep.equal([]);
    world.flip(2 * RECORD_BYTES + 30);
    expect(world.damaged()).to.deep.equal([2]);
  });

  it('are not those of a file that was removed', () => {
    const world = new World();
    world.persist(0, 3);
    world.files.syncChecksums();
    world.files.remove(HIGH, LOW);
    world.persist(7, 2);
    expect(world.damaged()).to.deep.equal([]);
    world.files.syncChecksums();
    world.reopen();
    expect(world.damaged()).to.deep.equal([]);
  });

  it('are not taken from chunks whose append was taken back', () => {
    const world = new World();
    world.persist(0, 2);
    world.files.takeBack(HIGH, LOW, 1);
    world.persist(5, 1);
    expect(world.damaged()).to.deep.equal([]);
  });

  it('of a chunk whose header alone is damaged prove its samples', () => {
    const world = new World();
    world.persist(0, 3);
    world.flip(RECORD_BYTES + 9);
    const slot = world.slab.allocate(0);
    const bounds = { after: Number.NEGATIVE_INFINITY, before: Number.POSITIVE_INFINITY };
    const { encoding, problem } = world.files.loadDoubtful(HIGH, LOW, 1, slot, bounds, true);
    expect(encoding).to.equal(DOUBLE_DELTA);
    expect(problem).to.match(/its samples are as they were written/);
    world.flip(RECORD_BYTES + 60);
    expect(() => world.files.loadDoubtful(HIGH, LOW, 1, slot, bounds, true)).to.throw(/not as it was written/);
  });

  it('are made for chunks of another program when they are read, and only then', () => {
    const world = new World();
    world.persist(0, 3);
    world.files.discardChecksums();
    world.flip(2 * RECORD_BYTES + 100);
    expect(world.damaged()).to.deep.equal([]);
    world.flip(2 * RECORD_BYTES + 100);
    const slots = [world.slab.allocate(0), world.slab.allocate(0)];
    world.files.load(HIGH, LOW, 0, slots, { addSums: true });
    world.files.syncChecksums();
    world.reopen();
    world.flip(RECORD_BYTES + 100);
    world.flip(2 * RECORD_BYTES + 100);
    expect(world.damaged()).to.deep.equal([1]);
  });

  it('match if each chunk of the file has one and matches it', () => {
    const world = new World();
    const matches = () => world.files.loadDescriptors(HIGH, LOW, 0, false, 'all').matchesChecksums;
    world.persist(0, 3);
    expect(matches()).to.equal(true);
    expect(world.files.loadDescriptors(HIGH, LOW).matchesChecksums).to.equal(undefined);
    world.flip(RECORD_BYTES + 100);
    expect(matches()).to.equal(false);
    world.flip(RECORD_BYTES + 100);
    world.files.discardChecksums();
    expect(matches()).to.equal(false);
    world.persist(3, 1);
    expect(matches(), 'only the last chunk has a checksum').to.equal(false);
  });

  it('are not computed again for a chunk that can not be read', () => {
    const world = new World();
    world.persist(0, 3);
    world.flip(RECORD_BYTES + 1);
    world.files.renewChecksums(HIGH, LOW, 0, 3);
    const { damaged, matchesChecksums } = world.files.loadDescriptors(HIGH, LOW, 0, false, 'all');
    expect({ damaged, matchesChecksums }).to.deep.equal({ damaged: [], matchesChecksums: false });
  });

  it('spare chunks that match them a second check', () => {
    const world = new World();
    world.persist(0, 3);
    const [checked, copied] = [false, true].map((wasVerified) => {
      const slots = [1, 2].map(() => world.slab.allocate(0));
      const encodings = world.files.load(HIGH, LOW, 1, slots, { wasVerified });
      return { encodings, bytes: slots.map((slot) => Buffer.from(world.slab.bytesOf(slot))) };
    });
    expect(copied).to.deep.equal(checked);
    const load = (wasVerified: boolean) => () =>
      world.files.load(HIGH, LOW, 2, [world.slab.allocate(0)], { wasVerified });
    world.flip(2 * RECORD_BYTES + 1);
    expect(load(false)).to.throw(/header says first time/);
    expect(load(true)).not.to.throw();
  });

  it('of an exchanged file make all of its chunks damaged, also those that have none', () => {
    const world = new World();
    world.persist(0, 2);
    world.files.syncChecksums();
    const other = new World();
    other.persist(4, 4);
    world.fileSystem.put(PATH, other.fileSystem.content(PATH));
    expect(world.damaged()).to.deep.equal([0, 1, 2, 3]);
    const slot = world.slab.allocate(0);
    const load = (isDamaged: boolean) => () =>
      world.files.loadDoubtful(HIGH, LOW, 3, slot, { after: -Infinity, before: Infinity, isDamaged }, true);
    expect(load(true)).to.throw(/the file of another series/);
    expect(load(false), 'a chunk without a checksum in a file that is the right one').not.to.throw();
  });

  describe('in files that are damaged', () => {
    const written = (): World => {
      const world = new World();
      for (let low = 1; low <= 20; low++) world.persist(low, 3, low);
      world.files.syncChecksums();
      return world;
    };

    it('make no chunk damaged; it is said, and a new file takes their place', () => {
      const { next } = seeded(7);
      for (let k = 0; k < 60; k++) {
        const world = written();
        const [path] = world.checksumFiles();
        const bytes = world.fileSystem.content(path);
        const kind = k % 4;
        if (kind === 0) bytes[Math.floor(next() * bytes.length)] ^= 1 << Math.floor(next() * 8);
        else if (kind === 1) bytes.fill(0, Math.floor(next() * bytes.length));
        else if (kind === 2) bytes.reverse();
        world.fileSystem.put(path, kind === 3 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes);
        world.reopen();
        for (let low = 1; low <= 20; low++) expect(world.damaged(low), `${k}`).to.deep.equal([]);
        expect(world.files.syncChecksums().findings, `${k}`).to.have.length(1);
        world.reopen();
        expect(world.files.verifyChecksumFiles(), `${k}`).to.deep.equal([]);
      }
    });

    it('without a manifest count for nothing, also when later ones have the same names', () => {
      const world = written();
      world.fileSystem.remove('/store/checksums/manifest');
      world.reopen();
      world.files.remove(HIGH, 1);
      world.persist(9, 3, 1);
      for (let low = 1; low <= 20; low++) expect(world.damaged(low)).to.deep.equal([]);
      world.files.syncChecksums();
      world.reopen();
      expect(world.files.verifyChecksumFiles()).to.deep.equal([]);
      for (let low = 1; low <= 20; low++) expect(world.damaged(low)).to.deep.equal([]);
    });
  });

  it('survive a loss of power at every call of a sync: what the checkpoint before knew is never contradicted', () => {
    for (let crashAt = 0; ; crashAt++) {
      const world = new World();
      for (let low = 1; low <= 30; low++) world.persist(0, 2, low);
      world.files.syncChecksums();
      // Rewritten, and appended to, since: recovery forgets the first and cuts the second to what was known.
      world.persist(2, 1, 1);
      for (let k = 0; k < 40; k++) world.persist(2 + k, 1, 2);
      let calls = 0;
      let isOver = true;
      world.fileSystem.onCall = () => {
        if (calls++ < crashAt) return;
        isOver = false;
        throw new Error('the power fails');
      };
      try {
        world.files.syncChecksums();
      } catch {
        // What is on the disk counts.
      }
      world.fileSystem.onCall = () => {};
      world.reopen(world.fileSystem.afterPowerLoss());
      world.files.renewChecksums(HIGH, 1, 2, 2);
      world.files.renewChecksums(HIGH, 2, 2, 2);
      world.files.syncChecksums();
      world.reopen();
      for (let low = 3; low <= 30; low++) expect(world.damaged(low), `call ${crashAt}`).to.deep.equal([]);
      expect(world.files.verifyChecksumFiles(), `call ${crashAt}`).to.deep.equal([]);
      world.flip(30, `/store/${seriesPath(HIGH, 20)}`);
      expect(world.damaged(20), `call ${crashAt}`).to.deep.equal([0]);
      if (isOver) break;
    }
  });

  it('are found for every series of a base, however many chunks it has', () => {
    const series = [0, 1, 127, 128, 16383, 16384].map((count, i): [string, Uint32Array] => {
      const sums = new Uint32Array(count).map((_, k) => i * 100_000 + k + 1);
      return [(i * 0x1234567).toString(16).padStart(14, '0'), sums];
    });
    const base = new ChecksumBase(encodeBase(7, series));
    for (const [key, sums] of series) expect(base.find(key)).to.deep.equal(sums);
    expect(base.find('ffffffffffffff')).to.equal(undefined);
    const all: [string, Uint32Array][] = [];
    base.each((key, sums) => all.push([key, sums]));
    expect(all).to.deep.equal(series);
  });

  it('take 32 bytes for a series of six chunks once they are one base', () => {
    const world = new World();
    for (let low = 1; low <= 500; low++) world.persist(0, 6, low);
    world.files.syncChecksums();
    const [path] = world.checksumFiles();
    expect(world.fileSystem.content(path).length).to.equal(500 * 32 + 20);
  });

  it('take less than 0.6 % of what the series files take, however they were appended', () => {
    const world = new World();
    for (let round = 0; round < 40; round++) {
      for (let low = 1; low <= 60; low++) world.persist(round, 1, low);
      if (round % 5 === 4) world.files.syncChecksums();
    }
    const sizeOf = (path: string): number => world.fileSystem.content(path).length;
    const sums = world.checksumFiles().reduce((bytes, path) => bytes + sizeOf(path), 0);
    expect(world.checksumFiles()).to.have.length(1);
    expect(sums).to.be.lessThan(60 * 40 * RECORD_BYTES * 0.006);
  });

  for (const operation of ['open', 'write', 'sync', 'rename', 'remove', 'syncDirectory'] as const) {
    it(`that the disk refuses are given up, and no sound chunk looks damaged: ${operation}`, () => {
      for (let refused = 1; refused <= 6; refused++) {
        const world = new World();
        for (let low = 1; low <= 3; low++) world.persist(0, 4, low);
        world.files.syncChecksums();
        // Another file of the first series' name, with other chunks.
        world.files.remove(HIGH, 1);
        world.persist(7, 4, 1);
        for (let i = 0; i < refused; i++) world.fileSystem.fail(operation, 'EIO');
        try {
          world.files.syncChecksums();
          world.fileSystem.failNothing();
        } catch (error) {
          // Giving them up was refused, too. The checkpoint fails; the journal still names the files that were changed, and the next one succeeds.
          expect(refused, String(error)).to.be.greaterThan(1);
          world.fileSystem.failNothing();
          world.files.syncChecksums();
        }
        world.files.syncDirectories();
        world.reopen(world.fileSystem.afterPowerLoss());
        for (let low = 1; low <= 3; low++) expect(world.damaged(low), `${refused} refused`).to.deep.equal([]);
        world.persist(11, 1, 1);
        world.files.syncChecksums();
        world.reopen();
        expect(world.damaged(1), `${refused} refused, later`).to.deep.equal([]);
      }
    });
  }

  it('that can not be written for want of space are written later', () => {
    const world = new World();
    world.persist(0, 3);
    const { fileSystem } = world;
    fileSystem.fail('sync', 'ENOSPC');
    expect(() => world.files.syncChecksums())
      .to.throw()
      .with.property('code', 'TIDEMARK_DISK_FULL');
    world.files.syncChecksums();
    world.reopen(fileSystem.afterPowerLoss());
    world.flip(10);
    expect(world.damaged()).to.deep.equal([0]);
  });
});
