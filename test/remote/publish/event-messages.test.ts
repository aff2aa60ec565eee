import { expect } from 'chai';
import fc from 'fast-check';
import type { JournalEvent } from '../../../src/index.ts';
import { type EventMessage, MESSAGE_BYTES_MIN, messagesOf } from '../../../src/remote/publish/event-messages.ts';
import { messageId } from '../../../src/remote/publish/message-place.ts';
import type { SinkBatch } from '../../../src/remote/sinks/sink.ts';

const fingerprint = (index: number): string => index.toString(16).padStart(16, '0');

const samples = (position: number, count: number): JournalEvent => ({
  type: 'samplesAppended',
  time: 1,
  position,
  fingerprints: Array.from({ length: count }, (_, index) => fingerprint(index % 7)),
  timestamps: Float64Array.from({ length: count }, (_, index) => 1_700_000_000_000 + index),
  values: Float64Array.from({ length: count }, (_, index) => position + index / 8),
});

const closed = (position: number, count: number): JournalEvent => ({
  type: 'headChunksClosed',
  time: 1,
  position,
  fingerprints: Array.from({ length: count }, (_, index) => fingerprint(index)),
});

const created = (position: number, room = 'kitchen'): JournalEvent => ({
  type: 'seriesCreated',
  time: 1,
  position,
  fingerprint: fingerprint(position),
  labels: { __name__: 'up', room },
});

/** Records of events; each has one position. */
const batches = fc
  .array(
    fc.oneof(
      fc.record({
        kind: fc.constant('samples'),
        counts: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 1 }),
      }),
      fc.record({
        kind: fc.constant('events'),
        counts: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 4 }),
      }),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((records): SinkBatch => {
    let position = 100;
    const events: JournalEvent[] = [];
    for (const { kind, counts } of records) {
      position += 50;
      for (const count of counts)
        events.push(
          kind === 'samples' ? samples(position, count) : count % 2 === 0 ? created(position) : closed(position, count),
        );
    }
    return { events, from: 100, to: position };
  });

const id = ({ place }: EventMessage): string => messageId('9a1f5c6b02d4e873', place);

interface Sent {
  readonly type: string;
  readonly position: number;
  readonly fingerprints?: readonly string[];
  readonly values?: readonly number[];
}

const contentOf = ({ data }: EventMessage): Sent => JSON.parse(Buffer.from(data).toString()) as Sent;

/** Every item of every column in order, so that two ways of cutting can be compared. */
const itemsOf = (messages: readonly EventMessage[]): string[] =>
  messages.flatMap((message) => {
    const { type, position, fingerprints, values } = contentOf(message);
    return (fingerprints ?? [type]).map((item, index) => `${position} ${type} ${item} ${values?.[index]}`);
  });

describe('the messages of a batch', () => {
  it('continue after any of them with exactly the others', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const all = [...messagesOf(batch, undefined, MESSAGE_BYTES_MIN)];
        for (const [index, { after }] of all.entries()) {
          const rest = [...messagesOf(batch, after, MESSAGE_BYTES_MIN)];
          expect(rest.map(id)).to.deep.equal(all.slice(index + 1).map(id));
        }
      }),
    );
  });

  it('continue with exactly the other items, also when the limit has changed in between', () => {
    fc.assert(
      fc.property(batches, fc.nat(30), fc.integer({ min: MESSAGE_BYTES_MIN, max: 30_000 }), (batch, at, bytesMax) => {
        const all = [...messagesOf(batch, undefined, MESSAGE_BYTES_MIN)];
        const before = all.slice(0, 1 + (at % all.length));
        const rest = [...messagesOf(batch, before.at(-1)?.after, bytesMax)];
        expect([...itemsOf(before), ...itemsOf(rest)]).to.deep.equal(itemsOf(all));
      }),
    );
  });

  it('have distinct ids, and none is larger than the limit', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: MESSAGE_BYTES_MIN, max: 30_000 }), (batch, bytesMax) => {
        const all = [...messagesOf(batch, undefined, bytesMax)];
        expect(new Set(all.map(id)).size).to.equal(all.length);
        expect(Math.max(...all.map(({ data }) => data.length))).to.be.at.most(bytesMax);
      }),
    );
  });

  it('name the part of an event that they have', () => {
    const batch = { events: [samples(150, 100)], from: 100, to: 150 };
    const parts = [...messagesOf(batch, undefined, MESSAGE_BYTES_MIN)].map(
      (message) => (contentOf(message) as { part?: unknown }).part,
    );
    expect(parts).to.deep.equal([
      { first: 0, total: 100 },
      { first: 56, total: 100 },
    ]);
  });

  it('keep the place of an event that is too large, without its fields', () => {
    const batch = { events: [created(150, 'x'.repeat(5000)), created(150)], from: 100, to: 150 };
    const [large, small] = [...messagesOf(batch, undefined, MESSAGE_BYTES_MIN)];
    expect(large.isShortened).to.equal(true);
    expect(contentOf(large)).to.deep.include({ position: 150, type: 'seriesCreated', fingerprint: fingerprint(150) });
    expect(contentOf(large)).to.not.have.property('labels');
    expect(small.isShortened).to.equal(false);
    expect(contentOf(small)).to.have.property('labels');
  });

  it('begin with the range that was lost, less what is stored', () => {
    const batch = { events: [created(500)], from: 100, to: 500, lost: { from: 100, to: 450 } };
    const [lost, event] = [...messagesOf(batch, { from: 200 }, MESSAGE_BYTES_MIN)];
    expect(contentOf(lost)).to.deep.equal({ position: 450, type: 'eventsLost', from: 200, to: 450 });
    expect(id(lost)).to.match(/:450$/);
    expect(contentOf(event).position).to.equal(500);
    const later = [...messagesOf(batch, { from: 450 }, MESSAGE_BYTES_MIN)];
    expect(later.map(({ type }) => type)).to.deep.equal(['seriesCreated']);
  });

  it('keep values that JSON lacks as text', () => {
    const event = {
      ...samples(150, 3),
      values: Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, -0),
    } as JournalEvent;
    const [message] = [...messagesOf({ events: [event], from: 100, to: 150 }, undefined, MESSAGE_BYTES_MIN)];
    expect(contentOf(message).values?.slice(0, 2)).to.deep.equal(['NaN', '+Inf']);
  });
});
