import { dirname } from 'node:path';
import { expect } from 'chai';
import { DELTA, DOUBLE_DELTA, type Encoding, VARBIT } from '../../../src/chunk/chunk.ts';
import { FULL_BLOCK_BYTES } from '../../../src/chunk/slab.ts';
import { MergeMemory } from '../../../src/disk/series-files/merge-memory.ts';
import { mergeRecords, type TimeRange } from '../../../src/disk/series-files/merge-records.ts';
import { SeriesFileAccess } from '../../../src/disk/series-files/series-file-access.ts';
import { RECORD_BYTES } from '../../../src/disk/series-files/series-record.ts';
import { TidemarkError } from '../../../src/model/errors.ts';
import { Crash } from '../../support/memory-file-system.ts';
import { seeded } from '../../support/seeded.ts';
import { columnsOf, HIGH, LOW, modelOf, PATH, type Sample, sample, textOf, World } from './merge-support.ts';

const ENCODINGS = [DELTA, DOUBLE_DELTA, VARBIT] as const satisfies readonly Encoding[];

type Random = ReturnType<typeof seeded>;

/** Values of every kind: repeated, whole, fractions, and bits that are easily lost. */
const randomSample = ({ next, int }: Random, time: number): Sample => {
  const kind = int(8);
  if (kind < 3) return sample(time, 21);
  if (kind < 5) return sample(time, int(1000));
  if (kind === 5) return sample(time, -0);
  if (kind === 6) return { time, high: 0x7ff00000 | int(0xfffff), low: int(2 ** 31) };
  return sample(time, next() * 1e6 - 5e5);
};

/** Samples from `start` on, mostly at equal intervals. */
const seriesFrom = (random: Random, start: number, count: number): Sample[] => {
  const samples: Sample[] = [];
  let time = start;
  for (let i = 0; i < count; i++) {
    samples.push(randomSample(random, time));
    time += random.int(10) === 0 ? 1 + random.int(100) : 10;
  }
  return samples;
};

const inGroups = ({ int }: Random, samples: readonly Sample[], sizeMax: number): Sample[][] => {
  const groups: Sample[][] = [];
  for (let at = 0; at < samples.length; ) {
    const size = 1 + int(sizeMax);
    groups.push(samples.slice(at, at + size));
    at += size;
  }
  return groups;
};

/** Samples to merge: of times that are there and others, with the same bits and others, before, between and behind. */
const lateFor = (random: Random, there: readonly Sample[], count: number): Sample[] => {
  const { int } = random;
  const end = there.at(-1)?.time ?? 1000;
  const late = new Map<number, Sample>();
  for (let i = 0; i < count; i++) {
    const known = there.length === 0 ? undefined : there[int(there.length)];
    const kind = int(4);
    const given =
      known !== undefined && kind === 0
        ? known
        : randomSample(random, known !== undefined && kind === 1 ? known.time : int(end + 500) - 200);
    late.set(given.time, given);
  }
  return [...late.values()].sort((a, b) => a.time - b.time);
};

const rangesFor = ({ int }: Random, end: number, count: number): TimeRange[] =>
  Array.from({ length: count }, () => {
    const from = int(end + 100) - 50;
    return { from, through: from + int(Math.max(1, end >> 1)) - 10 };
  });

const expectCorrupt = (call: () => unknown, message: RegExp): void => {
  try {
    call();
  } catch (error) {
    expect(error).to.be.instanceOf(TidemarkError);
    expect((error as TidemarkError).code).to.equal('TIDEMARK_CORRUPT_SERIES_FILE');
    expect((error as TidemarkError).message).to.match(message);
    return;
  }
  throw new Error('expected TIDEMARK_CORRUPT_SERIES_FILE');
};

/** Chunks of 40 samples at 10 ms from 0 on: chunk i covers [400i, 400i + 390]. */
const regular = (chunks: number): Sample[][] =>
  Array.from({ length: chunks }, (_, i) => Array.from({ length: 40 }, (_, k) => sample(400 * i + 10 * k, i + k / 3)));

/** Samples of which a double-delta chunk takes few: full chunks, without knowing the encoder. */
const irregular = (count: number): Sample[] => {
  const { next } = seeded(99);
  return Array.from({ length: count }, (_, i) => sample(1000 * i, next()));
};

describe('SeriesFiles.merge', () => {
  describe('gives what an obvious model gives, bit for bit', () => {
    for (const encoding of ENCODINGS) {
      it(`encoding ${encoding}`, () => {
        for (let seed = 1; seed <= 60; seed++) {
          const random = seeded(seed * 7919 + encoding);
          const { int } = random;
          const world = new World();
          const inFile = int(8) === 0 ? [] : seriesFrom(random, 0, 1 + int(1500));
          world.persist(inGroups(random, inFile, int(2) === 0 ? 400 : 20), ENCODINGS[int(3)]);
          const before = world.bytes;
          const end = inFile.at(-1)?.time ?? 1000;
          const inMemory = int(3) === 0 ? seriesFrom(random, end + 1 + int(50), 1 + int(300)) : [];
          const late = int(5) === 0 ? [] : lateFor(random, [...inFile, ...inMemory], 1 + int(int(3) === 0 ? 1500 : 20));
          const erased = int(2) === 0 ? [] : rangesFor(random, end, 1 + int(4));
          const slots = inGroups(random, inMemory, 200).flatMap((group) => world.encode(group, encoding));
          const callsBefore = world.fileSystem.calls.length;
          const result = world.merge({ late, erased, slots, encoding });
          const { samples, counts } = modelOf(inFile, { late, erased, inMemory });
          const title = `seed ${seed}`;
          expect(result, title).to.include(counts);
          expect(result.allErased, title).to.equal(samples.length === 0);
          expect(result.chunksBefore, title).to.equal(before.length / RECORD_BYTES);
          if (result.allErased) {
            expect(world.bytes.equals(before), title).to.equal(true);
            continue;
          }
          expect(world.samples(), title).to.deep.equal(samples);
          const { firstTimes, lastTimes } = world.files.loadDescriptors(HIGH, LOW);
          expect(result, title).to.include({
            chunksInFile: world.bytes.length / RECORD_BYTES,
            firstTime: firstTimes[0],
            lastChunkFirstTime: firstTimes.at(-1),
            lastTime: lastTimes.at(-1),
            isSynced: true,
            mtimeNs: world.files.stat(HIGH, LOW)?.mtimeNs,
          });
          const kept = result.firstIndex * RECORD_BYTES;
          expect(world.bytes.subarray(0, kept).equals(before.subarray(0, kept)), title).to.equal(true);
          if (counts.added + counts.erasedSamples + slots.length === 0) {
            expect(result.firstIndex, title).to.equal(result.chunksInFile);
            const operations = world.fileSystem.calls.slice(callsBefore).map(({ operation }) => operation);
            expect(operations, title).not.to.include.members(['write']);
            expect(world.bytes.equals(before), title).to.equal(true);
          }
          expect(world.damaged(), title).to.deep.equal([]);
          world.files.syncChecksums();
          world.reopen();
          expect(world.damaged(), title).to.deep.equal([]);
          const chunk = int(result.chunksInFile);
          world.flip(chunk * RECORD_BYTES + 30);
          expect(world.damaged(), title).to.deep.equal([chunk]);
          expect(world.fileSystem.openCount, title).to.equal(0);
        }
      });
    }

    it('in files with chunks that overlap, are out of order, or have a time twice', () => {
      for (let seed = 1; seed <= 80; seed++) {
        const random = seeded(seed * 104729);
        const { int } = random;
        const world = new World();
        const all = seriesFrom(random, 0, 200 + int(400));
        const groups = inGroups(random, all, 60);
        // Some chunks again with other values, some at another place.
        for (let k = 1 + int(3); k > 0; k--) {
          const from = int(all.length - 1);
          const again = all.slice(from, from + 1 + int(100)).map(({ time }) => randomSample(random, time));
          groups.splice(int(groups.length + 1), 0, again);
        }
        if (int(2) === 0) groups.push(...groups.splice(int(groups.length), 1));
        world.persist(groups);
        const late = lateFor(random, all, 1 + int(30));
        const erased = int(2) === 0 ? [] : rangesFor(random, all.at(-1)?.time ?? 0, 1);
        const before = world.chunks().flat();
        const result = world.merge({ late, erased });
        const { samples } = modelOf(groups.flat(), { late, erased });
        if (result.allErased) {
          expect(samples, `seed ${seed}`).to.deep.equal([]);
          continue;
        }
        // Chunks before the first change stay as they were, also if they overlap.
        const times = new Set<string>();
        const content = world
          .chunks()
          .flat()
          .filter((text) => !times.has(text.split(' ')[0]) && times.add(text.split(' ')[0]))
          .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
        expect(content, `seed ${seed}`).to.deep.equal(samples);
        const rest = world.chunks().slice(result.firstIndex).flat();
        const restTimes = rest.map((text) => Number.parseInt(text, 10));
        if (result.added + result.erasedSamples > 0) {
          expect(
            restTimes.every((time, i) => i === 0 || time > restTimes[i - 1]),
            `seed ${seed}`,
          ).to.equal(true);
        } else expect(world.chunks().flat(), `seed ${seed}`).to.deep.equal(before);
        expect(world.damaged(), `seed ${seed}`).to.deep.equal([]);
      }
    });
  });

  it('creates a missing file, also its directory', () => {
    const world = new World();
    const result = world.merge({ late: [sample(5, 1), sample(7, 2)] });
    expect(result).to.include({ added: 2, firstIndex: 0, chunksBefore: 0, chunksInFile: 1, firstTime: 5, lastTime: 7 });
    expect(world.samples()).to.deep.equal([sample(5, 1), sample(7, 2)].map(textOf));
    expect(world.fileSystem.afterPowerLoss().content(PATH).equals(world.bytes)).to.equal(true);
  });

  it('has nothing to do without a file, samples and chunks', () => {
    const world = new World();
    expect(world.merge({ erased: [{ from: 0, through: 9 }] })).to.include({ allErased: true, chunksBefore: 0 });
    expect(world.fileSystem.paths()).to.deep.equal([]);
  });

  it('leaves a file of which nothing would be left, and counts its samples', () => {
    const world = new World();
    world.persist(regular(3));
    const before = world.bytes;
    const result = world.merge({
      erased: [
        { from: -Infinity, through: 500 },
        { from: 501, through: Infinity },
      ],
    });
    expect(result).to.include({ allErased: true, erasedSamples: 120, chunksBefore: 3, chunksInFile: 0, firstIndex: 0 });
    expect(result).to.include({ firstTime: undefined, lastTime: undefined, mtimeNs: -1n });
    expect(world.bytes.equals(before)).to.equal(true);
  });

  it('finds that nothing is left when ranges take every single sample', () => {
    const world = new World();
    world.persist([[sample(0, 1), sample(100, 2)]]);
    const erased = [0, 100].map((time) => ({ from: time, through: time }));
    expect(world.merge({ erased })).to.include({ allErased: true, erasedSamples: 2 });
    expect(world.merge({ erased: [erased[0]] })).to.include({ allErased: false, erasedSamples: 1, firstTime: 100 });
  });

  it('appends chunks of memory without rewriting when nothing else is to be done', () => {
    const world = new World();
    world.persist(regular(3));
    const slots = world.encode([sample(1200, 5), sample(1300, 6)]);
    world.fileSystem.calls.length = 0;
    const result = world.merge({ late: [sample(0, 0), sample(1300, 6)], slots });
    expect(result).to.include({ repeated: 2, added: 0, firstIndex: 3, chunksBefore: 3, chunksInFile: 4 });
    expect(result).to.include({ lastChunkFirstTime: 1200, lastTime: 1300 });
    expect(world.fileSystem.calls.map(({ operation }) => operation)).not.to.include('rename');
    expect(world.fileSystem.afterPowerLoss().content(PATH).equals(world.bytes)).to.equal(true);
  });

  it('takes chunks of memory that are older than what is erased', () => {
    const world = new World();
    world.persist(regular(5));
    const inMemory = [sample(1000, 7), sample(1005, 8)];
    const erased = [{ from: 900, through: Infinity }];
    const result = world.merge({ erased, slots: world.encode(inMemory), late: [sample(950, 1)] });
    const model = modelOf(regular(5).flat(), { late: [sample(950, 1)], erased, inMemory });
    expect(result).to.include({ ...model.counts, firstIndex: 2 });
    expect(world.samples()).to.deep.equal(model.samples);
  });

  it('appends chunks of memory that are in the file already only once', () => {
    const world = new World();
    const inMemory = [sample(1200, 5), sample(1300, 6)];
    world.persist([...regular(3), inMemory]);
    const slots = [...world.encode(inMemory), ...world.encode([sample(1400, 7)])];
    const result = world.merge({ slots });
    expect(result).to.include({ added: 0, repeated: 0, conflicting: 0, firstIndex: 3, chunksBefore: 4 });
    expect(world.samples()).to.deep.equal([...regular(3).flat(), ...inMemory, sample(1400, 7)].map(textOf));
  });

  it('merges samples into chunks of memory; those chunks are the first that differ', () => {
    const world = new World();
    world.persist(regular(3));
    const inMemory = [irregular(300), irregular(10)].map((samples, i) =>
      samples.map((given) => ({ ...given, time: given.time + 2000 + 400_000 * i })),
    );
    const late = [sample(405_500, 1)];
    const result = world.merge({ late, slots: inMemory.flatMap((samples) => world.encode(samples)) });
    expect(result).to.include({ added: 1, firstIndex: 3, chunksBefore: 3 });
    const model = modelOf(regular(3).flat(), { late, inMemory: inMemory.flat() });
    expect(world.samples()).to.deep.equal(model.samples);
    world.files.syncChecksums();
    world.reopen();
    world.flip(3 * RECORD_BYTES + 100);
    expect(world.damaged()).to.deep.equal([3]);
  });

  it('leaves a last chunk that is nearly full as it is when newer samples follow', () => {
    const world = new World();
    const full = irregular(2000);
    world.persist([full], DOUBLE_DELTA);
    const { firstTimes } = world.files.loadDescriptors(HIGH, LOW);
    const last = firstTimes[firstTimes.length - 1];
    const kept = full.filter(({ time }) => time < last);
    world.files.truncateTo(HIGH, LOW, firstTimes.length - 1);
    const before = world.bytes;
    const late = [sample(last + 10, 1)];
    expect(world.merge({ late })).to.include({ firstIndex: firstTimes.length - 1, chunksInFile: firstTimes.length });
    expect(world.bytes.subarray(0, before.length).equals(before)).to.equal(true);
    expect(world.samples()).to.deep.equal(modelOf(kept, { late }).samples);
  });

  it('copies the chunks behind the last change as they are', () => {
    for (const encoding of [DOUBLE_DELTA, VARBIT] as const) {
      const world = new World();
      world.persist([irregular(12_000)], encoding);
      const before = world.files.loadDescriptors(HIGH, LOW);
      const records = before.encodings.length;
      expect(records).to.be.greaterThan(50);
      const old = world.bytes;
      const time = before.firstTimes[10] + 500;
      const result = world.merge({ late: [sample(time, 1)], encoding });
      expect(result).to.include({ added: 1, firstIndex: 10, chunksInFile: records + 1 });
      expect(world.bytes.subarray(12 * RECORD_BYTES).equals(old.subarray(11 * RECORD_BYTES))).to.equal(true);
      const { firstTimes } = world.files.loadDescriptors(HIGH, LOW);
      // The two chunks share the samples evenly.
      expect(firstTimes[11] - firstTimes[10]).to.be.closeTo((firstTimes[12] - firstTimes[10]) / 2, 3000);
    }
  });

  it('goes on to the next chunk while the one that is written is less than half full', () => {
    const world = new World();
    world.persist(regular(10));
    const result = world.merge({ late: [sample(5, 1)] });
    const chunks = world.chunks();
    expect(result.chunksInFile).to.be.lessThan(10);
    expect(result.firstIndex).to.equal(0);
    expect(chunks[0].length).to.be.greaterThan(41);
    expect(chunks.at(-1)).to.deep.equal(regular(10)[9].map(textOf));
  });

  it('leaves no small chunks when newer samples are merged one after the other', () => {
    for (const encoding of ENCODINGS) {
      const world = new World();
      const samples = irregular(400);
      for (const given of samples) world.merge({ late: [given], encoding });
      expect(world.samples()).to.deep.equal(samples.map(textOf));
      const direct = world.encode(samples, encoding).length;
      expect(world.chunks().length).to.be.at.most(direct + 1);
    }
  });

  it('reads an interval of 2^24 ms that the original stored as 0', () => {
    const world = new World();
    const step = 2 ** 24;
    const inFile = [0, step, step + 1000, step + 2000].map((time, i) => sample(time, i));
    world.persist([inFile], VARBIT, false);
    const late = [sample(1000, 9), sample(step + 500, 9), sample(step + 1000, 2)];
    expect(world.merge({ late, encoding: VARBIT })).to.include({ added: 2, repeated: 1, firstIndex: 0 });
    expect(world.samples()).to.deep.equal(modelOf(inFile, { late }).samples);
  });

  it('keeps the first of two samples with the same time in a chunk', () => {
    for (const encoding of ENCODINGS) {
      const world = new World();
      const inFile = [0, 10, 20, 20, 30].map((time, i) => sample(time, i));
      world.persist([inFile], encoding);
      const late = [sample(20, 3), sample(25, 9)];
      expect(world.merge({ late }), `encoding ${encoding}`).to.include({ added: 1, conflicting: 1 });
      expect(world.samples(), `encoding ${encoding}`).to.deep.equal(modelOf(inFile, { late }).samples);
    }
  });

  describe('with damage', () => {
    it('in a chunk that it must read, refuses and leaves the file as it is', () => {
      for (const [offset, withSums, message] of [
        [200, true, /94aa1de82dbd87\.db, byte 2082: the chunk is not as it was written/],
        [5, true, /byte 2082: /],
        [17, false, /byte 2082: /],
        [0, false, /byte 2082: /],
      ] as const) {
        const world = new World();
        world.persist(regular(5));
        if (!withSums) world.files.discardChecksums();
        world.files.syncChecksums();
        const at = 2 * RECORD_BYTES + offset;
        const bytes = world.bytes;
        bytes[at] ^= 0x41;
        world.fileSystem.put(PATH, bytes);
        expectCorrupt(() => world.merge({ late: [sample(805, 1)] }), message);
        expectCorrupt(() => world.merge({ erased: [{ from: 810, through: 815 }] }), message);
        expect(world.bytes.equals(bytes)).to.equal(true);
        expect(world.fileSystem.paths().filter((path) => path.endsWith('.tmp'))).to.deep.equal([]);
        expect(world.fileSystem.openCount).to.equal(0);
      }
    });

    it('in a chunk that it only copies, keeps the damage visible at its new place', () => {
      const world = new World();
      world.persist([irregular(3000)]);
      const count = world.bytes.length / RECORD_BYTES;
      world.files.syncChecksums();
      world.flip((count - 3) * RECORD_BYTES + 500);
      const [first] = world.files.loadDescriptors(HIGH, LOW).firstTimes;
      expect(world.merge({ late: [sample(first + 1, 1)] }).chunksInFile).to.equal(count + 1);
      expect(world.damaged()).to.deep.equal([count - 2]);
      world.files.syncChecksums();
      world.reopen();
      expect(world.damaged()).to.deep.equal([count - 2]);
    });

    it('and without checksums, gives none to chunks that it only copies', () => {
      const world = new World();
      world.persist([irregular(3000)]);
      world.files.discardChecksums();
      const count = world.bytes.length / RECORD_BYTES;
      world.merge({ late: [sample(1, 1)] });
      world.flip(count * RECORD_BYTES + 500);
      expect(world.damaged()).to.deep.equal([]);
      world.flip(500);
      world.flip(RECORD_BYTES + 500);
      expect(world.damaged()).to.include.members([0, 1]);
    });

    it('at its end refuses', () => {
      const world = new World();
      world.persist(regular(2));
      const torn = Buffer.concat([world.bytes, Buffer.from('torn')]);
      world.fileSystem.put(PATH, torn);
      expectCorrupt(() => world.merge({ late: [sample(5, 1)] }), /byte 2082: the file's size 2086/);
      expect(world.bytes.equals(torn)).to.equal(true);
    });
  });

  it('leaves the old file or the new one, whole, after a crash at any call', () => {
    const prepared = (): World => {
      const world = new World();
      world.persist(regular(70));
      world.files.syncChecksums();
      world.fileSystem.writeBytesMax = 8000;
      return world;
    };
    const late = [sample(405, 1), sample(20_005, 2), sample(30_000, 3)];
    const erased = [{ from: 8000, through: 9005 }];
    const request = (world: World) => ({ late, erased, slots: world.encode([sample(29_000, 4)]) });
    const sound = prepared();
    const before = sound.bytes;
    const result = sound.merge(request(sound));
    const after = sound.bytes;
    const { samples } = modelOf(regular(70).flat(), { late, erased, inMemory: [sample(29_000, 4)] });
    expect(sound.samples()).to.deep.equal(samples);
    let crashes = 0;
    for (let crashAt = 0; ; crashAt++) {
      const world = prepared();
      let calls = 0;
      world.fileSystem.onCall = () => {
        if (calls++ >= crashAt) throw new Crash();
      };
      let isOver = false;
      try {
        // A failed sync of the directory is no error: the checkpoint tries again.
        isOver = world.merge(request(world)).isSynced;
      } catch (error) {
        expect((error as TidemarkError).cause).to.be.instanceOf(Crash);
      }
      if (!isOver) crashes++;
      for (const machine of [world.fileSystem.afterKill(), world.fileSystem.afterPowerLoss()]) {
        const content = machine.content(PATH);
        expect(content.equals(before) || content.equals(after), `call ${crashAt}`).to.equal(true);
        if (isOver) expect(content.equals(after), `call ${crashAt}`).to.equal(true);
        const next = new World(machine);
        next.files.renewChecksums(HIGH, LOW, result.firstIndex, content.length / RECORD_BYTES);
        next.files.discardLeftover(HIGH, LOW);
        expect(machine.paths().filter((path) => path.endsWith('.tmp'))).to.deep.equal([]);
        next.merge(request(next));
        expect(next.samples(), `call ${crashAt}`).to.deep.equal(samples);
        expect(next.damaged(), `call ${crashAt}`).to.deep.equal([]);
      }
      if (isOver) break;
    }
    expect(crashes).to.be.greaterThan(10);
  });

  for (const operation of ['open', 'write', 'sync', 'rename'] as const) {
    it(`leaves the file as it is when ${operation} fails, and can be repeated`, () => {
      const world = new World();
      world.persist(regular(3));
      const before = world.bytes;
      world.fileSystem.fail(operation, 'EIO');
      expect(() => world.merge({ late: [sample(5, 1)] }))
        .to.throw(TidemarkError, /can't merge into .*EIO/)
        .with.property('code', 'TIDEMARK_IO');
      expect(world.bytes.equals(before)).to.equal(true);
      expect(world.fileSystem.paths().filter((path) => path.endsWith('.tmp'))).to.deep.equal([]);
      expect(world.damaged()).to.deep.equal([]);
      expect(world.merge({ late: [sample(5, 1)] }).added).to.equal(1);
      expect(world.fileSystem.openCount).to.equal(0);
    });
  }

  it('makes the removal of the tmp file durable with the next checkpoint after a failure', () => {
    const world = new World();
    world.persist(regular(3));
    world.fileSystem.fail('rename', 'EIO');
    expect(() => world.merge({ late: [sample(5, 1)] })).to.throw(TidemarkError);
    const calls = world.fileSystem.calls.length;
    world.files.syncDirectories();
    expect(world.fileSystem.calls.slice(calls)).to.deep.equal([{ operation: 'syncDirectory', path: dirname(PATH) }]);
  });

  it('asks for no sync of a directory that could not be made', () => {
    const world = new World();
    world.fileSystem.makeDirectory = () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, mkdir'), { code: 'ENOSPC' });
    };
    expect(() => world.merge({ late: [sample(5, 1)] })).to.throw(TidemarkError);
    expect(() => world.files.syncDirectories()).not.to.throw();
  });

  it('writes no checksum of the new file to the disk before the new file has its name there', () => {
    const world = new World();
    world.persist(regular(3));
    world.files.syncChecksums();
    world.fileSystem.fail('syncDirectory', 'EIO');
    expect(world.merge({ late: [sample(5, 1)] }).isSynced).to.equal(false);
    world.fileSystem.calls.length = 0;
    world.files.syncChecksums();
    const calls = world.fileSystem.calls.map(({ operation, path }) => `${operation} ${path}`);
    const named = calls.indexOf('syncDirectory /store/25');
    expect(named).to.be.at.least(0);
    expect(named).to.be.lessThan(calls.findIndex((call) => call.startsWith('write /store/checksums')));
  });

  it('needs the memory of a few chunks, however many samples and chunks there are', () => {
    const world = new World();
    const inFile = Array.from({ length: 200_000 }, (_, i) => sample(20 * i, i % 1000));
    world.persist([inFile]);
    const late = inFile.map(({ time }, i) => sample(time + 10, i));
    const memory = new MergeMemory();
    const access = new SeriesFileAccess(world.fileSystem, '/store', world.slab);
    const request = { high: HIGH, low: LOW, slots: [], encodings: new Uint8Array(0), encoding: DOUBLE_DELTA } as const;
    const result = mergeRecords(access, memory, { ...request, ...columnsOf(late), erased: [] });
    expect(result).to.include({ added: 200_000, conflicting: 0 });
    expect(memory.slab.bytes).to.equal(FULL_BLOCK_BYTES);
    expect(memory.slab.used).to.equal(0);
    expect(memory.columns.timestamps.length).to.be.at.most(4096);
    const samples = world.samples();
    expect(samples.length).to.equal(400_000);
    expect(samples[399_998]).to.equal(textOf(inFile[199_999]));
    expect(samples[399_999]).to.equal(textOf(late[199_999]));
    const gone = mergeRecords(access, memory, {
      ...request,
      ...columnsOf([]),
      erased: [{ from: 100, through: 3_999_000 }],
    });
    expect(gone.erasedSamples + world.samples().length).to.equal(400_000);
    expect(memory.isLarge).to.equal(false);
  });

  it('releases the chunks that it has encoded, also those that it divided evenly', () => {
    const world = new World();
    world.persist([irregular(1000)]);
    const { firstTimes } = world.files.loadDescriptors(HIGH, LOW);
    const memory = new MergeMemory();
    const access = new SeriesFileAccess(world.fileSystem, '/store', world.slab);
    const late = columnsOf([sample(firstTimes[1] + 500, 1)]);
    const none = { erased: [], slots: [], encodings: new Uint8Array(0) };
    const request = { high: HIGH, low: LOW, ...late, ...none, encoding: DOUBLE_DELTA } as const;
    expect(mergeRecords(access, memory, request).chunksInFile).to.equal(firstTimes.length + 1);
    expect(memory.slab.used).to.equal(0);
  });
});
