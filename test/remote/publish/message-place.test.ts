import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Continuation,
  isBefore,
  messageId,
  parseContinuation,
  placeText,
  storeIdOf,
} from '../../../src/remote/publish/message-place.ts';

const storeId = '9a1f5c6b02d4e873';
const places = fc.record({
  position: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  event: fc.nat(1000),
  first: fc.nat(100_000),
});

describe('the place of a message', () => {
  it('is the position, with the number of the event and of its first item where they are not 0', () => {
    const id = (event: number, first: number): string => messageId(storeId, { position: 4711, event, first });
    expect([id(0, 0), id(1, 0), id(1, 500), id(0, 500)]).to.deep.equal([
      `${storeId}:4711`,
      `${storeId}:4711:1`,
      `${storeId}:4711:1.500`,
      `${storeId}:4711:0.500`,
    ]);
  });

  it('is read back from its text', () => {
    fc.assert(
      fc.property(places, fc.nat(), (next, from) => {
        expect(parseContinuation(String(from), placeText(next))).to.deep.equal({ from, next });
      }),
    );
  });

  it('has the id of its store, and nothing else has one', () => {
    fc.assert(
      fc.property(places, (place) => {
        expect(storeIdOf(messageId(storeId, place))).to.equal(storeId);
      }),
    );
    for (const id of [undefined, '', 'order-17', `${storeId}:`, `${storeId}:1:`, `${storeId.toUpperCase()}:1`])
      expect(storeIdOf(id), String(id)).to.equal(undefined);
  });

  it('is not read from headers of others', () => {
    for (const [from, next] of [
      [undefined, undefined],
      ['', undefined],
      ['-1', undefined],
      ['9007199254740993', undefined],
      ['1', 'x'],
      ['1', '2:3.'],
    ] as const)
      expect(parseContinuation(from, next), `${from} ${next}`).to.equal(undefined);
  });

  it('orders continuations as the journal does', () => {
    const inOrder: Continuation[] = [
      { from: 10 },
      { from: 10, next: { position: 20, event: 0, first: 5 } },
      { from: 10, next: { position: 20, event: 1, first: 0 } },
      { from: 10, next: { position: 20, event: 1, first: 7 } },
      { from: 20 },
    ];
    for (const [i, a] of inOrder.entries())
      for (const [j, b] of inOrder.entries()) expect(isBefore(a, b), `${i} ${j}`).to.equal(i < j);
  });
});
