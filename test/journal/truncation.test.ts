import { expect } from 'chai';
import fc from 'fast-check';
import { planTruncation, type TruncationInput } from '../../src/journal/write/plan-truncation.ts';

const input: TruncationInput = {
  segmentStarts: [100, 200, 300, 400],
  end: 450,
  checkpoint: 450,
  indexes: 450,
  subscriptions: [],
  subscriptionBacklogBytes: 1000,
};

const plan = (given: Partial<TruncationInput>) => planTruncation({ ...input, ...given });

describe('truncation of the journal', () => {
  it('keeps the segment that is being written', () => {
    expect(plan({})).to.deep.equal({ before: 400, overruns: [] });
  });

  it('keeps what replay needs, and what the indexes have not taken in', () => {
    expect(plan({ checkpoint: 250 }).before).to.equal(200);
    expect(plan({ indexes: 300 }).before).to.equal(300);
    expect(plan({ indexes: 299, checkpoint: 399 }).before).to.equal(200);
    expect(plan({ checkpoint: 0 }).before).to.equal(100);
  });

  it('keeps what the slowest subscription has not acknowledged', () => {
    const subscriptions = [
      { name: 'a', position: 440 },
      { name: 'b', position: 250 },
    ];
    expect(plan({ subscriptions })).to.deep.equal({ before: 200, overruns: [] });
  });

  it('moves on a subscription that holds back more than it may, and tells what it loses', () => {
    const subscriptions = [
      { name: 'a', position: 440 },
      { name: 'b', position: 150 },
    ];
    expect(plan({ subscriptions, subscriptionBacklogBytes: 100 })).to.deep.equal({
      before: 300,
      overruns: [{ name: 'b', from: 150, to: 300 }],
    });
  });

  it('moves nobody on while the journal is kept for another reason', () => {
    const subscriptions = [{ name: 'b', position: 150 }];
    expect(plan({ subscriptions, subscriptionBacklogBytes: 100, checkpoint: 120 })).to.deep.equal({
      before: 100,
      overruns: [],
    });
  });

  it('of a journal without segments removes nothing', () => {
    expect(plan({ segmentStarts: [] }).overruns).to.deep.equal([]);
  });

  it('never removes what replay or an index needs, nor more of a subscription than is beyond its bound', () => {
    const position = fc.nat(1000);
    fc.assert(
      fc.property(
        fc.uniqueArray(position, { minLength: 1 }),
        position,
        position,
        fc.array(position),
        position,
        (starts, checkpoint, indexes, positions, backlog) => {
          const segmentStarts = starts.sort((a, b) => a - b);
          const end = Math.max(1000, ...starts);
          const subscriptions = positions.map((at, i) => ({ name: `s${i}`, position: at }));
          const { before, overruns } = planTruncation({
            segmentStarts,
            end,
            checkpoint,
            indexes,
            subscriptions,
            subscriptionBacklogBytes: backlog,
          });
          if (before > segmentStarts[0]) expect(before).to.be.at.most(Math.min(checkpoint, indexes));
          for (const { name, position: at } of subscriptions) {
            const overrun = overruns.find((one) => one.name === name);
            expect(overrun === undefined).to.equal(at >= before);
            if (overrun !== undefined && before > segmentStarts[0]) expect(end - at).to.be.above(backlog - 1);
          }
        },
      ),
    );
  });
});
