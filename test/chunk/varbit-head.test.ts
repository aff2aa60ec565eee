import { expect } from 'chai';
import fc from 'fast-check';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { CHUNK_BYTES, NO_SLOT, Slab, type Slot } from '../../src/chunk/slab.ts';
import { appendToHead, HEAD_REGISTERS, loadHead, storeHead } from '../../src/chunk/varbit-head.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { samplesOf, streamPlans } from './streams.ts';
import {
  type BitSample,
  type FixtureSample,
  fromFixture,
  fromRuns,
  hexOf,
  type Run,
  Series,
  seeded,
} from './support.ts';

/** A series that is appended to as the store does it: in registers where that is possible, in the slot otherwise. */
class HeadSeries {
  readonly slab = new Slab();
  private readonly appender = new ChunkAppender(this.slab, { defaultEncoding: VARBIT });
  /** Some int32s before and after the registers, which nobody may touch. */
  private readonly rows = new Int32Array(HEAD_REGISTERS + 4).fill(0x5a5a5a5a);
  private first: Slot = NO_SLOT;
  private head: Slot = NO_SLOT;
  private last: BitSample = { time: 0n, high: 0, low: 0 };
  private isLoaded = false;
  fastCount = 0;

  append(sample: BitSample): void {
    const time = Number(sample.time);
    if (this.isLoaded && this.appendFast(time, sample.high, sample.low)) this.fastCount++;
    else this.appendSlowly(time, sample.high, sample.low);
    this.last = sample;
  }

  /** The 1,024 bytes of all chunks, the head's brought up to date. */
  hexes(): string[] {
    this.store();
    const hexes: string[] = [];
    for (let slot = this.first; slot !== NO_SLOT; slot = this.slab.next[slot])
      hexes.push(hexOf(this.slab.bytesOf(slot)));
    return hexes;
  }

  /** Takes the head out of the registers and in again, as a checkpoint or a restart does. */
  reload(): void {
    this.store();
    this.load();
  }

  registersAreAlone(): boolean {
    const around = [this.rows[0], this.rows[1], this.rows[HEAD_REGISTERS + 2], this.rows[HEAD_REGISTERS + 3]];
    return around.every((value) => value === 0x5a5a5a5a);
  }

  private appendFast(time: number, high: number, low: number): boolean {
    const { slab, head, last } = this;
    const block = slab.blockOf(head);
    return appendToHead(
      this.rows,
      2,
      block,
      slab.offsetOf(head),
      Number(last.time),
      last.high,
      last.low,
      time,
      high,
      low,
    );
  }

  private appendSlowly(time: number, high: number, low: number): void {
    if (this.head === NO_SLOT) {
      this.first = this.head = this.appender.start(time, high, low);
    } else {
      this.store();
      this.head = this.appender.append(this.head, time, high, low);
    }
    this.load();
  }

  private store(): void {
    const { slab, head, last } = this;
    if (!this.isLoaded) return;
    storeHead(this.rows, 2, slab.blockOf(head), slab.offsetOf(head), Number(last.time), last.high, last.low);
  }

  private load(): void {
    this.isLoaded = loadHead(this.rows, 2, this.slab.blockOf(this.head), this.slab.offsetOf(this.head), CHUNK_BYTES);
  }
}

describe('varbit heads in registers', () => {
  it('leave the bytes that the appender leaves in the slot, whenever one looks', () => {
    fc.assert(
      fc.property(streamPlans(), fc.integer({ min: 1, max: 97 }), fc.boolean(), (plan, lookEvery, reloads) => {
        const plain = new Series(VARBIT, true);
        const series = new HeadSeries();
        samplesOf(plan).forEach((sample, index) => {
          plain.append(sample);
          series.append(sample);
          if (index % lookEvery !== 0) return;
          expect(series.hexes()).to.deep.equal(plain.hexes());
          if (reloads) series.reload();
        });
        expect(series.hexes()).to.deep.equal(plain.hexes());
        expect(series.registersAreAlone()).to.equal(true);
      }),
      seeded(80),
    );
  });

  it('leave the bytes that the appender leaves after every single sample', () => {
    fc.assert(
      fc.property(streamPlans(40), (plan) => {
        const plain = new Series(VARBIT, true);
        const series = new HeadSeries();
        for (const sample of samplesOf(plan)) {
          plain.append(sample);
          series.append(sample);
          expect(series.hexes()).to.deep.equal(plain.hexes());
        }
      }),
      seeded(150),
    );
  });

  it('leave the bytes of the original for its own cases', () => {
    const { cases } = fixtureJson<{
      cases: readonly {
        encoding: number;
        samples?: readonly FixtureSample[];
        runs?: readonly Run[];
        errors?: unknown;
        decodedEqualsInput: boolean;
        chunks: readonly { hex: string }[];
      }[];
    }>('chunks.json');
    for (const fixture of cases) {
      if (fixture.encoding !== VARBIT || fixture.errors !== undefined || !fixture.decodedEqualsInput) continue;
      const samples = fixture.samples?.map(fromFixture) ?? fromRuns(fixture.runs as readonly Run[]);
      if (samples.some(({ time }) => !Number.isSafeInteger(Number(time)))) continue;
      const series = new HeadSeries();
      for (const sample of samples) series.append(sample);
      expect(series.hexes()).to.deep.equal(fixture.chunks.map(({ hex }) => hex));
    }
  });

  it('take all but a few samples of a chunk', () => {
    const samples = samplesOf({
      seed: 7,
      start: 1_735_689_600_000,
      phases: [{ values: 'decimals', intervals: 'jitter', length: 2000 }],
    });
    const series = new HeadSeries();
    for (const sample of samples) series.append(sample);
    expect(series.fastCount).to.be.greaterThan(samples.length * 0.95);
  });

  it('refuse, with nothing changed, a time that is not after the last one and an interval that has no field', () => {
    const rows = new Int32Array(HEAD_REGISTERS);
    const slab = new Slab();
    const appender = new ChunkAppender(slab, { defaultEncoding: VARBIT });
    const slot = appender.append(appender.start(1000, 0x3ff00000, 0), 2000, 0x3ff00000, 0);
    const block = slab.blockOf(slot);
    const offset = slab.offsetOf(slot);
    expect(loadHead(rows, 0, block, offset, CHUNK_BYTES)).to.equal(true);
    const before = [...rows];
    for (const time of [1999, 2000 + 2 ** 24, 2 ** 50, Number.NaN]) {
      expect(appendToHead(rows, 0, block, offset, 2000, 0x3ff00000, 0, time, 0x3ff00000, 0)).to.equal(false);
      expect([...rows]).to.deep.equal(before);
    }
  });

  it('are not taken from closed or damaged chunks', () => {
    const slab = new Slab();
    const appender = new ChunkAppender(slab, { defaultEncoding: VARBIT });
    const slot = appender.append(appender.append(appender.start(0, 0, 0), 1000, 0, 0), 2000, 0, 0);
    const good = slab.bytesOf(slot).slice();
    const rows = new Int32Array(HEAD_REGISTERS);
    const isTaken = (damage: (bytes: Uint8Array) => void): boolean => {
      const bytes = good.slice();
      damage(bytes);
      return loadHead(rows, 0, bytes, 0, CHUNK_BYTES);
    };
    expect(isTaken(() => {})).to.equal(true);
    expect(isTaken((bytes) => bytes.fill(0))).to.equal(false);
    expect(isTaken((bytes) => bytes.fill(0x80, 35, 36))).to.equal(false);
    expect(isTaken((bytes) => bytes.fill(0x04, 35, 36))).to.equal(false);
    expect(isTaken((bytes) => bytes.fill(0x01, 36, 37).fill(0x2f, 37, 38))).to.equal(false);
    expect(isTaken((bytes) => bytes.fill(0xff, 36, 38))).to.equal(false);
    expect(isTaken((bytes) => bytes.fill(0xff, 1015, 1017))).to.equal(false);
    expect(isTaken((bytes) => bytes.fill(0, 1015, 1016).fill(3, 1016, 1017))).to.equal(false);
  });
});
