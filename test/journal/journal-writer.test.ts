import { expect } from 'chai';
import fc from 'fast-check';
import { segmentName } from '../../src/journal/format/segment-header.ts';
import { JournalWriter } from '../../src/journal/write/journal-writer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { append, created, directory, opened, openJournal, read, storeId, textOf, turn } from './journal-fixture.ts';

const closedHeads: LifecycleEvent = { type: 'headChunksClosed', time: 1, fingerprints: ['0000000000000001'] };

describe('the journal', () => {
  describe('what was appended', () => {
    it('comes back in order: samples, events, samples', async () => {
      const { journal, fileSystem } = openJournal();
      const first = append(journal, 0, 1000, 1.5);
      const second = append(journal, 1, 1000, -0);
      journal.appendEvent(closedHeads);
      const third = append(journal, 0, 2000, Number.NaN);
      await journal.close();
      expect(read(fileSystem).items).to.deep.equal([first, second, closedHeads, third]);
    });

    it('comes back from any batch of samples and events, over any number of segments', async () => {
      const step = fc.oneof(
        { weight: 8, arbitrary: fc.tuple(fc.nat(30), fc.maxSafeInteger(), fc.double()) },
        { weight: 1, arbitrary: fc.constant('event' as const) },
        { weight: 1, arbitrary: fc.constant('commit' as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 9 }), async (steps, batch) => {
          const { journal, fileSystem } = openJournal({ batchSamples: batch, segmentBytes: 200 });
          const expected: unknown[] = [];
          for (const given of steps) {
            if (given === 'commit') await journal.commit();
            else if (given === 'event') {
              journal.appendEvent(closedHeads);
              expected.push(closedHeads);
            } else expected.push(append(journal, ...given));
          }
          await journal.close();
          const { items, findings } = read(fileSystem);
          expect(items).to.deep.equal(expected);
          expect(findings).to.deep.equal([]);
        }),
        { numRuns: 60 },
      );
    });

    it('may have the creation of a series before samples of others that were appended earlier', async () => {
      const { journal, fileSystem } = openJournal();
      const first = append(journal, 0, 1000, 1);
      journal.appendEvent(created(1));
      const second = append(journal, 1, 1000, 2);
      await journal.close();
      expect(read(fileSystem).items).to.deep.equal([created(1), first, second]);
    });

    it('is told with one position when it happened together', async () => {
      const { journal, fileSystem } = openJournal();
      const position = journal.appendEvents([opened, closedHeads]);
      await journal.close();
      expect(read(fileSystem).positions).to.deep.equal([position]);
      expect(read(fileSystem).items).to.deep.equal([opened, closedHeads]);
    });

    it('belongs to the new series when a row has been given to another', async () => {
      const { journal, fileSystem } = openJournal();
      journal.appendSample(7, 1, ~0, 1000, 0, 0);
      journal.forget(7);
      journal.appendSample(7, 2, ~1, 1000, 0, 0);
      await journal.close();
      expect(read(fileSystem).items).to.deep.equal([textOf(0, 1000, 0), textOf(1, 1000, 0)]);
    });

    it('keeps labels of any text, and a label named __proto__', async () => {
      const { journal, fileSystem } = openJournal();
      const labels = JSON.parse('{"__proto__":"p","job":"größe \\u0000 😀","long":""}') as Record<string, string>;
      const event = { ...created(0), labels: { ...labels, long: 'x'.repeat(5000) } };
      Object.defineProperty(event.labels, '__proto__', { value: 'p', enumerable: true, writable: true });
      journal.appendEvent(event);
      await journal.close();
      const [found] = read(fileSystem).items as (typeof event)[];
      expect(Object.entries(found.labels)).to.have.deep.members(Object.entries(event.labels));
    });
  });

  describe('a position', () => {
    it('is where an event ends, and where reading goes on with the next one', async () => {
      const { journal, fileSystem } = openJournal();
      append(journal, 0, 1000, 1);
      const position = journal.appendEvent(opened);
      const sample = append(journal, 0, 2000, 2);
      const later = journal.appendEvent(closedHeads);
      await journal.close();
      expect(read(fileSystem, { from: position }).items).to.deep.equal([sample, closedHeads]);
      expect(read(fileSystem, { from: position + 1 }).items).to.deep.equal([closedHeads]);
      expect(read(fileSystem, { from: later }).items).to.deep.equal([]);
    });

    it('resolves references that were defined before it', async () => {
      const { journal, fileSystem } = openJournal();
      append(journal, 0, 1000, 1);
      const position = journal.seal();
      const sample = append(journal, 0, 2000, 2);
      await journal.close();
      const { items, findings } = read(fileSystem, { from: position });
      expect(items).to.deep.equal([sample]);
      expect(findings).to.deep.equal([]);
    });

    it('is valid after a restart, and is never given out again', async () => {
      const { journal, fileSystem } = openJournal();
      const first = journal.appendEvent(opened);
      await journal.close();
      const again = openJournal({}, fileSystem).journal;
      expect(again.end).to.equal(first);
      expect(again.appendEvent(closedHeads)).to.be.above(first);
      await again.close();
      expect(read(fileSystem, { from: first }).items).to.deep.equal([closedHeads]);
    });

    it('is not given out again either when a record of it was torn off', async () => {
      const { journal, fileSystem } = openJournal();
      journal.appendEvent(opened);
      const torn = journal.appendEvent(closedHeads);
      await journal.close();
      const path = `${directory}/${segmentName(0)}`;
      fileSystem.put(path, fileSystem.content(path).subarray(0, -1));
      const again = openJournal({}, fileSystem).journal;
      expect(again.end).to.equal(torn - 1);
      await again.close();
    });

    it('starts where other files say the journal has been', async () => {
      const { journal, fileSystem, clock } = openJournal();
      journal.appendEvent(opened);
      await journal.close();
      const again = JournalWriter.open({ fileSystem, directory, clock, storeId, notBefore: 10_000 });
      expect(again.end).to.equal(10_000);
      again.appendEvent(closedHeads);
      await again.close();
      const { items, findings } = read(fileSystem);
      expect(items).to.deep.equal([opened, closedHeads]);
      expect(findings, 'the gap is not damage').to.deep.equal([]);
    });
  });

  describe('segments', () => {
    it('follow one another at the size that was asked for, each with all that its reader needs', async () => {
      const { journal, fileSystem } = openJournal({ segmentBytes: 300, batchSamples: 4 });
      const samples = Array.from({ length: 100 }, (_, i) => append(journal, i % 10, i, i));
      await journal.close();
      const paths = fileSystem.paths();
      expect(paths.length).to.be.above(3);
      expect(read(fileSystem).items).to.deep.equal(samples);
      fileSystem.remove(paths[0]);
      const rest = read(fileSystem);
      expect(rest.items).to.deep.equal(samples.slice(-rest.items.length));
      expect(rest.findings).to.deep.equal([]);
    });

    it('are listed with the bytes that their files have', async () => {
      const { journal, fileSystem } = openJournal({ segmentBytes: 300, batchSamples: 4 });
      for (let i = 0; i < 50; i++) append(journal, i % 10, i, i);
      await journal.commit();
      const files = fileSystem.paths().map((path) => fileSystem.content(path).length);
      const listed = journal.segments();
      expect(listed.map(({ bytes }) => bytes).slice(0, files.length)).to.deep.equal(files);
      expect(journal.fileBytes).to.equal(listed.reduce((sum, { bytes }) => sum + bytes, 0));
      await journal.close();
      expect(openJournal({}, fileSystem).journal.segments().slice(0, files.length)).to.deep.equal(
        listed.slice(0, files.length),
      );
    });

    it('end when a checkpoint asks for it, if they have some size, and lose nothing then', async () => {
      const { journal, fileSystem } = openJournal();
      const samples = Array.from({ length: 1000 }, (_, i) => append(journal, i % 10, i, i));
      expect(journal.beginSegment()).to.equal(journal.end);
      expect(journal.segments()).to.have.length(1);
      for (let i = 1000; i < 100_000; i++) samples.push(append(journal, i % 10, i, i + 0.123456789));
      const start = journal.beginSegment();
      expect(start).to.equal(journal.end);
      expect(journal.segments().map((segment) => segment.start)).to.deep.equal([0, start]);
      const later = Array.from({ length: 1000 }, (_, i) => append(journal, i % 20, 100_000 + i, i));
      await journal.close();
      expect(read(fileSystem).items).to.deep.equal([...samples, ...later]);
      fileSystem.remove(fileSystem.paths()[0]);
      const rest = read(fileSystem);
      expect(rest.items).to.deep.equal(later);
      expect(rest.findings).to.deep.equal([]);
    });

    it('are not created before there is something to write', async () => {
      const { journal, fileSystem } = openJournal();
      await journal.commit();
      await journal.close();
      expect(fileSystem.paths()).to.deep.equal([]);
    });

    it('are never touched again once the journal is closed', async () => {
      const { journal, fileSystem } = openJournal();
      const sample = append(journal, 0, 1000, 1);
      await journal.close();
      append(journal, 0, 2000, 2);
      const error: unknown = await journal.commit().catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'TIDEMARK_CLOSED');
      expect(() => journal.commitBlocking()).to.throw(/closed/);
      expect(read(fileSystem).items).to.deep.equal([sample]);
    });

    it('stay open for a commit that was asked for while the journal was closing', async () => {
      const { journal, fileSystem } = openJournal();
      const released: (() => void)[] = [];
      fileSystem.holdSync = () => new Promise((resolve) => released.push(resolve));
      const samples = [append(journal, 0, 1000, 1)];
      const closed = journal.close();
      await turn();
      samples.push(append(journal, 0, 2000, 2));
      const committed = journal.commit();
      let hasClosed = false;
      void closed.then(() => {
        hasClosed = true;
      });
      released.shift()!();
      await turn();
      expect(hasClosed, 'the second sync runs').to.equal(false);
      expect(released).to.have.length(1);
      released.shift()!();
      expect(await committed).to.equal(journal.end);
      await closed;
      expect(fileSystem.openCount).to.equal(0);
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal(samples);
    });

    it('leave no descriptor open when the journal is closed', async () => {
      const { journal, fileSystem } = openJournal({ segmentBytes: 100, batchSamples: 2 });
      for (let i = 0; i < 50; i++) append(journal, 0, i, i);
      await journal.close();
      await journal.close();
      expect(fileSystem.openCount).to.equal(0);
    });
  });

  describe('a commit', () => {
    it('makes everything appended before it durable', async () => {
      const { journal, fileSystem } = openJournal();
      const sample = append(journal, 0, 1000, 1);
      expect(journal.durable).to.equal(0);
      const position = await journal.commit();
      expect(journal.durable).to.equal(position);
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal([sample]);
    });

    it('shares one sync with everyone who comes while another runs', async () => {
      const { journal, fileSystem } = openJournal();
      let release = (): void => {};
      fileSystem.holdSync = () => new Promise((resolve) => (release = resolve));
      append(journal, 0, 1000, 1);
      const first = journal.commit();
      append(journal, 0, 2000, 2);
      const waiting = [journal.commit(), journal.commit(), journal.commit()];
      expect(new Set(waiting).size).to.equal(1);
      release();
      await first;
      expect(journal.durable).to.be.below(journal.end + 1);
      await turn();
      release();
      expect(await Promise.all(waiting)).to.deep.equal(waiting.map(() => journal.end));
      expect(fileSystem.calls.filter(({ operation }) => operation === 'sync').length).to.equal(2);
      await Promise.all([journal.close(), turn().then(release)]);
    });

    it('resolves without a sync when there is nothing new', async () => {
      const { journal, fileSystem } = openJournal();
      append(journal, 0, 1000, 1);
      await journal.commit();
      const calls = fileSystem.calls.length;
      await journal.commit();
      journal.commitBlocking();
      expect(fileSystem.calls.length).to.equal(calls);
    });

    it('can be waited for on the thread', () => {
      const { journal, fileSystem } = openJournal();
      const sample = append(journal, 0, 1000, 1);
      journal.commitBlocking();
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal([sample]);
    });

    it('on the thread may overlap one that runs, and both count', async () => {
      const { journal, fileSystem } = openJournal();
      let release = (): void => {};
      fileSystem.holdSync = () => new Promise((resolve) => (release = resolve));
      append(journal, 0, 1000, 1);
      const running = journal.commit();
      append(journal, 0, 2000, 2);
      journal.commitBlocking();
      const durable = journal.durable;
      expect(durable).to.equal(journal.end);
      release();
      await running;
      expect(journal.durable).to.equal(durable);
      expect(read(fileSystem.afterPowerLoss()).items.length).to.equal(2);
    });

    it('includes the names of new files, though a sync of the directory that runs may not have them yet', async () => {
      const { journal, fileSystem } = openJournal({ segmentBytes: 4096 });
      const released: (() => void)[] = [];
      fileSystem.holdDirectorySync = () => new Promise((resolve) => released.push(resolve));
      const expected = [append(journal, 0, 0, 0)];
      const running = journal.commit();
      await turn();
      expect(released, 'the directory is being synced').to.have.length(1);
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal([]);
      // More files are created, and a commit on the thread does not wait for the sync that runs.
      for (let time = 1; time < 2000; time++) {
        expected.push(append(journal, 0, time, time / 7));
        if (time % 500 === 0) journal.write();
      }
      journal.commitBlocking();
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal(expected);
      released[0]();
      await running;
      fileSystem.holdDirectorySync = () => Promise.resolve();
      expected.push(append(journal, 0, 2000, 1));
      await journal.commit();
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal(expected);
    });

    it('syncs the directory once for a new file', async () => {
      const { journal, fileSystem } = openJournal();
      const before = fileSystem.calls.length;
      for (let time = 0; time < 3; time++) {
        append(journal, 0, time, 1);
        await journal.commit();
      }
      const syncs = fileSystem.calls.slice(before).filter(({ operation }) => operation === 'syncDirectory');
      expect(syncs).to.have.length(1);
    });

    it('does not count a name as durable that came while the directory was being synced', async () => {
      const { journal, fileSystem } = openJournal({ segmentBytes: 4096 });
      let release = (): void => {};
      fileSystem.holdDirectorySync = () => new Promise((resolve) => (release = resolve));
      const expected = [append(journal, 0, 0, 0)];
      const running = journal.commit();
      await turn();
      for (let time = 1; time < 2000; time++) {
        expected.push(append(journal, 0, time, time / 7));
        if (time % 500 === 0) journal.write();
      }
      journal.write();
      expect(fileSystem.paths().length, 'new files').to.be.greaterThan(2);
      release();
      await running;
      fileSystem.holdDirectorySync = () => Promise.resolve();
      await journal.commit();
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal(expected);
    });

    it('fails when the directory cannot be synced, and the next one syncs it', async () => {
      const { journal, fileSystem } = openJournal();
      const expected = [append(journal, 0, 0, 0)];
      fileSystem.fail('syncDirectory', 'EIO');
      const error = await journal.commit().then(
        () => expect.fail('should be rejected'),
        (reason: unknown) => reason,
      );
      expect(error).to.include({ code: 'TIDEMARK_IO' });
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal([]);
      await journal.retry();
      expect(read(fileSystem.afterPowerLoss()).items).to.deep.equal(expected);
    });

    it('is asked for once, by the first append after another began', async () => {
      let pending = 0;
      const { journal } = openJournal({ onPending: () => pending++ });
      append(journal, 0, 1000, 1);
      append(journal, 0, 2000, 2);
      journal.appendEvent(opened);
      expect(pending).to.equal(1);
      await journal.commit();
      expect(pending).to.equal(1);
      journal.appendEvent(opened);
      append(journal, 0, 3000, 3);
      expect(pending).to.equal(2);
    });

    it('tells listeners how far the journal is durable, until they leave', async () => {
      const { journal } = openJournal();
      const heard: number[] = [];
      const leave = journal.onDurable((position) => heard.push(position));
      journal.appendEvent(opened);
      await journal.commit();
      leave();
      journal.appendEvent(opened);
      await journal.commit();
      expect(heard.length).to.equal(1);
    });
  });

  describe('while the program never lets the event loop turn', () => {
    it('starts a sync when the interval is over, and waits for the disk itself at the next', () => {
      const { journal, fileSystem, clock } = openJournal({ commitIntervalMs: 100 });
      const syncs = (): number => fileSystem.calls.filter(({ operation }) => operation === 'sync').length;
      let started = 0;
      fileSystem.holdSync = () => {
        started++;
        return new Promise(() => {});
      };
      const appendFor = (ms: number): void => {
        for (let i = 0; i < ms; i++) {
          for (let sample = 0; sample < 64; sample++) append(journal, sample, clock.now(), i);
          clock.advance(1);
        }
      };
      appendFor(90);
      expect([started, syncs()], 'within the interval').to.deep.equal([0, 0]);
      appendFor(30);
      expect([started, syncs()], 'after it').to.deep.equal([1, 0]);
      appendFor(110);
      expect([started, syncs()], 'after the next').to.deep.equal([1, 1]);
      expect(journal.durable).to.be.above(0);
    });

    it('writes without a sync when durability is left to the operating system', () => {
      const { journal, fileSystem, clock } = openJournal({ durability: 'os' });
      for (let i = 0; i < 300; i++) {
        for (let sample = 0; sample < 64; sample++) append(journal, sample, clock.now(), i);
        clock.advance(1);
      }
      expect(fileSystem.calls.some(({ operation }) => operation === 'write')).to.equal(true);
      expect(fileSystem.calls.some(({ operation }) => operation === 'sync')).to.equal(false);
    });

    it('keeps what the disk has not confirmed within its bound', () => {
      const { journal, fileSystem } = openJournal({ unconfirmedBytesMax: 20_000, writeBytes: 1000, batchSamples: 100 });
      fileSystem.holdSync = () => new Promise(() => {});
      let most = 0;
      for (let i = 0; i < 30_000; i++) {
        append(journal, i % 50, i, i * 0.1234567);
        most = Math.max(most, journal.pendingBytes);
      }
      expect(most).to.be.below(22_000);
      expect(journal.bufferBytes).to.be.at.most(2 * 1024 * 1024);
    });
  });
});
