/**
 * A full recovery because an index of the archive is lost, while the journal continues the checkpoint: files that the
 * journal names are left to the replay, unless what is only in them is damaged.
 */
import { expect } from 'chai';
import { RECORD_BYTES } from '../../src/disk/series-files/series-record.ts';
import { seriesPath } from '../../src/disk/series-path.ts';
import { openStore, type StoreOptions } from '../../src/index.ts';
import { parseFingerprint } from '../../src/model/fingerprint.ts';
import { EARLIEST } from '../../src/model/int64.ts';
import { silentLogger } from '../../src/ports/logger.ts';
import { isKnownPartSound } from '../../src/recovery/left-to-replay.ts';
import { HOUR_MS, type Machine, MINUTE_MS, openMachine, START_MS, samplesOf } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';

const options = {
  retention: 'off',
  headChunkTimeout: '1m',
  checkpointInterval: '1d',
  futureTolerance: 'off',
  syncSeriesFiles: 'never',
} as const;
const labels = { __name__: 'm', id: '0' };
const COUNT = 1500;
const TIMES = 'archived_fingerprint_to_timerange';
const METRICS = 'archived_fingerprint_to_metric';
const NOTHING = '';

/** Values that take many bits, so that zeros can't be what was written. */
const valueAt = (k: number): number => Math.sin(k) * 1e9;

const appendTo = ({ store }: Machine, from: number): void => {
  for (let k = from; k < from + COUNT; k++) store.append(labels, START_MS + k * 10, valueAt(k));
};

/** Waits until the file of the series has all its chunks. */
const persist = async ({ events, pass }: Machine): Promise<void> => {
  const before = events.length;
  while (!events.slice(before).some(({ type }) => type === 'chunksPersisted')) await pass(1000, 1000);
};

/** The checkpoint has the first samples in the file of the series. */
const knowing = async (): Promise<Machine> => {
  const machine = await openMachine(options);
  appendTo(machine, 0);
  await persist(machine);
  await machine.store.checkpoint();
  return machine;
};

/** At the checkpoint the series is archived with its first samples. */
const archiving = async (): Promise<Machine> => {
  const machine = await openMachine(options);
  appendTo(machine, 0);
  await machine.pass(2 * MINUTE_MS, 1000);
  await machine.store.maintain();
  // A series is archived when its file is synced.
  await machine.store.checkpoint();
  await machine.store.maintain();
  expect(machine.store.stateCounts().archived).to.equal(1);
  await machine.store.checkpoint();
  return machine;
};

/** Later samples, which are in the journal and in the file. */
const goOn = async (machine: Machine): Promise<Machine> => {
  appendTo(machine, COUNT);
  await persist(machine);
  await machine.store.flush();
  return machine;
};

const pathOf = ({ store }: Machine): string => {
  const { high, low } = parseFingerprint(store.series(labels).fingerprint)!;
  return `/store/${seriesPath(high, low)}`;
};

type Damage = (file: Buffer) => Buffer;

interface Recovered {
  /** How many of the samples are there. Each has its value. */
  readonly found: number;
  readonly findings: readonly string[];
}

interface How {
  readonly lost?: string | undefined;
  readonly opening?: StoreOptions;
  readonly damageJournal?: Damage;
}

/** Kills the process, damages the file and loses a database. Opens the store again. */
const recover = async (machine: Machine, damage: Damage, how: How = {}): Promise<Recovered> => {
  const { lost = TIMES, opening = {}, damageJournal } = how;
  const left = machine.fileSystem.afterKill();
  const change = (path: string, by: Damage): void => left.put(path, by(Buffer.from(left.content(path))));
  change(pathOf(machine), damage);
  const journal = left.paths().find((path) => path.endsWith('.journal'))!;
  if (damageJournal !== undefined) change(journal, damageJournal);
  const databases = machine.keyValueStores.afterKill();
  if (lost !== NOTHING) {
    await databases.destroy(`/store/${lost}`);
    left.removeDirectory(`/store/${lost}`);
  }
  const findings: string[] = [];
  const warn = (facts: { readonly finding?: unknown }): void => {
    if (typeof facts.finding === 'string') findings.push(facts.finding);
  };
  const store = await openStore('/store', {
    ...options,
    ...opening,
    logger: { ...silentLogger, warn },
    fileSystem: left,
    keyValueStores: databases,
    clock: new ManualClock(START_MS + 3 * HOUR_MS),
  });
  const samples = await samplesOf(store, 'm');
  for (const [name, value] of samples) {
    const k = (Number(name.split('@')[1]) - START_MS) / 10;
    expect(value, `sample ${k}`).to.equal(valueAt(k));
  }
  await store.close();
  return { found: samples.size, findings };
};

const whole: Damage = (file) => file;
/** The last chunk may not be full, so this is in the one before it. */
const zeros: Damage = (file) => file.fill(0, file.length - RECORD_BYTES - 700, file.length - RECORD_BYTES - 200);
const tornEnd: Damage = (file) => file.subarray(0, file.length - 100);
const badFirstTime =
  (chunk: number): Damage =>
  (file) => {
    file.writeBigUInt64LE(0x7fffffffffffn, chunk * RECORD_BYTES + 1);
    return file;
  };

describe('recovery/left-to-replay', () => {
  describe('keeps all samples', () => {
    it('of a series that the checkpoint has in memory, after a loss of power', async () => {
      const machine = await openMachine(options);
      appendTo(machine, 0);
      await machine.store.checkpoint();
      await persist(machine);
      await machine.store.flush();
      expect(await recover(machine, zeros)).to.deep.equal({ found: COUNT, findings: [] });
    });

    it('of a series that was created after the checkpoint', async () => {
      const machine = await openMachine(options);
      await machine.store.checkpoint();
      appendTo(machine, 0);
      await persist(machine);
      await machine.store.flush();
      expect((await recover(machine, zeros)).found).to.equal(COUNT);
      expect((await recover(machine, badFirstTime(1))).found).to.equal(COUNT);
    });

    it('of a series that was archived at the checkpoint, and of its file without its end', async () => {
      for (const lost of [TIMES, METRICS]) {
        const machine = await goOn(await archiving());
        for (const damage of [whole, zeros, tornEnd])
          expect((await recover(machine, damage, { lost })).found, lost).to.equal(2 * COUNT);
      }
    });

    it('of a file without its end', async () => {
      const machine = await goOn(await knowing());
      for (const readOnly of [false, true])
        expect(await recover(machine, tornEnd, { opening: { readOnly } })).to.deep.equal({
          found: 2 * COUNT,
          findings: [],
        });
    });
  });

  describe('keeps the sound chunks of a file', () => {
    it('whose older chunks have a damaged header, also after a replay alone', async () => {
      const machine = await goOn(await knowing());
      for (const lost of [TIMES, NOTHING]) {
        const { found, findings } = await recover(machine, badFirstTime(0), { lost });
        expect(found).to.be.within(2 * COUNT - 200, 2 * COUNT - 1);
        expect(findings).to.include('salvaged');
      }
    });

    it('of an archived series whose older chunks have a damaged header', async () => {
      for (const lost of [TIMES, METRICS, NOTHING]) {
        const { found, findings } = await recover(await goOn(await archiving()), badFirstTime(1), { lost });
        expect(found, lost).to.be.within(2 * COUNT - 200, 2 * COUNT - 1);
        expect(findings).to.include('salvaged');
      }
    });

    it('if the journal has lost samples of the file', async () => {
      const machine = await knowing();
      const before = machine.fileSystem.content(machine.fileSystem.paths().find((path) => path.endsWith('.journal'))!);
      await goOn(machine);
      const damageJournal: Damage = (journal) => {
        journal[before.length + 1000] ^= 0xff;
        return journal;
      };
      const blank: Damage = (file) => file.fill(0, file.length - 5 * RECORD_BYTES, file.length - 4 * RECORD_BYTES);
      const { found, findings } = await recover(machine, blank, { damageJournal });
      expect(found).to.be.within(2 * COUNT - 200, 2 * COUNT - 1);
      expect(findings).to.include('salvaged');
    });

    it('all of which are to be read', async () => {
      const machine = await goOn(await knowing());
      const damage: Damage = (file) => file.fill(0xff, RECORD_BYTES + 20, RECORD_BYTES + 600);
      const { found, findings } = await recover(machine, damage, { opening: { pedantic: true } });
      expect(found).to.be.within(2 * COUNT - 200, 2 * COUNT - 1);
      expect(findings).to.include('salvaged');
    });
  });

  it('tells that chunks are missing which the checkpoint counts', async () => {
    const { findings } = await recover(await goOn(await knowing()), (file) => file.subarray(0, 3 * RECORD_BYTES));
    expect(findings).to.include('hole');
  });

  it('tells the same of a file that was rewritten without a dropped range', async () => {
    const machine = await knowing();
    await machine.store.drop('m', { from: START_MS + 1000, through: START_MS + 1200 });
    await goOn(machine);
    while (!machine.events.some(({ type }) => type === 'lateSamplesMerged')) await machine.pass(MINUTE_MS, 1000);
    await machine.store.flush();
    expect(await recover(machine, zeros)).to.deep.equal({ found: 2 * COUNT - 21, findings: [] });
    expect((await recover(machine, (file) => file.subarray(0, 3 * RECORD_BYTES))).findings).to.include('hole');
  });

  it('leaves nothing to a replay that ends before: a reader opens while the writer goes on', async () => {
    for (const lost of [TIMES, METRICS]) {
      const machine = await archiving();
      const left = machine.fileSystem.afterKill();
      const databases = machine.keyValueStores.afterKill();
      await databases.destroy(`/store/${lost}`);
      left.removeDirectory(`/store/${lost}`);
      await goOn(machine);
      const { fileSystem } = machine;
      const changed = fileSystem.paths().filter((path) => path.endsWith('.journal') || path === pathOf(machine));
      const store = await openStore('/store', {
        ...options,
        readOnly: true,
        fileSystem: left,
        keyValueStores: databases,
        clock: new ManualClock(START_MS + 3 * HOUR_MS),
        onProgress: ({ phase }) => {
          if (phase === 'series directories') for (const path of changed) left.put(path, fileSystem.content(path));
        },
      });
      expect((await samplesOf(store, 'm')).size, lost).to.be.at.least(COUNT);
      await store.close();
    }
  });

  describe('the known part of a file is sound', () => {
    const found = (lastTimes: readonly number[]) => ({
      firstTimes: Float64Array.from(lastTimes, (time) => time - 9),
      lastTimes: Float64Array.from(lastTimes),
      encodings: new Uint8Array(lastTimes.length),
    });
    const known = { chunks: 2, firstTime: 1, lastTime: 20 };
    const unknown = { chunks: undefined, firstTime: EARLIEST, lastTime: 20 };

    it('if its chunks are there and in order, whatever follows', () => {
      expect(isKnownPartSound(known, found([10, 20, 0]), 'same')).to.equal(true);
      expect(isKnownPartSound(unknown, found([10, 20, 0]), 'same')).to.equal(true);
      expect(isKnownPartSound({ ...known, chunks: 0, firstTime: EARLIEST }, found([0]), 'same')).to.equal(true);
    });

    it('not if chunks are missing or not in order, or if the file begins elsewhere', () => {
      expect(isKnownPartSound(known, found([10]), 'same')).to.equal(false);
      expect(isKnownPartSound(known, found([10, 5]), 'same')).to.equal(false);
      expect(isKnownPartSound(known, found([20, 30]), 'same')).to.equal(false);
      expect(isKnownPartSound(unknown, found([10]), 'same')).to.equal(false);
      expect(isKnownPartSound(unknown, found([10, 5, 20]), 'same')).to.equal(false);
    });

    it('if it was reshaped, when its chunks up to the last known time are there and in order', () => {
      expect(isKnownPartSound(known, found([15, 25, 0]), 'reshaped')).to.equal(true);
      expect(isKnownPartSound(known, found([20]), 'reshaped')).to.equal(true);
      expect(isKnownPartSound(known, found([15]), 'reshaped')).to.equal(false);
      expect(isKnownPartSound(known, found([15, 0, 25]), 'reshaped')).to.equal(false);
    });

    it('if its last samples were dropped, or its end is unknown, when all chunks are in order', () => {
      expect(isKnownPartSound(known, found([15]), 'shortened')).to.equal(true);
      expect(isKnownPartSound(known, found([15, 25, 0]), 'shortened')).to.equal(false);
      expect(isKnownPartSound({ ...known, lastTime: EARLIEST }, found([15, 0]), 'reshaped')).to.equal(false);
    });
  });
});
