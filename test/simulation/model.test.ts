import { expect } from 'chai';
import type { SeriesSamples } from '../../src/api/api.ts';
import type { SamplesAppended } from '../../src/model/events.ts';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { type Labels, toLabelPairs } from '../../src/model/labels.ts';
import { EVERYTHING, Model, Violation } from './model.ts';
import { labelsOf } from './value-source.ts';

const samples = (number: number, times: readonly number[], words: readonly number[] = times): SeriesSamples => {
  const values = new Float64Array(times.length);
  const ints = new Int32Array(values.buffer);
  for (const [i, word] of words.entries()) ints[2 * i] = word;
  return { labels: labelsOf(number), fingerprint: '0'.repeat(16), timestamps: Float64Array.from(times), values };
};

const fingerprintOf = (labels: Labels): string => {
  const halves = new Int32Array(2);
  fastFingerprint(toLabelPairs(labels), halves);
  return fingerprintText(halves[0], halves[1]);
};

const modelOf = (number: number, times: readonly number[]): Model => {
  const model = new Model();
  for (const time of times) model.append(number, time, 0, time, time);
  return model;
};

const afterCrash = { ...EVERYTHING, afterCrash: true };
const all = [0, 1, 2, 3, 4];

describe('The model', () => {
  it('accepts exactly what was appended', () => {
    const model = modelOf(2, [1, 2, 3]);
    model.check([samples(2, [1, 2, 3])], all, EVERYTHING);
    model.check([samples(2, [2])], all, { from: 2, through: 2 });
  });

  it('rejects a missing, an invented, a moved and a changed sample', () => {
    for (const wrong of [
      samples(2, [1, 2]),
      samples(2, [2, 3]),
      samples(2, [1, 3]),
      samples(2, [1, 2, 3, 4]),
      samples(2, [1, 2, 4]),
      samples(2, [1, 2, 3], [1, 2, 9]),
    ]) {
      expect(() => modelOf(2, [1, 2, 3]).check([wrong], all, EVERYTHING)).to.throw(Violation);
    }
  });

  it('rejects a missing series, an unknown series, and a series that is returned twice', () => {
    expect(() => modelOf(2, [1]).check([], all, EVERYTHING)).to.throw('lacks');
    expect(() => modelOf(2, [1]).check([samples(2, [1]), samples(3, [1])], all, EVERYTHING)).to.throw('never');
    expect(() => modelOf(2, [1]).check([samples(2, [1]), samples(2, [1])], all, EVERYTHING)).to.throw('twice');
  });

  it('lets a crash lose unacknowledged samples from the end, and lets no lost sample come back', () => {
    const model = modelOf(2, [1, 2]);
    model.acknowledge(model.mark());
    model.append(2, 3, 0, 3, 3);
    model.append(2, 4, 0, 4, 4);
    expect(() => model.check([samples(2, [1])], all, afterCrash)).to.throw('acknowledged');
    model.check([samples(2, [1, 2, 3])], all, afterCrash);
    expect(() => model.check([samples(2, [1, 2, 3, 4])], all, EVERYTHING)).to.throw('not appended');
    model.acknowledge(model.mark());
    expect(() => model.check([samples(2, [1, 2])], all, afterCrash)).to.throw('acknowledged');
  });

  it('lets a crash lose a whole series without acknowledged samples', () => {
    const model = modelOf(2, [1, 2]);
    model.check([], all, afterCrash);
    expect(model.series.size).to.equal(0);
  });

  it('counts a sample of uncertain fate as appended once it is found, also between others', () => {
    for (const isThere of [true, false]) {
      const model = modelOf(2, [1]);
      model.appendUnsure(2, 2, 0, 2);
      model.append(2, 3, 0, 3, 3);
      model.acknowledge(model.mark());
      const times = isThere ? [1, 2, 3] : [1, 3];
      model.check([samples(2, times)], all, EVERYTHING);
      model.check([samples(2, times)], all, afterCrash);
      const others = isThere ? [1, 3] : [1, 2, 3];
      expect(() => model.check([samples(2, others)], all, EVERYTHING)).to.throw(Violation);
    }
  });

  it('lets retention remove old samples, and no others', () => {
    const model = modelOf(2, [1, 2, 3, 4]);
    model.passRetention(3);
    for (const times of [
      [1, 2, 3, 4],
      [2, 3, 4],
      [3, 4],
    ])
      model.check([samples(2, times)], all, EVERYTHING);
    expect(() => model.check([samples(2, [4])], all, EVERYTHING)).to.throw('lacks 1 samples; the first is of 3');
    expect(() => model.check([], all, EVERYTHING)).to.throw(Violation);
    model.passRetention(5);
    model.check([], all, EVERYTHING);
  });

  it('accepts that a crash may or may not have lost samples that retention hides', () => {
    for (const isThere of [true, false]) {
      const model = modelOf(2, [1, 2]);
      model.acknowledge(model.mark());
      model.append(2, 3, 0, 3, 3);
      model.passRetention(10);
      model.check([], all, afterCrash);
      model.acknowledge(model.mark());
      // Wall time was set back, so the samples are visible again.
      model.check([samples(2, isThere ? [1, 2, 3] : [1, 2])], all, afterCrash);
    }
  });

  it('starts a new series after retention has removed the old one', () => {
    const model = modelOf(2, [10, 20]);
    expect(() => model.append(2, 5, 0, 5, 0)).to.throw('was accepted after');
    model.passRetention(30);
    model.append(2, 5, 0, 5, 0);
    model.check([samples(2, [5])], all, EVERYTHING);
  });

  it('allows a drop that a crash interrupted to be done or not', () => {
    for (const answer of [[], [samples(2, [1, 2])]]) {
      const model = modelOf(2, [1, 2]);
      model.acknowledge(model.mark());
      model.series.get(2)!.dropping = true;
      model.check(answer, all, afterCrash);
      model.check(answer, all, EVERYTHING);
    }
  });

  it('lets an answer during a drop have any part of the series', () => {
    const model = modelOf(2, [1, 2]);
    model.series.get(2)!.dropping = true;
    for (const answer of [[], [samples(2, [2])], [samples(2, [1, 2])]]) model.check(answer, all, EVERYTHING);
    expect(() => model.check([samples(2, [3])], all, EVERYTHING)).to.throw('not appended');
    expect(() => model.check([samples(2, [2])], all, afterCrash)).to.throw('lacks');
  });

  it('excuses a quarantined series, and one whose file decayed', () => {
    const quarantined = modelOf(2, [1]);
    quarantined.series.get(2)!.quarantine(1);
    quarantined.check([], all, EVERYTHING);
    quarantined.append(2, 3, 0, 3, 3);
    quarantined.check([samples(2, [3])], all, EVERYTHING);
    expect(() => quarantined.check([], all, EVERYTHING)).to.throw('lacks');
    const foreign = modelOf(2, [1]);
    foreign.series.get(2)!.foreign.add(1);
    // The file was written before the model took note of the sample.
    foreign.series.get(2)!.quarantine(0);
    foreign.check([], all, EVERYTHING);
    const model = modelOf(2, [1]);
    model.series.get(2)!.suspect = true;
    model.check([samples(2, [7])], all, EVERYTHING);
  });

  it('accepts that a crash may have lost unacknowledged samples of a series whose file decayed', () => {
    for (const times of [
      [1, 2, 3, 4],
      [1, 4],
    ]) {
      const model = modelOf(2, [1]);
      model.acknowledge(model.mark());
      for (const time of [2, 3]) model.append(2, time, 0, time, time);
      const series = model.series.get(2)!;
      series.suspect = true;
      model.check([samples(2, [9])], all, afterCrash);
      series.suspect = false;
      model.append(2, 4, 0, 4, 4);
      model.check([samples(2, times)], all, EVERYTHING);
      expect(() => model.check([samples(2, [4])], all, EVERYTHING)).to.throw(Violation);
    }
  });

  it('lets a dropped series come back only if the journal is damaged', () => {
    const model = modelOf(2, [1, 2]);
    model.end(model.series.get(2)!);
    model.append(2, 5, 0, 5, 5);
    expect(() => model.check([samples(2, [1, 2, 5])], all, EVERYTHING)).to.throw(Violation);
    model.damaged = true;
    model.check([samples(2, [1, 2, 5])], all, afterCrash);
    expect(() => model.check([samples(2, [1, 3, 5])], all, EVERYTHING)).to.throw('not appended');
    expect(() => model.check([samples(2, [1, 2, 5], [1, 9, 5])], all, EVERYTHING)).to.throw('not the');
    expect(() => model.check([samples(3, [1])], all, EVERYTHING)).to.throw('never');
  });

  it('lets a backfill that is under way begin a dropped series anew, until it is over', () => {
    const model = modelOf(2, [1, 2]);
    model.backfillUnsure(2, 5, 0, 5);
    model.end(model.series.get(2)!);
    model.check([samples(2, [5])], all, EVERYTHING);
    expect(() => model.check([samples(2, [1, 5])], all, EVERYTHING)).to.throw(Violation);
    model.endBackfill(2, new Set([5]));
    model.end(model.series.get(2)!);
    expect(() => model.check([samples(2, [5])], all, EVERYTHING)).to.throw('never');
  });

  it('lets an open query show a series that was dropped since, although a backfill has begun it anew', () => {
    const model = modelOf(2, [1, 2]);
    model.backfillUnsure(2, 5, 0, 5);
    const open = { ...EVERYTHING, since: model.mark() };
    model.end(model.series.get(2)!);
    model.check([samples(2, [1, 2])], all, open);
    expect(() => model.check([samples(2, [1, 3])], all, open)).to.throw('not appended');
    expect(() => model.check([samples(2, [1, 2])], all, { ...EVERYTHING, since: model.mark() })).to.throw(Violation);
  });

  it('lets a query pass a backfilled sample that an earlier answer has, until the backfill is done', () => {
    const model = modelOf(2, [1]);
    model.backfillUnsure(2, 5, 0, 5);
    const during = { ...EVERYTHING, since: model.mark() };
    model.check([samples(2, [1, 5])], all, during);
    model.check([samples(2, [1])], all, during);
    model.settleBackfill(model.series.get(2)!, new Set([5]));
    model.check([samples(2, [1])], all, during);
    expect(() => model.check([samples(2, [1])], all, { ...EVERYTHING, since: model.mark() })).to.throw('lacks');
  });

  it('does not know whether a series that retention hid is still there when it takes an earlier sample', () => {
    const model = modelOf(2, [3, 4]);
    model.passRetention(10);
    model.append(2, 4, 0, 4, 11);
    model.check([samples(2, [3, 4])], all, EVERYTHING);
  });

  it('accepts any part of the appended samples if the journal is damaged, but no others', () => {
    const model = modelOf(2, [1, 2, 3]);
    model.damaged = true;
    expect(() => model.check([samples(2, [1, 4])], all, afterCrash)).to.throw('not appended');
    model.check([samples(2, [1, 3])], all, afterCrash);
    model.damaged = false;
    model.check([samples(2, [1, 3])], all, EVERYTHING);
  });

  it('accepts a delivered sample if it was ever appended, even if it is lost or dropped', () => {
    const model = modelOf(2, [1, 2]);
    model.check([], all, afterCrash);
    model.append(2, 3, 0, 3, 3);
    model.appendUnsure(2, 4, 0, 4);
    model.end(model.series.get(2)!);
    const delivered = (number: number, times: readonly number[], words?: readonly number[]): SamplesAppended => {
      const { timestamps, values } = samples(number, times, words);
      const fingerprint = fingerprintOf(labelsOf(number));
      return { type: 'samplesAppended', time: 0, fingerprints: times.map(() => fingerprint), timestamps, values };
    };
    model.takeDelivered(delivered(2, [1, 2, 3, 4]));
    expect(model.series.size).to.equal(0);
    for (const wrong of [delivered(2, [5]), delivered(2, [3], [4]), delivered(3, [3]), delivered(0, [3])]) {
      expect(() => model.takeDelivered(wrong)).to.throw('not appended');
    }
    // The labels of two series give the same fingerprint, so the second is stored under another.
    model.append(1, 7, 0, 7, 7);
    model.takeDelivered(delivered(0, [7]));
    model.takeDelivered({ ...delivered(0, [7]), fingerprints: ['0000000000000001'] });
    expect(() => model.takeDelivered({ ...delivered(2, [3]), fingerprints: ['0000000000000001'] })).to.throw(Violation);
  });

  it('lets no crash lose a sample that was delivered to a subscriber', () => {
    const model = modelOf(2, [1, 2, 3]);
    const { timestamps, values } = samples(2, [2]);
    const fingerprints = [fingerprintOf(labelsOf(2))];
    model.takeDelivered({ type: 'samplesAppended', time: 0, fingerprints, timestamps, values });
    expect(() => model.check([samples(2, [1])], all, afterCrash)).to.throw('acknowledged');
    model.check([samples(2, [1, 2])], all, afterCrash);
  });

  it('lets quarantine remove only samples that were appended before the last write to the file', () => {
    const model = modelOf(2, [1, 2, 3, 4]);
    model.series.get(2)!.quarantine(2);
    model.check([samples(2, [3, 4])], all, EVERYTHING);
    model.check([samples(2, [2, 3, 4])], all, EVERYTHING);
    expect(() => model.check([samples(2, [4])], all, EVERYTHING)).to.throw('lacks');
    expect(() => model.check([], all, EVERYTHING)).to.throw('lacks');
    // If an append failed, it is not known when its sample was taken.
    const unsure = modelOf(2, [1]);
    unsure.appendUnsure(2, 2, 0, 2);
    unsure.append(2, 3, 0, 3, 9);
    unsure.check([samples(2, [1, 2, 3])], all, EVERYTHING);
    unsure.series.get(2)!.quarantine(4);
    unsure.check([samples(2, [3])], all, EVERYTHING);
    expect(() => unsure.check([], all, EVERYTHING)).to.throw('lacks');
  });

  it('puts late samples in order of time, and refuses those outside the window', () => {
    const model = modelOf(2, [10, 20]);
    model.windowMs = 15;
    model.append(2, 5, 0, 5, 21);
    model.check([samples(2, [5, 10, 20])], all, EVERYTHING);
    expect(() => model.append(2, 4, 0, 4, 22)).to.throw('was accepted after');
  });

  it('lets a crash lose late samples in the order in which they were appended', () => {
    for (const [times, isRight] of [
      [[10, 20], true],
      [[5, 10, 20], true],
      [[7, 10, 20], false],
    ] as const) {
      const model = modelOf(2, [10, 20]);
      model.windowMs = 100;
      model.acknowledge(model.mark());
      model.append(2, 5, 0, 5, 21);
      model.append(2, 7, 0, 7, 22);
      const check = (): void => model.check([samples(2, times)], all, afterCrash);
      if (isRight) check();
      else expect(check).to.throw('appended before');
    }
  });

  it('keeps the first of two samples of a time, unless a crash may have lost it', () => {
    const model = modelOf(2, [1, 2]);
    model.appendAgain(model.series.get(2)!, 1, 0, 9);
    expect(() => model.check([samples(2, [1, 2], [9, 2])], all, EVERYTHING)).to.throw('not the');
    model.loseUnsynced();
    model.check([samples(2, [1, 2], [9, 2])], all, afterCrash);
  });

  it('lets no dropped range come back, and keeps what was appended in it afterwards', () => {
    const model = modelOf(2, [1, 2, 3, 4]);
    model.windowMs = 100;
    const drop = model.beginDrop([2], 2, 3);
    for (const times of [
      [1, 2, 3, 4],
      [1, 4],
    ])
      model.check([samples(2, times)], all, EVERYTHING);
    model.endDrop(drop);
    expect(() => model.check([samples(2, [1, 2, 3, 4])], all, EVERYTHING)).to.throw('was dropped');
    model.append(2, 3, 0, 9, 5);
    model.check([samples(2, [1, 3, 4], [1, 9, 4])], all, EVERYTHING);
    expect(() => model.check([samples(2, [1, 4])], all, EVERYTHING)).to.throw('lacks');
  });

  it('lets an open query show a backfilled sample that a drop beside the backfill may have removed', () => {
    const model = modelOf(2, [1, 9]);
    model.backfillUnsure(2, 5, 0, 5);
    const drop = model.beginDrop([2], 4, 6);
    const open = { ...EVERYTHING, since: model.mark() };
    model.endBackfill(2, new Set([5]));
    model.endDrop(drop);
    model.check([samples(2, [1, 5, 9])], all, open);
    model.check([samples(2, [1, 9])], all, { ...EVERYTHING, since: model.mark() });
    // What a query shows that began afterwards was not removed.
    model.check([samples(2, [1, 5, 9])], all, { ...EVERYTHING, since: model.mark() });
    model.acknowledge(model.mark());
    expect(() => model.check([samples(2, [1, 9])], all, { ...EVERYTHING, since: model.mark() })).to.throw('lacks');
  });

  it('accepts that a crash has done a drop of a time range or not, but not a part of it', () => {
    for (const times of [
      [1, 4],
      [1, 2, 3, 4],
      [1, 3, 4],
    ]) {
      const model = modelOf(2, [1, 2, 3, 4]);
      model.acknowledge(model.mark());
      model.beginDrop([2], 2, 3);
      model.leaveDrops();
      const check = (): void => model.check([samples(2, times)], all, afterCrash);
      if (times.length === 3) expect(check).to.throw('a part of the range');
      else {
        check();
        model.check([samples(2, times)], all, EVERYTHING);
      }
    }
  });
});
