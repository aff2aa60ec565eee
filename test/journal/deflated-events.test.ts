import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import { EventsDecoder, encodeEvents } from '../../src/journal/format/events-codec.ts';
import { deflateEvents, inflateEvents } from '../../src/journal/history/deflated-events.ts';
import { ByteWriter } from '../../src/model/byte-writer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { MalformedBytes } from '../../src/model/malformed-bytes.ts';
import { created } from './journal-fixture.ts';

const encoded = (events: readonly LifecycleEvent[]): Buffer => {
  const writer = new ByteWriter(1024);
  encodeEvents(events, writer);
  return Buffer.from(writer.view());
};

/** Bytes in which nothing repeats. */
const noise = (byteCount: number): Buffer => {
  let state = 1;
  return Buffer.from(
    Uint8Array.from({ length: byteCount }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
};

/** What `deflateEvents` would make of a payload, with a length of one's choice. */
const sealed = (byteCount: number, deflated: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(byteCount);
  return Buffer.concat([length, deflated]);
};

describe('deflated events', () => {
  it('are the same after inflating, and take less than a third', () => {
    const events = Array.from({ length: 300 }, (_, series) => created(series));
    const payload = encoded(events);
    const deflated = deflateEvents(payload)!;
    expect(deflated.length).to.be.below(payload.length / 3);
    const inflated = inflateEvents(deflated);
    expect(inflated.equals(payload)).to.equal(true);
    expect(new EventsDecoder().decode(inflated, 0, inflated.length)).to.deep.equal(events);
  });

  it('stay as they are when they are few, very many, or would not become smaller', () => {
    expect(deflateEvents(encoded([created(1)]))).to.equal(undefined);
    expect(deflateEvents(Buffer.alloc(0))).to.equal(undefined);
    expect(deflateEvents(Buffer.alloc(255))).to.equal(undefined);
    expect(deflateEvents(Buffer.alloc(256))).to.be.instanceOf(Buffer);
    expect(deflateEvents(noise(10_000))).to.equal(undefined);
    expect(deflateEvents(Buffer.alloc(64 * 1024))).to.be.instanceOf(Buffer);
    expect(deflateEvents(Buffer.alloc(64 * 1024 + 1))).to.equal(undefined);
  });

  it('of any length in the bounds come back', () => {
    for (const byteCount of [256, 257, 4095, 16_384, 64 * 1024]) {
      const payload = Buffer.alloc(byteCount, 'abc');
      expect(inflateEvents(deflateEvents(payload)!).equals(payload), String(byteCount)).to.equal(true);
    }
  });

  it('that are malformed are told as such, without memory for what they promise', () => {
    const payload = Buffer.alloc(5000, 'abc');
    const deflated = deflateRawSync(payload);
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024));
    const malformed: Readonly<Record<string, Buffer>> = {
      empty: Buffer.alloc(0),
      'no whole length': Buffer.alloc(3),
      'a length alone': sealed(5000, Buffer.alloc(0)),
      'of no bytes': sealed(0, deflated),
      'too short a length': sealed(4999, deflated),
      'too long a length': sealed(5001, deflated),
      'a length beyond the bound': sealed(64 * 1024 + 1, deflated),
      'the largest length': sealed(0xffffffff, deflated),
      'cut off': sealed(5000, deflated.subarray(0, -3)),
      'not deflated': sealed(5000, noise(2000)),
      'far more than it promises': sealed(64 * 1024, bomb),
    };
    const before = process.memoryUsage().arrayBuffers;
    for (const [what, bytes] of Object.entries(malformed))
      expect(() => inflateEvents(bytes), what).to.throw(MalformedBytes);
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(8 * 1024 * 1024);
  });
});
