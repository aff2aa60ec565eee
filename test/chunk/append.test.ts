import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { DELTA, DOUBLE_DELTA, VARBIT } from '../../src/chunk/chunk.ts';
import { highWordOf, lowWordOf } from '../../src/chunk/float-bits.ts';
import { NO_SLOT, Slab, type Slot } from '../../src/chunk/slab.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { decodeBits, hexOf, highOfTime, lowOfTime, sampleOf, textOf } from './support.ts';

const chainFrom = (slab: Slab, first: Slot): Slot[] => {
  const slots: Slot[] = [];
  for (let slot = first; slot !== NO_SLOT; slot = slab.next[slot]) slots.push(slot);
  return slots;
};

const decodedFrom = (slab: Slab, first: Slot): string[] =>
  chainFrom(slab, first).flatMap((slot) => decodeBits(slab.bytesOf(slot), 0, slab.encoding[slot]).map(textOf));

describe('ChunkAppender', () => {
  it('starts chunks of the default encoding, each in a slot of its own with one reference', () => {
    for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const) {
      const slab = new Slab();
      const slot = new ChunkAppender(slab, { defaultEncoding: encoding }).start(1000, highWordOf(1.5), lowWordOf(1.5));
      expect(slab.encoding[slot]).to.equal(encoding);
      expect(slab['references'][slot]).to.equal(1);
      expect(slab.used).to.equal(1);
      expect(decodedFrom(slab, slot)).to.deep.equal([textOf(sampleOf(1000, 1.5))]);
    }
  });

  it('goes on in a chunk of the default encoding when one of another is full', () => {
    const slab = new Slab();
    const before = new ChunkAppender(slab, { defaultEncoding: DELTA });
    const after = new ChunkAppender(slab, { defaultEncoding: VARBIT });
    const first = before.start(0, 0, 0);
    let head = first;
    for (let i = 1; i <= 600; i++)
      head = (i < 100 ? before : after).append(head, i * 1000, highWordOf(i), lowWordOf(i));
    const encodings = chainFrom(slab, first).map((slot) => slab.encoding[slot]);
    expect(encodings).to.deep.equal([DELTA, VARBIT]);
    expect(head).to.equal(slab.next[first]);
    expect(decodedFrom(slab, first)).to.have.length(601);
  });

  it('keeps the first chunk in its slot when a sample has it written again as several', () => {
    const slab = new Slab();
    const appender = new ChunkAppender(slab, { defaultEncoding: DOUBLE_DELTA });
    const first = appender.start(0, highWordOf(5), lowWordOf(5));
    let head = first;
    const samples = [sampleOf(0, 5)];
    for (let i = 1; i < 450; i++) {
      samples.push(sampleOf(i * 1000, 5));
      head = appender.append(head, i * 1000, highWordOf(5), lowWordOf(5));
      expect(head).to.equal(first);
    }
    samples.push(sampleOf(450_000, Math.PI));
    head = appender.append(head, 450_000, highWordOf(Math.PI), lowWordOf(Math.PI));
    const chain = chainFrom(slab, first);
    expect(chain.length).to.be.greaterThan(1);
    expect(chain.at(-1)).to.equal(head);
    expect(slab.used).to.equal(chain.length);
    expect(chain.every((slot) => slab['references'][slot] === 1)).to.equal(true);
    expect(decodedFrom(slab, first)).to.deep.equal(samples.map(textOf));
  });

  it('refuses a sample from before the chunk with a typed error, in the words of the original', () => {
    const messages = [
      'time delta is less than zero: -0.5',
      'base time delta is less than zero: -0.5',
      'first Δt is less than zero: -0.5',
    ];
    for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const) {
      const slab = new Slab();
      const appender = new ChunkAppender(slab, { defaultEncoding: encoding });
      const slot = appender.start(1000, 0, 0);
      const before = hexOf(slab.bytesOf(slot));
      expect(() => appender.append(slot, 500, 0, 0))
        .to.throw(TidemarkError, messages[encoding])
        .with.property('code', 'TIDEMARK_CORRUPT_CHUNK');
      expect(hexOf(slab.bytesOf(slot))).to.equal(before);
    }
  });

  it('puts everything back when a damaged chunk can not be written again', () => {
    let refusals = 0;
    for (const parity of [0, 1]) {
      const slab = new Slab();
      // Times that go back are not noticed by double-delta, but by the delta chunks that it overflows into.
      const foreign = new ChunkAppender(slab, { defaultEncoding: DOUBLE_DELTA });
      const appender = new ChunkAppender(slab, { defaultEncoding: DELTA });
      const slot = foreign.start(0, highWordOf(5), lowWordOf(5));
      for (let i = 1; i < 400; i++) {
        const time = i * 10 - (i > 1 && i % 2 === parity ? 50 : 0);
        expect(
          foreign.appendWide(slot, highOfTime(BigInt(time)), lowOfTime(BigInt(time)), highWordOf(5), lowWordOf(5)),
        ).to.equal(slot);
      }
      const before = hexOf(slab.bytesOf(slot));
      try {
        appender.append(slot, 5000, highWordOf(0.1), lowWordOf(0.1));
      } catch (error) {
        expect(error).to.be.instanceOf(TidemarkError);
        expect(hexOf(slab.bytesOf(slot))).to.equal(before);
        expect(slab.next[slot]).to.equal(NO_SLOT);
        expect(slab.used).to.equal(1);
        refusals++;
      }
    }
    expect(refusals).to.be.greaterThan(0);
  });
});
