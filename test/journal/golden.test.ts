/**
 * Journals of version 1 as they were written when the format was fixed. They must open forever. To add one, put its
 * recipe into `recipes` and run the tests with UPDATE_GOLDEN=1: a file that is there already is never changed.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { segmentName } from '../../src/journal/format/segment-header.ts';
import { readHistory } from '../../src/journal/history/read-history.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { append, created, directory, fingerprintOf, opened, openJournal, read } from './journal-fixture.ts';

type Item = string | LifecycleEvent;

interface Recipe {
  /** Writes the journal; returns what must be read back. */
  readonly write: (fileSystem: MemoryFileSystem) => Promise<Item[]>;
  /** The file of it that is kept. */
  readonly path: string;
  /** Versions of zlib may deflate in different ways, so that only reading is compared. */
  readonly isDeflated?: true;
}

const values = [0, -0, 1, 255, 256, 65_536, 16_777_216, -5, 123_456_789, 21.5, -3.07, 12_345.678, 1 / 3, 2 ** -32];
const odd = [Number.NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE];
const times = [0, 1, -7, 100, 400, 40_000, 86_400_000, 2 ** 53 - 1, -(2 ** 53) + 1];

const purged: LifecycleEvent = {
  type: 'seriesPurged',
  time: 1_700_000_000_001,
  fingerprint: fingerprintOf(0),
  labels: { __name__: 'größe' },
  reason: 'dropped',
};

const recipes: Readonly<Record<string, Recipe>> = {
  'every-form': {
    path: `${directory}/${segmentName(0)}`,
    write: async (fileSystem) => {
      const { journal } = openJournal({}, fileSystem);
      const items: Item[] = [created(0), opened];
      journal.appendEvents([created(0), opened]);
      for (const [i, value] of [...values, ...odd].entries()) items.push(append(journal, i % 5, i, value));
      for (const [i, time] of times.entries()) items.push(append(journal, 3 * i, time, i));
      journal.appendSample(0, 1, ~0, 5, 0x7ff00000, 2);
      items.push(`${fingerprintOf(0)} 5 7ff0000000000002`);
      journal.appendEvent(purged);
      items.push(purged);
      await journal.close();
      return items;
    },
  },
  'after-a-failed-sync': {
    path: `${directory}/${segmentName(57)}`,
    write: async (fileSystem) => {
      const { journal } = openJournal({}, fileSystem);
      append(journal, 0, 1000, 1);
      append(journal, 1, 1000, 2);
      await journal.commit();
      const items = [append(journal, 0, 2000, 3), append(journal, 1, 2000, 4), append(journal, 2, 2000, 5)];
      fileSystem.fail('sync', 'EIO');
      await journal.commit().catch(() => undefined);
      await journal.retry();
      await journal.close();
      return items;
    },
  },
  history: {
    path: `${directory}/history/0000000000000000.history`,
    write: async (fileSystem) => {
      const { journal } = openJournal({ segmentBytes: 60 }, fileSystem);
      journal.appendEvent(created(0));
      journal.appendEvent(purged);
      await journal.commit();
      await journal.truncateBefore(journal.end);
      await journal.close();
      return [created(0), purged];
    },
  },
  'deflated-history': {
    path: `${directory}/history/0000000000000000.history`,
    isDeflated: true,
    write: async (fileSystem) => {
      const { journal } = openJournal({ segmentBytes: 60 }, fileSystem);
      const many = Array.from({ length: 50 }, (_, series) => created(series));
      journal.appendEvents(many);
      journal.appendEvent(purged);
      await journal.commit();
      await journal.truncateBefore(journal.end);
      await journal.close();
      return [...many, purged];
    },
  },
};

const goldenPath = (name: string): string => `test/golden/journal/${name}.bin`;

describe('journals that were written long ago', () => {
  for (const [name, recipe] of Object.entries(recipes)) {
    it(`still open, and are still written: ${name}`, async () => {
      const fileSystem = new MemoryFileSystem();
      const expected = await recipe.write(fileSystem);
      const written = fileSystem.content(recipe.path);
      if (process.env['UPDATE_GOLDEN'] === '1' && !existsSync(goldenPath(name))) {
        mkdirSync('test/golden/journal', { recursive: true });
        writeFileSync(goldenPath(name), written);
      }
      const golden = readFileSync(goldenPath(name));
      if (recipe.isDeflated !== true) expect(written.toString('hex')).to.equal(golden.toString('hex'));

      const old = new MemoryFileSystem();
      old.put(recipe.path, golden);
      if (recipe.path.endsWith('.history')) {
        const events = [...readHistory({ fileSystem: old, directory })];
        expect(events.map(({ position: _, ...event }) => event)).to.deep.equal(expected);
      } else {
        expect(read(old)).to.deep.include({ items: expected, findings: [] });
      }
    });
  }
});
