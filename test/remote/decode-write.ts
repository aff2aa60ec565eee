/**
 * A small decoder of remote write, 1.0 and 2.0, of its own: it shares nothing with the code that writes the messages. Every
 * rule of the specifications that a message breaks is an error.
 */

export interface DecodedSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** In the order of the message. */
  readonly names: readonly string[];
  readonly timestamps: readonly number[];
  /** 16 hex digits. */
  readonly bits: readonly string[];
  readonly values: readonly number[];
}

export interface DecodedWrite {
  readonly series: readonly DecodedSeries[];
  /** Of 2.0. */
  readonly symbols: readonly string[] | undefined;
}

interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/** Snappy's block format. */
export const decodeSnappy = (block: Buffer): Buffer => {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = block[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const length = varint();
  const out: number[] = [];
  while (at < block.length) {
    const tag = block[at++];
    let count = (tag >> 2) + 1;
    if ((tag & 3) === 0) {
      if (count > 60) {
        const bytes = count - 60;
        count = 1 + block.readUIntLE(at, bytes);
        at += bytes;
      }
      for (let i = 0; i < count; i++) out.push(block[at++]);
      continue;
    }
    let distance: number;
    if ((tag & 3) === 1) {
      count = ((tag >> 2) & 7) + 4;
      distance = ((tag >> 5) << 8) | block[at++];
    } else {
      const bytes = (tag & 3) === 2 ? 2 : 4;
      distance = block.readUIntLE(at, bytes);
      at += bytes;
    }
    for (let i = 0; i < count; i++) out.push(out[out.length - distance]);
  }
  if (out.length !== length) throw new Error(`snappy announces ${length} bytes and has ${out.length}`);
  return Buffer.from(out);
};

const fieldsOf = (bytes: Buffer): Field[] => {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length) throw new Error('a varint without an end');
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    if ((tag & 7) === 0) fields.push({ number, value: varint() });
    else if ((tag & 7) === 1) {
      fields.push({ number, value: bytes.subarray(at, at + 8) });
      at += 8;
    } else if ((tag & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error('a field beyond its message');
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${tag & 7}`);
  }
  return fields;
};

const bytesOf = ({ value }: Field): Buffer => value as Buffer;
const textOf = (field: Field): string => new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(field));

const seriesOf = (names: readonly string[], values: readonly string[], samples: readonly Field[]): DecodedSeries => {
  const decoded = samples.map((sample) => {
    const fields = fieldsOf(bytesOf(sample));
    const value = bytesOf(fields.find(({ number }) => number === 1) as Field);
    const time = BigInt.asIntN(64, (fields.find(({ number }) => number === 2)?.value as bigint | undefined) ?? 0n);
    return { bits: value.readBigUInt64LE().toString(16).padStart(16, '0'), value: value.readDoubleLE(), time };
  });
  const times = decoded.map(({ time }) => Number(time));
  if (names.some((name, i) => i > 0 && Buffer.compare(Buffer.from(names[i - 1]), Buffer.from(name)) >= 0))
    throw new Error(`labels are not sorted, or repeated: ${names.join()}`);
  if (!names.includes('__name__')) throw new Error('a series without a name');
  if ([...names, ...values].includes('')) throw new Error('an empty label');
  if (times.some((time, i) => i > 0 && times[i - 1] >= time)) throw new Error(`times do not ascend: ${times.join()}`);
  return {
    labels: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    names,
    timestamps: times,
    bits: decoded.map(({ bits }) => bits),
    values: decoded.map(({ value }) => value),
  };
};

export const decodeWrite1 = (message: Buffer): DecodedWrite => ({
  symbols: undefined,
  series: fieldsOf(message).map((field) => {
    if (field.number !== 1) throw new Error(`field ${field.number} in a WriteRequest`);
    const fields = fieldsOf(bytesOf(field));
    const labels = fields.filter(({ number }) => number === 1).map((label) => fieldsOf(bytesOf(label)));
    return seriesOf(
      labels.map((label) => textOf(label.find(({ number }) => number === 1) as Field)),
      labels.map((label) => textOf(label.find(({ number }) => number === 2) as Field)),
      fields.filter(({ number }) => number === 2),
    );
  }),
});

export const decodeWrite2 = (message: Buffer): DecodedWrite => {
  const fields = fieldsOf(message);
  const symbols = fields.filter(({ number }) => number === 4).map(textOf);
  if (symbols[0] !== '') throw new Error('the first symbol is not empty');
  if (new Set(symbols).size !== symbols.length) throw new Error('a symbol occurs twice');
  const series = fields
    .filter(({ number }) => number === 5)
    .map((field) => {
      const inner = fieldsOf(bytesOf(field));
      const references = [...packed(bytesOf(inner.find(({ number }) => number === 1) as Field))];
      if (references.length % 2 === 1) throw new Error('an odd number of references');
      const texts = references.map((reference) => {
        if (reference >= symbols.length) throw new Error(`there is no symbol ${reference}`);
        return symbols[reference];
      });
      return seriesOf(
        texts.filter((_, i) => i % 2 === 0),
        texts.filter((_, i) => i % 2 === 1),
        inner.filter(({ number }) => number === 2),
      );
    });
  return { series, symbols };
};

function* packed(bytes: Buffer): Generator<number> {
  for (let at = 0; at < bytes.length; ) {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    yield value;
  }
}
