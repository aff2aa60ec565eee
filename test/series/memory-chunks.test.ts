import { expect } from 'chai';
import fc from 'fast-check';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { SampleColumns, VARBIT } from '../../src/chunk/chunk.ts';
import { decodeChunk } from '../../src/chunk/decode.ts';
import { CHUNK_BYTES, NO_SLOT, Slab, type Slot, SMALL_SLOT_BYTES } from '../../src/chunk/slab.ts';
import { writeWhole } from '../../src/chunk/small-head.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { type Row, SeriesTable } from '../../src/series/table.ts';
import { samplesOf, streamPlans } from '../chunk/streams.ts';
import { type BitSample, hexOf, Series, seeded } from '../chunk/support.ts';

/** A series as the store keeps it, and what is asked of it. */
class Subject {
  readonly slab = new Slab();
  readonly table = new SeriesTable();
  readonly chunks = new MemoryChunks(this.table, this.slab, new ChunkAppender(this.slab, { defaultEncoding: VARBIT }));
  row: Row = this.table.add(1, 2, ['__name__', 'm']);

  append({ time, high, low }: BitSample): void {
    this.chunks.append(this.row, Number(time), high, low);
  }

  /** The 1,024 bytes of each chunk, as a checkpoint has them. */
  hexes(): string[] {
    return this.chunks.allSlots(this.row).map((slot) => hexOf(this.whole(slot)));
  }

  /** What a query reads, from the slots as they are. */
  times(): number[] {
    const columns = new SampleColumns();
    for (const slot of this.chunks.allSlots(this.row)) {
      decodeChunk(this.slab.blockOf(slot), this.slab.offsetOf(slot), this.slab.encoding[slot], columns);
    }
    return [...columns.timestamps.subarray(0, columns.count)];
  }

  get headBytes(): number {
    return this.slab.sizeOf(this.table.headSlot(this.row));
  }

  private whole(slot: Slot): Uint8Array {
    if (this.slab.sizeOf(slot) === CHUNK_BYTES) return this.slab.bytesOf(slot);
    const bytes = new Uint8Array(CHUNK_BYTES);
    writeWhole(this.slab.blockOf(slot), this.slab.offsetOf(slot), bytes, 0);
    return bytes;
  }
}

/** Samples in order of time, as `append` demands them. */
const ordered = (samples: readonly BitSample[]): BitSample[] =>
  samples.filter(({ time }, i) => i === 0 || time > samples[i - 1].time);

describe('MemoryChunks', () => {
  it('keeps the chunks that the appender makes, in small slots or not', () => {
    fc.assert(
      fc.property(streamPlans(), fc.integer({ min: 1, max: 97 }), (plan, lookEvery) => {
        const plain = new Series(VARBIT, true);
        const subject = new Subject();
        ordered(samplesOf(plan)).forEach((sample, index) => {
          plain.append(sample);
          subject.append(sample);
          if (index % lookEvery === 0) expect(subject.hexes()).to.deep.equal(plain.hexes());
        });
        expect(subject.hexes()).to.deep.equal(plain.hexes());
        expect(subject.slab.used).to.equal(plain.hexes().length);
      }),
      seeded(120),
    );
  });

  it('keeps them when the head moves to an earlier block', () => {
    fc.assert(
      fc.property(streamPlans(), fc.integer({ min: 1, max: 97 }), (plan, moveEvery) => {
        const plain = new Series(VARBIT, true);
        const subject = new Subject();
        const { slab, table, chunks } = subject;
        const others = Array.from({ length: 1024 }, () => slab.allocate(VARBIT));
        const from = others[0] + others.length;
        ordered(samplesOf(plan)).forEach((sample, index) => {
          plain.append(sample);
          subject.append(sample);
          if (index % moveEvery !== 0) return;
          if (!slab.hasRoomBefore(from)) slab.release(others.pop() ?? NO_SLOT);
          const before = table.headSlot(subject.row);
          const isMovable = before >= from && subject.headBytes === CHUNK_BYTES;
          chunks.moveHeadBefore(subject.row, from);
          expect(table.headSlot(subject.row) !== before).to.equal(isMovable);
          if (isMovable) expect(table.headSlot(subject.row)).to.be.lessThan(from);
        });
        expect(subject.hexes()).to.deep.equal(plain.hexes());
        expect(slab.used).to.equal(plain.hexes().length + others.length);
      }),
      seeded(120),
    );
  });

  it('keeps them when heads are closed, dropped in part, and moved to another row', () => {
    const acts = fc.array(fc.constantFrom('append', 'append', 'append', 'close', 'drop', 'move'), { maxLength: 60 });
    fc.assert(
      fc.property(streamPlans(400), acts, (plan, steps) => {
        const subject = new Subject();
        const { chunks, table, slab } = subject;
        const samples = ordered(samplesOf(plan));
        const kept: number[] = [];
        let next = 0;
        for (const step of steps) {
          if (step === 'append') {
            for (const sample of samples.slice(next, next + 9)) {
              subject.append(sample);
              kept.push(Number(sample.time));
            }
            next = Math.min(next + 9, samples.length);
          } else if (step === 'close') {
            chunks.closeHead(subject.row);
          } else if (step === 'drop' && kept.length > 0) {
            const through = kept[kept.length >> 1];
            chunks.dropThrough(subject.row, through);
            kept.splice(0, kept.filter((time) => time <= through).length);
          } else if (step === 'move') {
            const to = table.add(3, next, ['__name__', `m${next}`]);
            chunks.move(subject.row, to);
            subject.row = to;
          }
          expect(subject.times()).to.deep.equal(kept);
        }
        chunks.releaseAll(subject.row);
        expect(slab.used).to.equal(0);
        expect(slab.usedBytes).to.equal(0);
      }),
      seeded(200),
    );
  });

  it('keeps a short head in a small slot, and a long or closed one in a full slot', () => {
    const subject = new Subject();
    for (let i = 0; i < 2000; i++) subject.append({ time: BigInt(i * 1000), high: 0x3ff00000, low: 0 });
    expect(subject.headBytes).to.equal(SMALL_SLOT_BYTES);
    expect(subject.slab.usedBytes).to.equal(SMALL_SLOT_BYTES);
    for (let i = 0; i < 30; i++)
      subject.append({ time: BigInt(3_000_000 + i * 1000), high: 0x3ff00000 + i, low: i * 77 });
    expect(subject.headBytes).to.equal(CHUNK_BYTES);

    const closed = new Subject();
    closed.append({ time: 1000n, high: 0x3ff00000, low: 0 });
    expect(closed.headBytes).to.equal(SMALL_SLOT_BYTES);
    closed.chunks.closeHead(closed.row);
    expect(closed.headBytes).to.equal(CHUNK_BYTES);
    expect(closed.slab.used).to.equal(1);
  });
});
