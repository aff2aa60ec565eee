import { expect } from 'chai';
import { DEFLATED_EVENTS, EVENTS, FRAME_BYTES, frameSeed, sealFrame } from '../../src/journal/format/record-frame.ts';
import { storeSalt } from '../../src/journal/format/segment-header.ts';
import {
  HISTORY_HEADER_BYTES,
  HISTORY_POSITION_BYTES,
  listHistory,
  openHistory,
} from '../../src/journal/history/history-files.ts';
import { type PlacedLifecycleEvent, readHistory, readHistoryInSlices } from '../../src/journal/history/read-history.ts';
import { describeFinding, type JournalFinding } from '../../src/journal/read/journal-findings.ts';
import type { JournalWriter } from '../../src/journal/write/journal-writer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { append, created, directory, fingerprintOf, opened, openJournal, read, storeId } from './journal-fixture.ts';

const persisted = (series: number, chunksInFile: number): LifecycleEvent => ({
  type: 'chunksPersisted',
  time: 1_700_000_000_000 + chunksInFile,
  fingerprint: fingerprintOf(series),
  chunks: 1,
  chunksInFile,
});

const history = (fileSystem: MemoryFileSystem, series?: number): PlacedLifecycleEvent[] => [
  ...readHistory({ fileSystem, directory, ...(series !== undefined && { fingerprint: fingerprintOf(series) }) }),
];

const withoutPositions = (events: readonly PlacedLifecycleEvent[]): unknown[] =>
  events.map(({ position, ...event }) => {
    expect(position).to.be.a('number');
    return event;
  });

/** Samples and events over many segments. */
const fill = (journal: JournalWriter, rounds: number): LifecycleEvent[] => {
  const events: LifecycleEvent[] = [];
  for (let round = 0; round < rounds; round++) {
    const event = round < 4 ? created(round) : persisted(round % 4, round);
    events.push(event);
    journal.appendEvent(event);
    for (let i = 0; i < 20; i++) append(journal, round % 4, round * 100 + i, i / 3);
  }
  return events;
};

/** As {@link fill}, with creations of many series at once, which the history deflates. */
const fillWithMany = (journal: JournalWriter, rounds: number): LifecycleEvent[] => {
  const events = fill(journal, rounds >> 1);
  for (let round = 0; round < 3; round++) {
    const many = Array.from({ length: 20 }, (_, i) => created(100 * round + i));
    journal.appendEvents(many);
    events.push(...many);
  }
  for (let i = 0; i < 20; i++) append(journal, 0, 100_000 + i, i);
  for (const event of fill(journal, rounds - (rounds >> 1))) events.push(event);
  return events;
};

/** The kinds of the records in the history's files. */
const kindsIn = (fileSystem: MemoryFileSystem): number[] =>
  listHistory(fileSystem, directory).flatMap((file) => {
    const reader = openHistory(fileSystem, file);
    const kinds: number[] = [];
    while (reader.next(Number.POSITIVE_INFINITY)) kinds.push(reader.kind);
    reader.close();
    return kinds;
  });

const historyFiles = (fileSystem: MemoryFileSystem): string[] =>
  fileSystem.paths().filter((path) => path.endsWith('.history'));

describe('the lifecycle history', () => {
  it('has what the journal told before its segments went, with the same positions', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    const events = fill(journal, 30);
    await journal.commit();
    const before = history(fileSystem);
    expect(withoutPositions(before)).to.deep.equal(events);
    const middle = journal.segments()[Math.floor(journal.segments().length / 2)].start;
    const gone = await journal.truncateBefore(middle);
    expect(gone.segments).to.be.above(2);
    expect(journal.first).to.equal(middle);
    expect(history(fileSystem)).to.deep.equal(before);
    await journal.truncateBefore(journal.end);
    expect(journal.segments().length).to.equal(1);
    expect(history(fileSystem)).to.deep.equal(before);
    await journal.close();
  });

  it('of one series has that series alone, in events that name several too', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    const events = fill(journal, 30);
    const closed: LifecycleEvent = {
      type: 'headChunksClosed',
      time: 1,
      fingerprints: [fingerprintOf(1), fingerprintOf(2)],
    };
    journal.appendEvent(closed);
    await journal.commit();
    await journal.truncateBefore(journal.segments()[3].start);
    const expected = events.filter((event) => 'fingerprint' in event && event.fingerprint === fingerprintOf(2));
    expect(withoutPositions(history(fileSystem, 2))).to.deep.equal([...expected, closed]);
    expect(history(fileSystem, 99)).to.deep.equal([]);
    await journal.close();
  });

  it('reports records that are whole but malformed, and reads the others', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    const events = fill(journal, 6);
    await journal.commit();
    await journal.truncateBefore(journal.end);
    const path = historyFiles(fileSystem)[0];
    const bytes = fileSystem.content(path);
    const [file] = listHistory(fileSystem, directory);
    const reader = openHistory(fileSystem, file);
    const places: { readonly start: number; readonly payloadBytes: number }[] = [];
    while (reader.next(Number.POSITIVE_INFINITY)) {
      const { recordStart, payloadStart, payloadEnd } = reader;
      if (reader.kind === EVENTS)
        places.push({ start: reader.offsetOf(recordStart), payloadBytes: payloadEnd - payloadStart });
    }
    reader.close();
    /** Seals a record again, so that its checksum is right. */
    const seal = (index: number, kind: number, change: (payload: Buffer) => void): number => {
      const { start, payloadBytes } = places[index];
      change(bytes.subarray(start + FRAME_BYTES, start + FRAME_BYTES + payloadBytes));
      sealFrame(bytes, start, kind, payloadBytes, frameSeed(storeSalt(storeId), start - HISTORY_HEADER_BYTES));
      return start;
    };
    const malformed = seal(1, EVENTS, (payload) => payload.fill(0xff, HISTORY_POSITION_BYTES));
    const unknown = seal(3, 99, () => {});
    fileSystem.put(path, bytes);
    const findings: JournalFinding[] = [];
    const found = [...readHistory({ fileSystem, directory, onFinding: (finding) => findings.push(finding) })];
    expect(withoutPositions(found)).to.deep.equal(events.filter((_, index) => index !== 1 && index !== 3));
    expect(findings.map((finding) => [finding.kind, 'offset' in finding && finding.offset])).to.deep.equal([
      ['badRecord', malformed],
      ['unknownRecord', unknown],
    ]);
    for (const finding of findings) expect(describeFinding(finding)).to.include('history/');
    await journal.close();
  });

  it('has records of many events deflated, and the same events at the same positions', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 4000, batchSamples: 10 });
    const many = Array.from({ length: 1000 }, (_, series) => created(series));
    journal.appendEvent(opened);
    for (let i = 0; i < 1000; i += 250) journal.appendEvents(many.slice(i, i + 250));
    for (let i = 0; i < 200; i++) append(journal, i % 10, i, i);
    await journal.commit();
    const before = history(fileSystem);
    const journalBytes = journal.end;
    expect(withoutPositions(before)).to.deep.equal([opened, ...many]);
    await journal.truncateBefore(journal.end);
    expect(history(fileSystem)).to.deep.equal(before);
    expect(kindsIn(fileSystem).filter((kind) => kind === DEFLATED_EVENTS)).to.have.lengthOf(4);
    expect(kindsIn(fileSystem)).to.include(EVENTS);
    expect(journal.historyBytes).to.be.below(journalBytes / 3);
    expect(withoutPositions(history(fileSystem, 777))).to.deep.equal([created(777)]);
    expect(withoutPositions([...readHistory({ fileSystem, directory, text: 'job-400' })])).to.deep.equal(
      many.slice(250, 500),
    );
    await journal.close();
  });

  it('reports deflated records that promise too much or are malformed, and reads the others', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    const many = Array.from({ length: 60 }, (_, series) => created(series));
    for (let i = 0; i < 60; i += 20) journal.appendEvents(many.slice(i, i + 20));
    await journal.commit();
    await journal.truncateBefore(journal.end);
    const [file] = listHistory(fileSystem, directory);
    const bytes = fileSystem.content(file.path);
    const reader = openHistory(fileSystem, file);
    const offsets: number[] = [];
    while (reader.next(Number.POSITIVE_INFINITY)) {
      if (reader.kind !== DEFLATED_EVENTS) continue;
      const start = reader.offsetOf(reader.recordStart);
      const payload = bytes.subarray(start + FRAME_BYTES, reader.offsetOf(reader.recordEnd));
      if (offsets.length === 0) payload.writeUInt32LE(0xffffffff, HISTORY_POSITION_BYTES);
      if (offsets.length === 2) payload.fill(0xff, HISTORY_POSITION_BYTES + 4);
      const seed = frameSeed(storeSalt(storeId), start - HISTORY_HEADER_BYTES);
      sealFrame(bytes, start, DEFLATED_EVENTS, payload.length, seed);
      offsets.push(start);
    }
    reader.close();
    fileSystem.put(file.path, bytes);
    const findings: JournalFinding[] = [];
    const found = [...readHistory({ fileSystem, directory, onFinding: (finding) => findings.push(finding) })];
    expect(withoutPositions(found)).to.deep.equal(many.slice(20, 40));
    expect(findings.map((finding) => [finding.kind, 'offset' in finding && finding.offset])).to.deep.equal([
      ['badRecord', offsets[0]],
      ['badRecord', offsets[2]],
    ]);
    await journal.close();
  });

  it('read in slices has every event once, also of segments that are moved in a pause', async () => {
    for (const series of [undefined, 2]) {
      // So small a bound that moved events also go to files that were not there when reading began.
      const { journal, fileSystem } = openJournal({ segmentBytes: 600, batchSamples: 10, historyBytes: 8000 });
      fillWithMany(journal, 40);
      await journal.commit();
      const expected = history(fileSystem, series);
      await journal.truncateBefore(journal.segments()[2].start);
      let pauses = 0;
      let now = 0;
      const clock = new ManualClock();
      // Each look at the clock finds the slice over.
      clock.monotonic = () => (now += 5);
      clock.breathe = async () => {
        const segments = journal.segments();
        if (++pauses % 3 === 1 && segments.length > 2) await journal.truncateBefore(segments[2].start);
      };
      const openBefore = fileSystem.openCount;
      const found: PlacedLifecycleEvent[] = [];
      const fingerprint = series === undefined ? {} : { fingerprint: fingerprintOf(series) };
      for await (const event of readHistoryInSlices({ fileSystem, directory, ...fingerprint }, clock))
        found.push(event);
      expect(found).to.deep.equal(expected);
      expect(pauses).to.be.above(10);
      expect(fileSystem.openCount).to.equal(openBefore);
      await journal.close();
    }
  });

  it('closes its file when a reader of slices stops early', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    fillWithMany(journal, 12);
    await journal.commit();
    await journal.truncateBefore(journal.end);
    await journal.close();
    for await (const _ of readHistoryInSlices({ fileSystem, directory }, new ManualClock())) break;
    for (const _ of readHistory({ fileSystem, directory })) break;
    expect(fileSystem.openCount).to.equal(0);
  });

  it('keeps within its bound by dropping the oldest', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 1000, batchSamples: 10, historyBytes: 8000 });
    const events = fill(journal, 400);
    await journal.commit();
    await journal.truncateBefore(journal.end);
    expect(journal.historyBytes).to.be.within(4000, 8000);
    expect(historyFiles(fileSystem).length).to.be.above(3);
    const kept = withoutPositions(history(fileSystem));
    expect(kept).to.deep.equal(events.slice(-kept.length));
    await journal.close();
  });

  it('repeats nothing and loses nothing when the process ends at any call of a truncation', async () => {
    const base = openJournal({ segmentBytes: 600, batchSamples: 10 });
    fillWithMany(base.journal, 12);
    await base.journal.close();
    const expected = history(base.fileSystem);
    for (let crashAt = 1; ; crashAt++) {
      const machine = base.fileSystem.afterPowerLoss();
      const { journal } = openJournal({}, machine);
      let calls = 0;
      machine.onCall = () => {
        if (++calls >= crashAt) throw new Error('the machine is gone');
      };
      const survived = await journal.truncateBefore(journal.end).then(
        () => true,
        () => false,
      );
      machine.onCall = () => {};
      for (const left of [machine.afterKill(), machine.afterPowerLoss()]) {
        expect(history(left), `after call ${crashAt}`).to.deep.equal(expected);
        expect(read(left).findings).to.deep.equal([]);
        const again = openJournal({}, left).journal;
        await again.truncateBefore(again.end);
        expect(history(left), `again after call ${crashAt}`).to.deep.equal(expected);
        await again.close();
      }
      if (survived) return;
    }
  });

  it('leaves everything in place when it can not be written, and goes on when it can', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    fill(journal, 10);
    await journal.commit();
    const before = history(fileSystem);
    const segments = journal.segments().length;
    fileSystem.capacityBytes = 0;
    const error: unknown = await journal.truncateBefore(journal.end).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'TIDEMARK_DISK_FULL');
    expect(journal.segments().length).to.equal(segments);
    expect(journal.writable).to.equal(true);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await journal.truncateBefore(journal.end);
    expect(history(fileSystem)).to.deep.equal(before);
    await journal.close();
    expect(fileSystem.openCount).to.equal(0);
  });

  for (const how of ['in the same process', 'after a kill'] as const) {
    it(`moves a segment again from its beginning, ${how}, when a call of its move failed`, async () => {
      const base = openJournal({ segmentBytes: 600, batchSamples: 10 });
      fillWithMany(base.journal, 12);
      await base.journal.close();
      const expected = history(base.fileSystem);
      for (const operation of ['open', 'write', 'sync', 'syncDirectory', 'remove'] as const) {
        for (let skip = 0; ; skip++) {
          const machine = base.fileSystem.afterPowerLoss();
          let { journal } = openJournal({}, machine);
          let calls = 0;
          machine.onCall = (called) => {
            if (called === operation && calls++ === skip) machine.fail(operation, 'EIO');
          };
          const error: unknown = await journal.truncateBefore(journal.end).catch((reason: unknown) => reason);
          machine.onCall = () => {};
          if (!(error instanceof Error)) break;
          if (how === 'after a kill') ({ journal } = openJournal({}, machine));
          await journal.truncateBefore(journal.end);
          const message = `${operation} after ${skip} others`;
          expect(history(machine), message).to.deep.equal(expected);
          expect(history(machine.afterPowerLoss()), `${message}, without power`).to.deep.equal(expected);
        }
      }
    });
  }

  it('is told that it exists before a segment goes, also when that failed at first', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    fill(journal, 10);
    await journal.commit();
    fileSystem.fail('syncDirectory', 'EIO');
    await journal.truncateBefore(journal.end).catch(() => undefined);
    const callsBefore = fileSystem.calls.length;
    await journal.truncateBefore(journal.segments()[1].start);
    const calls = fileSystem.calls.slice(callsBefore);
    const erased = calls.findIndex(({ operation, path }) => operation === 'remove' && path.endsWith('.journal'));
    const named = calls.findIndex(({ operation, path }) => operation === 'syncDirectory' && path === directory);
    expect(named).to.be.within(0, erased - 1);
  });

  it('stays as it is when somebody puts a segment back that has been moved', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    fill(journal, 30);
    await journal.commit();
    const before = history(fileSystem);
    const [oldest] = fileSystem.paths();
    const bytes = fileSystem.content(oldest);
    await journal.truncateBefore(journal.end);
    await journal.close();
    fileSystem.put(oldest, bytes);
    const again = openJournal({}, fileSystem).journal;
    expect((await again.truncateBefore(again.end)).segments).to.be.above(0);
    expect(history(fileSystem)).to.deep.equal(before);
    await again.close();
  });

  it('passes over sample batches without reading what is in them', async () => {
    const { journal, fileSystem } = openJournal();
    for (let i = 0; i < 50_000; i++) append(journal, i % 10, i, i / 7);
    journal.appendEvent(opened);
    await journal.close();
    expect(withoutPositions(history(fileSystem))).to.deep.equal([opened]);
  });

  it('skips a damaged record of a history file, and a file that is none', async () => {
    const { journal, fileSystem } = openJournal({ segmentBytes: 400, batchSamples: 10 });
    fill(journal, 30);
    await journal.commit();
    const before = history(fileSystem);
    await journal.truncateBefore(journal.end);
    const [path] = historyFiles(fileSystem);
    const bytes = fileSystem.content(path);
    bytes[32 + 20] ^= 1;
    fileSystem.put(path, bytes);
    fileSystem.put(`${directory}/history/notes.txt`, Buffer.from('hello'));
    expect(history(fileSystem)).to.deep.equal(before.slice(1));
    await journal.close();
  });

  it('is empty where there is no journal', () => {
    expect(history(new MemoryFileSystem())).to.deep.equal([]);
  });
});
