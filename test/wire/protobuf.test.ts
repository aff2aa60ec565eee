/** The wire format of Protocol Buffers: written and read, with unknown fields, and damaged in every way. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ProtobufReader } from '../../src/wire/protobuf-reader.ts';
import { ProtobufWriter } from '../../src/wire/protobuf-writer.ts';
import { WireError } from '../../src/wire/wire-error.ts';

const readerOf = (write: (writer: ProtobufWriter) => void): ProtobufReader => {
  const writer = new ProtobufWriter(4);
  write(writer);
  return new ProtobufReader(writer.finish());
};

describe('protobuf messages', () => {
  it('have the bytes of the specification', () => {
    const writer = new ProtobufWriter();
    writer.uint(1, 150);
    writer.string(2, 'testing');
    writer.begin(3);
    writer.uint(1, 150);
    writer.end();
    writer.begin(6);
    for (const n of [3, 270, 86_942]) writer.packed(n);
    writer.end();
    writer.int64(1, -2);
    expect(writer.finish().toString('hex')).to.equal(
      `089601120774657374696e671a03089601${'3206038e029ea705'}${'08feffffffffffffffff01'}`,
    );
  });

  it('give back numbers of 64 bits within 53, doubles bit by bit, and text', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.integer(),
        fc.integer(),
        fc.string({ unit: 'grapheme' }),
        (n, high, low, text) => {
          const reader = readerOf((writer) => {
            writer.int64(1, n);
            writer.doubleBits(2, high, low);
            writer.string(3, text);
          });
          reader.next();
          expect(reader.readInt64()).to.equal(n);
          reader.next();
          reader.readBits();
          expect([reader.high, reader.low]).to.deep.equal([high, low]);
          reader.next();
          expect(reader.readString()).to.equal(text);
          expect(reader.next()).to.equal(false);
        },
      ),
    );
  });

  it('are nested to any length, and what is unknown in them is skipped', () => {
    const reader = readerOf((writer) => {
      writer.double(90, 1);
      writer.begin(4);
      writer.string(7, 'x'.repeat(300));
      writer.uint(2, 2 ** 40);
      writer.begin(3);
      for (let n = 0; n < 100; n++) writer.packed(n);
      writer.end();
      writer.end();
      writer.uint(5, 6);
    });
    const seen: number[] = [];
    while (reader.next()) {
      if (reader.field !== 4) {
        seen.push(reader.field);
        reader.skip();
        continue;
      }
      const outer = reader.enter();
      while (reader.next()) {
        const field: number = reader.field;
        if (field === 3) {
          const around = reader.enter();
          for (let n = 0; !reader.isAtEnd; n++) expect(reader.nextUint32()).to.equal(n);
          reader.leave(around);
        } else reader.skip();
      }
      reader.leave(outer);
    }
    expect(seen).to.deep.equal([90, 5]);
  });

  it('that are cut or damaged end in a WireError, never beyond the bytes', () => {
    const walk = (reader: ProtobufReader, depth: number): void => {
      while (reader.next()) {
        if (reader.wireType !== 2 || depth === 0) reader.skip();
        else {
          const outer = reader.enter();
          walk(reader, depth - 1);
          reader.leave(outer);
        }
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          walk(new ProtobufReader(bytes), 3);
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: 3000 },
    );
    const text = new ProtobufWriter();
    text.blob(1, Buffer.from([0xff, 0xfe]));
    const reader = new ProtobufReader(text.finish());
    reader.next();
    expect(() => reader.readString()).to.throw(WireError, 'not UTF-8');
  });
});
