/**
 * What Tidemark writes is what the original wrote: the samples of the clean fixtures, appended in order, give the same
 * chunks byte for byte, the same heads.db, the same mappings and the same index entries.
 *
 * For this the encoders do as the original does, also where that loses bits (`lossless: false`); the store itself never
 * does that. Of encodings 0 and 1 the original leaves the unused end of a chunk in a series file to chance, so there only
 * the used bytes can be compared. In a few groups the original closed a head early or dropped old chunks: those chunks
 * are made again one by one from their samples.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { type Encoding, SampleColumns } from '../../src/chunk/chunk.ts';
import { decodeChunk, usedBytesOf } from '../../src/chunk/decode.ts';
import { NO_SLOT, Slab, type Slot } from '../../src/chunk/slab.ts';
import { HeadsWriter } from '../../src/disk/heads/heads-writer.ts';
import { encodeMappings, readMappings } from '../../src/disk/mappings.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { ArchiveBatch, ArchiveIndex } from '../../src/indexes/archive-index.ts';
import type { KeyValueStore } from '../../src/indexes/key-value-store.ts';
import { LabelIndex } from '../../src/indexes/label-index.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { FingerprintMapper } from '../../src/model/collisions.ts';
import { fastFingerprint, fingerprintText, parseFingerprint } from '../../src/model/fingerprint.ts';
import { type LabelPairs, toLabelPairs } from '../../src/model/labels.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { MemoryStore } from '../support/memory-stores.ts';
import { extractFixture } from '../support/tar.ts';
import { contentOf, type DirectoryContent } from './support/directory-content.ts';
import { originalSeries, type SeenSeries, textOf } from './support/fixture-runs.ts';
import { rawRecords } from './support/raw-heads.ts';

const fixtures: Readonly<Record<string, Encoding>> = {
  base: 1,
  'clean-archived': 1,
  'clean-small-delta': 0,
  'clean-small-doubledelta': 1,
  'clean-small-varbit': 2,
  collisions: 1,
  'heads-v1': 0,
  'written-by-1.5.2': 2,
};

/** Groups in which a head was closed before it was full, or chunks were dropped. */
const staged = /^(?:below-shrink-ratio|half-dropped|mem-below-ratio|mem-half-dropped|unarchived-by-.*|untouched)$/;

interface Appended {
  readonly metric: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [number, string])[];
}

describe('what is written', () => {
  for (const [name, encoding] of Object.entries(fixtures)) {
    const fixture = { directory: '', remove: () => {} };

    before(() => Object.assign(fixture, extractFixture(name)));
    after(() => fixture.remove());

    it(`has the original's chunks, byte for byte: ${name}`, async () => {
      const { heads } = await contentOf(fixture.directory);
      const { series, original } = seriesOf(name);
      let compared = 0;
      for (const { metric, samples } of series) {
        const seen = original.get(textOf(withoutEmpty(metric)));
        if (seen === undefined) continue;
        const theirs = chunksOf(fixture.directory, heads, seen);
        const isStaged = staged.test(metric['group'] ?? '');
        const wanted = theirs.map(usedPart);
        const ours = isStaged ? encodedInStages(samples, wanted) : encoded(samples, encoding);
        expect(ours, textOf(metric)).to.deep.equal(wanted);
        compared += ours.length;
      }
      expect(compared).to.be.greaterThan(10);
    });
  }

  for (const name of ['base', 'clean-small-delta', 'clean-small-doubledelta', 'clean-small-varbit', 'collisions']) {
    it(`is the original's heads.db, byte for byte: ${name}`, async () => {
      const { directory, remove } = extractFixture(name);
      try {
        const theirs = readFileSync(join(directory, 'heads.db'));
        const rewritten = join(directory, 'rewritten');
        mkdirSync(rewritten);
        await writeHeads(name, theirs, rewritten);
        expect(readFileSync(join(rewritten, 'heads.db')).equals(theirs)).to.equal(true);
      } finally {
        remove();
      }
    });
  }

  it("is the original's mapping table", () => {
    const { directory, remove } = extractFixture('collisions');
    try {
      const theirs = readMappings(nodeFileSystem, directory);
      const mapper = new FingerprintMapper();
      const stored = new Map<string, LabelPairs>();
      const lookups = {
        inMemory: (high: number, low: number) => stored.get(fingerprintText(high, low)),
        archived: () => undefined,
      };
      // Mapped fingerprints are given out in ascending order: this is the order in which the series came.
      const inOrder = [...originalSeries('collisions', 'as-is').values()].sort(byCreation);
      for (const { metric } of inOrder) {
        const pairs = toLabelPairs(metric);
        const raw = new Int32Array(2);
        fastFingerprint(pairs, raw);
        const { high, low } = mapper.map(raw[0], raw[1], pairs, lookups);
        stored.set(fingerprintText(high, low), pairs);
      }
      expect([...mapper.entries()].length).to.equal(7);
      const ours = Buffer.from(encodeMappings(mapper.entries()));
      expect(ours.equals(Buffer.from(encodeMappings(theirs.mappings)))).to.equal(true);
      expect(ours.length).to.equal(readFileSync(join(directory, 'mappings.db')).length);
    } finally {
      remove();
    }
  });

  for (const name of ['base', 'clean-archived', 'collisions', 'clean-small-varbit']) {
    it(`has the original's index entries, key by key: ${name}`, async () => {
      const { directory, remove } = extractFixture(name);
      try {
        const content = await contentOf(directory);
        const stores = await indexed(name, content);
        for (const [folder, ours] of Object.entries(stores)) {
          const theirs = await levelStores.openCopy(join(directory, folder));
          const [ourKeys, theirKeys] = [await entriesOf(ours), await entriesOf(theirs)];
          await theirs.close();
          expect([...ourKeys.keys()]).to.deep.equal([...theirKeys.keys()]);
          // Sets and metrics have no order: the same elements take the same bytes, sorted.
          for (const [key, value] of ourKeys) expect(sorted(value)).to.equal(sorted(theirKeys.get(key)!), key);
        }
      } finally {
        remove();
      }
    });
  }
});

/** Those under their own fingerprint first, then by mapped fingerprint. */
const byCreation = (a: SeenSeries, b: SeenSeries): number => {
  const rank = ({ fingerprint }: SeenSeries): string => (/^0{8}/.test(fingerprint) ? fingerprint : '');
  return rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0;
};

interface Chunk {
  readonly encoding: number;
  readonly bytes: Buffer;
}

const seriesOf = (name: string): { series: readonly Appended[]; original: ReadonlyMap<string, SeenSeries> } => ({
  series: fixtureJson<{ series: Appended[] }>(`dirs/${name}/appended.json`).series,
  original: originalSeries(name, 'as-is'),
});

/** The samples in chunks, as far as these are used. */
const encoded = (samples: Appended['samples'], encoding: Encoding): Chunk[] => {
  const slab = new Slab();
  return slotsOf(slab, samples, encoding).map((slot) =>
    usedPart({ encoding: slab.encoding[slot], bytes: copyOf(slab, slot) }),
  );
};

const slotsOf = (slab: Slab, samples: Appended['samples'], encoding: Encoding): Slot[] => {
  const appender = new ChunkAppender(slab, { defaultEncoding: encoding, lossless: false });
  let first = NO_SLOT;
  let head = NO_SLOT;
  for (const [time, bits] of samples) {
    const high = Number.parseInt(bits.slice(0, 8), 16) | 0;
    const low = Number.parseInt(bits.slice(8), 16) | 0;
    if (head === NO_SLOT) first = head = appender.start(Number(time), high, low);
    else head = appender.append(head, Number(time), high, low);
  }
  const slots = [first];
  while (slots[slots.length - 1] !== head) slots.push(slab.next[slots[slots.length - 1]]);
  return slots;
};

/**
 * The samples in chunks, beginning with the first sample that the original still has, and with the head closed wherever
 * the original's chunk ends early. That chunk, too, must be what the encoder makes of its samples.
 */
const encodedInStages = (samples: Appended['samples'], theirs: readonly Chunk[]): Chunk[] => {
  const all = encoded(samples, theirs[0].encoding as Encoding);
  const firstTime = timesOf(theirs[0])[0];
  const dropped = all.findIndex((chunk) => timesOf(chunk)[0] === firstTime);
  let from = all.slice(0, dropped).reduce((sum, chunk) => sum + timesOf(chunk).length, 0);
  const ours = all.slice(dropped, dropped);
  while (ours.length < theirs.length) {
    // The default encoding changed between some stages.
    const encoding = theirs[ours.length].encoding as Encoding;
    // Up to the end of the first chunk that does not come out the same, or of all.
    const rest = encoded(samples.slice(from), encoding);
    const same = rest.findIndex((chunk, i) => !isSame(chunk, theirs[ours.length + i]));
    const count = same < 0 ? rest.length : same + (theirs[ours.length + same]?.encoding === encoding ? 1 : 0);
    const end =
      from + theirs.slice(ours.length, ours.length + count).reduce((sum, chunk) => sum + timesOf(chunk).length, 0);
    const stage = encoded(samples.slice(from, end), encoding);
    if (stage.length === 0) break;
    ours.push(...stage);
    from = end;
  }
  return ours;
};

const isSame = (a: Chunk, b: Chunk | undefined): boolean =>
  b !== undefined && a.encoding === b.encoding && a.bytes.equals(b.bytes);

const timesOf = ({ encoding, bytes }: Chunk): number[] => {
  const columns = new SampleColumns();
  const whole = Buffer.alloc(1024);
  whole.set(bytes);
  decodeChunk(whole, 0, encoding, columns);
  return [...columns.timestamps.subarray(0, columns.count)];
};

const copyOf = (slab: Slab, slot: Slot): Buffer => Buffer.from(slab.bytesOf(slot));

const usedPart = ({ encoding, bytes }: Chunk): Chunk => ({
  encoding,
  bytes: Buffer.from(bytes.subarray(0, usedBytesOf(bytes, 0, encoding))),
});

/** What the original has of a series: the chunks of its file, then those in heads.db. */
const chunksOf = (directory: string, heads: DirectoryContent['heads'], { fingerprint }: SeenSeries): Chunk[] => {
  const path = join(directory, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.db`);
  const file = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const chunks: Chunk[] = [];
  for (let at = 0; at < file.length; at += 1041)
    chunks.push({ encoding: file[at], bytes: file.subarray(at + 17, at + 1041) });
  const record = heads[fingerprint] as { readonly chunks: readonly string[] } | undefined;
  for (const chunk of record?.chunks ?? []) {
    const [encoding, hex] = chunk.split(' ');
    chunks.push({ encoding: Number(encoding), bytes: Buffer.from(hex, 'hex') });
  }
  return chunks;
};

/** heads.db from the appended samples; which chunks are in files already, and these files' times, are the fixture's. */
const writeHeads = async (name: string, theirs: Buffer, directory: string): Promise<void> => {
  const slab = new Slab();
  const { series, original } = seriesOf(name);
  const byFingerprint = new Map(
    series.map(({ metric, samples }) => [original.get(textOf(withoutEmpty(metric)))?.fingerprint, samples] as const),
  );
  const writer = new HeadsWriter(nodeFileSystem, directory, slab, systemClock);
  const records = rawRecords(theirs);
  writer.begin(records.length);
  for (const { fingerprint, pairs, mtimeNs, savedFirstTime, chunks } of records) {
    const slots = slotsOf(slab, byFingerprint.get(fingerprint) ?? [], fixtures[name]);
    const isPersisted = chunks === 0;
    const newest = isPersisted ? descriptorOf(slab, slots[slots.length - 1]) : [];
    const { high, low } = parseFingerprint(fingerprint)!;
    writer.add({
      high,
      low,
      pairs,
      mtimeNs,
      savedFirstTime: Number(savedFirstTime),
      watermark: isPersisted ? 1 : 0,
      chunkDescsOffset: slots.length - (isPersisted ? 1 : chunks),
      descriptorTimes: newest,
      slots: isPersisted ? [] : slots.slice(-chunks),
    });
  }
  await writer.finish();
};

const descriptorOf = (slab: Slab, slot: Slot): number[] => {
  const columns = new SampleColumns();
  decodeChunk(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], columns);
  return [columns.timestamps[0], columns.timestamps[columns.count - 1]];
};

/** The four indexes, filled with the fixture's series. */
const indexed = async (name: string, content: DirectoryContent): Promise<Record<string, MemoryStore>> => {
  const [metrics, times, names, pairs] = Array.from({ length: 4 }, () => new MemoryStore());
  const labels = new LabelIndex(names, pairs);
  const archive = new ArchiveIndex(metrics, times);
  const series = [...originalSeries(name, 'as-is').values()].map(({ fingerprint, metric }) => {
    return { ...parseFingerprint(fingerprint)!, fingerprint, pairs: toLabelPairs(metric) };
  });
  await labels.apply(series.map((each) => ({ type: 'index', ...each })));
  const batch = new ArchiveBatch();
  for (const { high, low, fingerprint, pairs: metric } of series) {
    const range = content.archivedTimes[fingerprint];
    if (range !== undefined) batch.archive(high, low, metric, { firstTime: range[0], lastTime: range[1] });
  }
  await archive.apply(batch, { sync: false });
  return {
    archived_fingerprint_to_metric: metrics,
    archived_fingerprint_to_timerange: times,
    labelname_to_labelvalues: names,
    labelpair_to_fingerprints: pairs,
  };
};

const entriesOf = async (store: KeyValueStore): Promise<Map<string, Uint8Array>> => {
  const entries = new Map<string, Uint8Array>();
  for await (const page of store.entries())
    for (const [key, value] of page) entries.set(Buffer.from(key).toString('hex'), value);
  return entries;
};

const sorted = (bytes: Uint8Array): string => Buffer.from(bytes).sort().toString('hex');

const withoutEmpty = (metric: Appended['metric']): Appended['metric'] =>
  Object.fromEntries(Object.entries(metric).filter(([, value]) => value !== ''));
