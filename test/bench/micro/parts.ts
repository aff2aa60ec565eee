/**
 * What the parts of the store's hot paths cost by themselves: labels, fingerprints, finding a series, slots, the stages of
 * the journal, index batches, waking and passivating an actor. Everything is in the processor's caches here, so these are
 * lower bounds of what `npm run bench` sees; they are for comparing a change with what was before.
 *
 *     npm run bench:micro
 */
import { bench, do_not_optimize, group, run } from 'mitata';
import type { FileResult, SeriesMachineEvent, VisitFacts } from '../../../machines/series.machine.ts';
import { VARBIT } from '../../../src/chunk/chunk.ts';
import { Slab } from '../../../src/chunk/slab.ts';
import { encodeLabelPairs } from '../../../src/indexes/codable.ts';
import { FingerprintSet, intersection, union } from '../../../src/indexes/fingerprint-set.ts';
import { LabelBatch, type LabelOperation } from '../../../src/indexes/label-batch.ts';
import { CreationStage } from '../../../src/journal/write/creation-stage.ts';
import { SampleStage } from '../../../src/journal/write/sample-stage.ts';
import { ByteWriter } from '../../../src/model/byte-writer.ts';
import { fastFingerprint, fingerprintText } from '../../../src/model/fingerprint.ts';
import { labelHash, pairsHash, toLabelPairs, toLabels } from '../../../src/model/labels.ts';
import { ascendingRows } from '../../../src/query/ascending-rows.ts';
import { SeriesActors, type SeriesEffects } from '../../../src/series/actors.ts';
import { Inspection } from '../../../src/series/inspection.ts';
import { Succession } from '../../../src/series/succession.ts';
import { SeriesTable } from '../../../src/series/table.ts';
import { freshLabelsOf, labelsOf } from '../workload.ts';

const seriesCount = 1024;
const mask = seriesCount - 1;
const labels = Array.from({ length: seriesCount }, (_, i) => labelsOf(i));
const fresh = Array.from({ length: seriesCount }, (_, i) => freshLabelsOf(i));
const pairs = labels.map(toLabelPairs);
const fingerprint = new Int32Array(2);
let turn = 0;
const next = (): number => {
  turn = (turn + 1) & mask;
  return turn;
};

const table = new SeriesTable();
for (const one of pairs) {
  fastFingerprint(one, fingerprint);
  table.add(fingerprint[0], fingerprint[1], one);
}

group('labels and fingerprints, six labels', () => {
  bench('toLabelPairs', () => do_not_optimize(toLabelPairs(labels[next()])));
  bench('toLabels', () => do_not_optimize(toLabels(pairs[next()])));
  bench('labelHash', () => do_not_optimize(labelHash(labels[next()])));
  bench('pairsHash', () => do_not_optimize(pairsHash(pairs[next()])));
  bench('fastFingerprint', () => fastFingerprint(pairs[next()], fingerprint));
  bench('fingerprintText', () => do_not_optimize(fingerprintText(next() * 7919, turn)));
});

group('finding a series', () => {
  const succession = new Succession(table);
  for (let round = 0; round < 2; round++) for (let row = 0; row < seriesCount; row++) succession.learn(row);
  bench('by hash, the same label object', () => do_not_optimize(table.find(labels[next()])));
  bench('by hash, a fresh label object', () => do_not_optimize(table.find(fresh[next()])));
  bench('guessed, the same label object', () => do_not_optimize(succession.guess(labels[next()])));
  bench('by fingerprint', () => do_not_optimize(table.findFingerprint(table.high[next()], table.low[turn])));
});

group('label objects of 8,192 of 65,536 series', () => {
  const all = Array.from({ length: 65_536 }, (_, i) => toLabelPairs(labelsOf(i)));
  const rows = Int32Array.from({ length: 8192 }, (_, i) => i * 8 + 2);
  const highs = all.map((one) => {
    fastFingerprint(one, fingerprint);
    return fingerprint[0] >>> 0;
  });
  const byFingerprint = rows.toSorted((a, b) => highs[a] - highs[b]);
  const objectsOf = (order: Int32Array): void => {
    const objects = [];
    for (const row of order) objects.push(toLabels(all[row]));
    do_not_optimize(objects);
  };
  bench('in the order of fingerprints', () => objectsOf(byFingerprint));
  bench('in the order of rows', () => objectsOf(rows));
  bench('putting the rows in order', () =>
    do_not_optimize(ascendingRows(byFingerprint.slice(), byFingerprint.length, all.length)),
  );
});

group('slab', () => {
  const slab = new Slab();
  bench('allocate and release a slot', () => slab.release(slab.allocate(VARBIT)));
});

group('journal stages', () => {
  const samples = new SampleStage(8192);
  const creations = new CreationStage();
  const record = new ByteWriter(64 * 1024);
  bench('stage a sample', () => {
    if (samples.add(next(), turn, turn, turn, turn, turn) && samples.count === samples.capacity) samples.clear();
  });
  bench('stage the creation of a series', () => {
    creations.add(1.7e12, turn, turn, pairs[next()]);
    if (!creations.isFull) return;
    record.clear();
    creations.drainTo(record);
  });
});

group(`index batch of ${seriesCount} new series`, () => {
  const operations = pairs.map((one, i): LabelOperation => ({ type: 'index', high: i, low: i * 7919, pairs: one }));
  bench('group by label pair', () => {
    const batch = new LabelBatch(operations);
    batch.group(0, operations.length);
    do_not_optimize(batch.groupCount);
  });
  const batch = new LabelBatch(operations);
  batch.group(0, operations.length);
  bench('encode the keys', () => do_not_optimize(encodeLabelPairs(batch.names, batch.values)));
});

group('sets of 16,384 fingerprints', () => {
  const setOf = (step: number) => FingerprintSet.of(Array.from({ length: 32_768 }, (_, i) => (i * step) | 0));
  const left = setOf(7919);
  const right = setOf(104_729);
  bench('union', () => do_not_optimize(union(left, right)));
  bench('intersection', () => do_not_optimize(intersection(left, right)));
});

const atRest: VisitFacts = {
  empty: false,
  headOpen: true,
  headIdle: false,
  chunksWaiting: 0,
  droppable: false,
  idle: false,
  forgettable: false,
  lateInMemory: false,
  lateInFile: false,
};
const written: FileResult = { written: 1, dropped: 0, chunksInFile: 4, allDropped: false, firstTime: 0, mtime: 0 };

group('the actor of a series', () => {
  const nothing = (): void => {};
  const done = async (): Promise<void> => {};
  const effects: SeriesEffects = {
    closeHead: nothing,
    forgetDescriptors: nothing,
    mergeInMemory: nothing,
    noteTrimmed: nothing,
    archive: nothing,
    wake: nothing,
    purge: nothing,
    reportDiskTrouble: nothing,
    nothingInMemory: () => false,
    persist: async () => written,
    trim: async () => written,
    isolate: done,
    deleteFile: done,
  };
  const codes = new Uint8Array(seriesCount);
  const actors = new SeriesActors({
    rows: {
      factsOf: (row) => ({ code: codes[row], fingerprint: '0000000000000001', chunksInFile: 3, reason: '' }),
      writeState: (row, code) => {
        codes[row] = code;
      },
      passivated: nothing,
    },
    effects,
    inspection: new Inspection(nothing),
    onError: (_, error) => {
      throw error;
    },
  });
  const visit: SeriesMachineEvent = { type: 'maintain', facts: atRest };
  const persist: SeriesMachineEvent = { type: 'maintain', facts: { ...atRest, chunksWaiting: 1 } };
  bench('wake, visit, passivate', () => actors.send(next(), visit));
  bench('wake, persist, passivate', async () => {
    const row = next();
    actors.send(row, persist);
    await actors.settled(row);
  });
});

await run({ format: 'mitata', colors: false });
