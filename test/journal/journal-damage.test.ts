import { expect } from 'chai';
import { segmentName } from '../../src/journal/format/segment-header.ts';
import { inspectJournal } from '../../src/journal/read/inspect-journal.ts';
import { describeFinding, type JournalFinding } from '../../src/journal/read/journal-findings.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { append, directory, fingerprintOf, opened, openJournal, read } from './journal-fixture.ts';

const kinds = (findings: readonly JournalFinding[]): string[] => findings.map(({ kind }) => kind);

/** A journal of one segment: each sample is a record of its own. */
const oneSegment = async (
  count = 8,
): Promise<{ fileSystem: MemoryFileSystem; samples: string[]; ends: number[]; path: string }> => {
  const { journal, fileSystem } = openJournal();
  const samples: string[] = [];
  const ends: number[] = [];
  for (let i = 0; i < count; i++) {
    samples.push(append(journal, i % 3, 1000 + i, i / 3));
    ends.push(journal.seal());
  }
  await journal.close();
  return { fileSystem, samples, ends, path: `${directory}/${segmentName(0)}` };
};

/** Segments of two records each. */
const manySegments = async (): Promise<{ fileSystem: MemoryFileSystem; samples: string[]; starts: number[] }> => {
  const { journal, fileSystem } = openJournal({ segmentBytes: 100, batchSamples: 1 });
  const samples = Array.from({ length: 20 }, (_, i) => append(journal, i % 3, 1000 + i, i / 3));
  await journal.commit();
  const starts = journal.segments().map(({ start }) => start);
  await journal.close();
  return { fileSystem, samples, starts };
};

const change = (fileSystem: MemoryFileSystem, path: string, edit: (bytes: Buffer) => Buffer | undefined): void => {
  const bytes = fileSystem.content(path);
  fileSystem.put(path, edit(bytes) ?? bytes);
};

const HEADER = 48;

describe('a damaged journal', () => {
  describe('torn tail', () => {
    it('loses the torn record and nothing else, wherever it was torn, and is cut when the journal is opened', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment();
      const whole = fileSystem.content(path);
      for (let length = HEADER; length < whole.length; length++) {
        fileSystem.put(path, whole.subarray(0, length));
        const kept = ends.filter((end) => end + HEADER <= length).length;
        const torn = length - HEADER - (ends[kept - 1] ?? 0);
        const { items, findings } = read(fileSystem);
        expect(items, `cut at ${length}`).to.deep.equal(samples.slice(0, kept));
        expect(findings, `cut at ${length}`).to.deep.equal(
          torn === 0
            ? []
            : [
                {
                  kind: 'tornTail',
                  file: segmentName(0),
                  offset: length - torn,
                  bytes: torn,
                  from: ends[kept - 1] ?? 0,
                },
              ],
        );

        const machine = fileSystem.afterKill();
        const { journal } = openJournal({}, machine);
        expect(kinds(journal.findings), `opened after a cut at ${length}`).to.deep.equal(
          torn === 0 ? [] : ['tornTail'],
        );
        const more = append(journal, 9, 5000, 5);
        await journal.close();
        const after = read(machine);
        expect(after.items, `continued after a cut at ${length}`).to.deep.equal([...samples.slice(0, kept), more]);
        expect(after.findings).to.deep.equal([]);
      }
    });

    it('is told from zeros after the last record, which are padding', async () => {
      const { fileSystem, samples, path } = await oneSegment();
      change(fileSystem, path, (bytes) => Buffer.concat([bytes, Buffer.alloc(5000)]));
      expect(read(fileSystem).findings).to.deep.equal([]);
      const { journal } = openJournal({}, fileSystem);
      expect(journal.findings).to.deep.equal([]);
      const more = append(journal, 9, 5000, 5);
      await journal.close();
      expect(read(fileSystem).items).to.deep.equal([...samples, more]);
      expect(read(fileSystem).findings).to.deep.equal([]);
    });

    it('is cut where a block of the last record came out as zeros', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment();
      change(fileSystem, path, (bytes) => {
        bytes.fill(0, HEADER + ends[6] + 20);
        return undefined;
      });
      expect(read(fileSystem).items).to.deep.equal(samples.slice(0, 7));
      expect(kinds(read(fileSystem).findings)).to.deep.equal(['tornTail']);
    });
  });

  describe('bad record', () => {
    it('loses the record that a changed byte is in, and samples of series that it named', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment();
      const whole = fileSystem.content(path);
      for (let offset = HEADER; offset < whole.length; offset++) {
        const damaged = Buffer.from(whole);
        damaged[offset] ^= 0x55;
        fileSystem.put(path, damaged);
        const bad = ends.findIndex((end) => offset < end + HEADER);
        const { items, findings } = read(fileSystem);
        // Records 0, 1 and 2 name the three series.
        const lost = (i: number): boolean => i === bad || (bad < 3 && i % 3 === bad);
        expect(items, `byte ${offset}`).to.deep.equal(samples.filter((_, i) => !lost(i)));
        const from = ends[bad - 1] ?? 0;
        const to = ends[bad];
        if (bad === ends.length - 1) {
          expect(kinds(findings), `byte ${offset}`).to.deep.equal(['tornTail']);
          continue;
        }
        expect(findings[0], `byte ${offset}`).to.deep.include({ kind: 'badRecord', offset: from + HEADER, from, to });
        const unresolved = findings.slice(1);
        expect(kinds(unresolved)).to.deep.equal(new Array(bad < 3 ? (bad < 2 ? 2 : 1) : 0).fill('unresolvedReference'));
      }
    });

    it('ends where the next record starts, however many bytes are bad and whatever they are', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment();
      const whole = fileSystem.content(path);
      for (const fill of [0, 0x9e, 0xff]) {
        fileSystem.put(path, Buffer.from(whole).fill(fill, HEADER + ends[3] + 1, HEADER + ends[5] + 3));
        const { items, findings } = read(fileSystem);
        expect(items).to.deep.equal([...samples.slice(0, 4), ...samples.slice(7)]);
        expect(findings.length).to.equal(1);
        expect(findings[0]).to.deep.include({ kind: 'badRecord', from: ends[3], to: ends[6] });
      }
    });

    it('is also one whose bytes are those of another place, of another store, or of a label', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment();
      change(fileSystem, path, (bytes) => {
        // A copy of a whole record where another should be: both have the same length.
        bytes.copy(bytes, HEADER + ends[4], HEADER + ends[3], HEADER + ends[4]);
        return undefined;
      });
      const { items, findings } = read(fileSystem);
      expect(items).to.deep.equal(samples.filter((_, i) => i !== 5));
      expect(kinds(findings)).to.deep.equal(['badRecord']);
    });

    it('is passed over when the journal is opened for writing, which cuts nothing that is followed by a record', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment();
      change(fileSystem, path, (bytes) => {
        bytes[HEADER + ends[4] + 30] ^= 1;
        return undefined;
      });
      const { journal } = openJournal({}, fileSystem);
      expect(kinds(journal.findings)).to.deep.equal(['badRecord']);
      await journal.close();
      expect(read(fileSystem).items).to.deep.equal(samples.filter((_, i) => i !== 5));
    });

    it('at the end of a segment that others follow is reported up to where that segment ended', async () => {
      const { fileSystem, starts, samples } = await manySegments();
      const path = `${directory}/${segmentName(starts[1])}`;
      change(fileSystem, path, (bytes) => bytes.subarray(0, -5));
      const { items, findings } = read(fileSystem);
      expect(items.length).to.equal(samples.length - 1);
      expect(kinds(findings)).to.deep.equal(['badRecord', 'missingSegment']);
      expect(findings[1]).to.deep.equal({ kind: 'missingSegment', from: starts[2] - 5, to: starts[2] });
    });
  });

  describe('missing segment', () => {
    it('is reported as the exact range, and the rest is read', async () => {
      const { fileSystem, starts, samples } = await manySegments();
      const { positions } = read(fileSystem);
      fileSystem.remove(`${directory}/${segmentName(starts[2])}`);
      fileSystem.remove(`${directory}/${segmentName(starts[3])}`);
      const { items, findings } = read(fileSystem);
      expect(items).to.deep.equal(samples.filter((_, i) => positions[i] <= starts[2] || positions[i] > starts[4]));
      expect(findings).to.deep.equal([{ kind: 'missingSegment', from: starts[2], to: starts[4] }]);
    });

    it('at the beginning is no damage: that is how the journal is cut', async () => {
      const { fileSystem, starts } = await manySegments();
      fileSystem.remove(`${directory}/${segmentName(0)}`);
      expect(read(fileSystem).findings).to.deep.equal([]);
      expect(inspectJournal({ fileSystem, directory }).first).to.equal(starts[1]);
    });
  });

  describe('duplicated segment', () => {
    it('is read once when a copy has another name', async () => {
      const { fileSystem, starts, samples } = await manySegments();
      const copy = fileSystem.content(`${directory}/${segmentName(starts[1])}`);
      fileSystem.put(`${directory}/copy.journal`, copy);
      fileSystem.put(`${directory}/${segmentName(starts[1] + 1)}`, copy);
      const { items, findings } = read(fileSystem);
      expect(items).to.deep.equal(samples);
      expect(kinds(findings)).to.deep.equal(['duplicatedSegment', 'duplicatedSegment']);
    });

    it('is read by its header when only the copy is there', async () => {
      const { fileSystem, starts, samples } = await manySegments();
      const path = `${directory}/${segmentName(starts[1])}`;
      fileSystem.put(`${directory}/copy.journal`, fileSystem.content(path));
      fileSystem.remove(path);
      expect(read(fileSystem).items).to.deep.equal(samples);
    });
  });

  describe('empty segment', () => {
    for (const bytes of [0, 1, 47]) {
      it(`of ${bytes} bytes holds nothing, and goes when the journal is opened`, async () => {
        const { fileSystem, samples } = await manySegments();
        const end = inspectJournal({ fileSystem, directory }).end;
        const path = `${directory}/${segmentName(end)}`;
        fileSystem.put(path, Buffer.alloc(bytes, 1));
        const { items, findings } = read(fileSystem);
        expect(items).to.deep.equal(samples);
        expect(findings).to.deep.equal([{ kind: 'emptySegment', file: segmentName(end), bytes }]);
        const { journal } = openJournal({}, fileSystem);
        const more = append(journal, 0, 9000, 9);
        await journal.close();
        expect(read(fileSystem)).to.deep.include({ items: [...samples, more], findings: [] });
      });
    }

    it('with a header and no record is replaced by the one that starts there', async () => {
      const { fileSystem, samples, ends, path } = await oneSegment(1);
      change(fileSystem, path, (bytes) => bytes.subarray(0, HEADER + 3));
      expect(ends.length).to.equal(samples.length);
      const { journal } = openJournal({}, fileSystem);
      const more = append(journal, 0, 9000, 9);
      await journal.close();
      expect(read(fileSystem)).to.deep.include({ items: [more], findings: [] });
    });
  });

  describe('damaged header', () => {
    it('is stood in for by the name, wherever a byte of it is changed', async () => {
      const { fileSystem, starts, samples } = await manySegments();
      const path = `${directory}/${segmentName(starts[2])}`;
      const whole = fileSystem.content(path);
      for (let offset = 0; offset < HEADER; offset++) {
        const damaged = Buffer.from(whole);
        damaged[offset] ^= 0x11;
        fileSystem.put(path, damaged);
        const { items, findings } = read(fileSystem);
        expect(items, `byte ${offset}`).to.deep.equal(samples);
        expect(kinds(findings), `byte ${offset}`).to.deep.equal(['damagedHeader']);
      }
    });

    it('of the only segment is stood in for as long as the store id is whole', async () => {
      const { fileSystem, samples, path } = await oneSegment();
      change(fileSystem, path, (bytes) => {
        bytes[20] ^= 1;
        return undefined;
      });
      expect(read(fileSystem).items).to.deep.equal(samples);
    });
  });

  it('whose only header is damaged beyond reading is put aside, not deleted, when it is opened', async () => {
    const { fileSystem, path } = await oneSegment();
    change(fileSystem, path, (bytes) => {
      bytes[33] ^= 1;
      return undefined;
    });
    const damaged = fileSystem.content(path);
    const { journal } = openJournal({}, fileSystem);
    const more = append(journal, 0, 9000, 9);
    await journal.close();
    expect(fileSystem.content(`${path}.damaged`).equals(damaged)).to.equal(true);
    expect(read(fileSystem)).to.deep.include({ items: [more], findings: [] });
  });

  it('whose only segment is blank after a torn header, as a crash leaves it, is begun anew', async () => {
    const { fileSystem, path } = await oneSegment();
    fileSystem.put(path, Buffer.alloc(fileSystem.content(path).length));
    const { journal } = openJournal({}, fileSystem);
    const more = append(journal, 0, 9000, 9);
    await journal.close();
    expect(fileSystem.paths().filter((name) => name.endsWith('.damaged'))).to.deep.equal([]);
    expect(read(fileSystem)).to.deep.include({ items: [more], findings: [] });
  });

  describe('foreign file', () => {
    it('is left alone: another name, another store, no segment at all', async () => {
      const { fileSystem, samples } = await manySegments();
      const other = openJournal();
      append(other.journal, 1, 1, 1);
      await other.journal.close();
      const foreign = other.fileSystem.content(`${directory}/${segmentName(0)}`);
      foreign[35] ^= 1;
      const { encodeSegmentHeader } = await import('../../src/journal/format/segment-header.ts');
      const header = encodeSegmentHeader({ start: 7, previousEnd: 7, storeId: 'aaaaaaaaaaaaaaaa', carried: undefined });
      fileSystem.put(`${directory}/${segmentName(7)}`, Buffer.concat([header, foreign.subarray(HEADER)]));
      fileSystem.put(`${directory}/notes.txt`, Buffer.from('hello'));
      fileSystem.put(`${directory}/x.journal`, Buffer.alloc(100));
      const { items, findings } = read(fileSystem);
      expect(items).to.deep.equal(samples);
      expect(kinds(findings)).to.deep.equal(['foreignFile', 'foreignFile', 'foreignFile']);
    });

    it('of a later version keeps the journal from being continued', async () => {
      const { fileSystem, path } = await oneSegment();
      const { crc32 } = await import('node:zlib');
      change(fileSystem, path, (bytes) => {
        bytes.writeUInt32LE(2, 8);
        bytes.writeUInt32LE(crc32(bytes.subarray(0, 44)), 44);
        return undefined;
      });
      expect(() => openJournal({}, fileSystem)).to.throw(/version 2/);
    });
  });

  it('is described to people, kind by kind', async () => {
    const { fileSystem, starts } = await manySegments();
    const path = `${directory}/${segmentName(starts[1])}`;
    change(fileSystem, path, (bytes) => {
      bytes[60] ^= 1;
      return undefined;
    });
    fileSystem.remove(`${directory}/${segmentName(starts[3])}`);
    const { findings } = inspectJournal({ fileSystem, directory });
    for (const finding of findings) expect(describeFinding(finding)).to.match(/\d/);
    expect(findings.map(describeFinding)[0]).to.match(
      /no valid record at offset 48 \(.*\); positions \d+ to \d+ are lost/,
    );
  });

  it('is counted: records, samples, events, and samples whose series can not be told', async () => {
    const { journal, fileSystem } = openJournal();
    append(journal, 0, 1, 1);
    journal.appendEvents([opened, { type: 'headChunksClosed', time: 1, fingerprints: [fingerprintOf(0)] }]);
    append(journal, 0, 2, 1);
    await journal.close();
    const whole = inspectJournal({ fileSystem, directory });
    expect(whole).to.deep.include({ records: 3, samples: 2, events: 2, unresolvedSamples: 0, findings: [] });
    expect(whole.end).to.equal(journal.end);
    change(fileSystem, `${directory}/${segmentName(0)}`, (bytes) => {
      bytes[HEADER + 20] ^= 1;
      return undefined;
    });
    expect(inspectJournal({ fileSystem, directory })).to.deep.include({ records: 2, samples: 0, unresolvedSamples: 1 });
  });
});
