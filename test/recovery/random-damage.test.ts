/**
 * Small directories, closed and crashed, in the three encodings, with one file damaged by chance each time: any kind of file,
 * in any way. Opening ends; nothing is missing or wrong without being told; series that the damage can't concern are whole;
 * the second opening rejects no read, and a check after it has no complaint.
 *
 *     TIDEMARK_DAMAGES=2000 …        that many damages in place of the usual ones
 *     TIDEMARK_DAMAGE_SEED=17 …      that damage alone
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import {
  type ChunkEncodingName,
  checkDirectory,
  type Labels,
  openStore,
  type Store,
  TidemarkError,
} from '../../src/index.ts';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { toLabelPairs } from '../../src/model/labels.ts';
import type { Logger } from '../../src/ports/logger.ts';
import { seeded } from '../support/seeded.ts';
import { damageFile, type FileDamage } from './support/file-damage.ts';

const COUNT = Number(process.env['TIDEMARK_DAMAGES'] ?? 40);
const ONLY = process.env['TIDEMARK_DAMAGE_SEED'];
const TIME = 1_700_000_000_000;
const encodings: readonly ChunkEncodingName[] = ['varbit', 'delta', 'double-delta'];

type Samples = Map<number, number>;
/** By fingerprint. */
type Content = Map<string, Samples>;

interface Base {
  readonly directory: string;
  readonly content: Content;
  /** Series whose samples are in their files alone. */
  readonly archived: ReadonlySet<string>;
  readonly isCrashed: boolean;
}

describe('a directory with one damaged file', () => {
  let parent: string;
  const bases: Base[] = [];

  before(async function () {
    this.timeout(120_000);
    parent = mkdtempSync(join(tmpdir(), 'tidemark-damage-'));
    for (const encoding of encodings) bases.push(...(await makeBases(parent, encoding)));
  });
  after(() => rmSync(parent, { recursive: true, force: true }));

  const seeds = ONLY === undefined ? Array.from({ length: COUNT }, (_, i) => i + 1) : [Number(ONLY)];

  it(`is recovered, and what is lost is told (${seeds.length} damages)`, async function () {
    this.timeout(seeds.length * 20_000);
    const failures: string[] = [];
    for (const seed of seeds) {
      const base = bases[seed % bases.length];
      const directory = join(parent, 'damaged');
      cpSync(base.directory, directory, { recursive: true });
      const damage = damageFile(directory, seeded(Math.imul(seed, 0x9e3779b1)));
      const how = `${damage.kind}, ${damage.files.join(' and ')}: ${damage.what}, in ${basename(base.directory)}`;
      try {
        await tryDamage(base, directory, damage);
      } catch (error) {
        const replay = `TIDEMARK_DAMAGE_SEED=${seed} npx mocha dist/test/recovery/random-damage.test.js`;
        failures.push(`seed ${seed} (${how}): ${error instanceof Error ? error.message : error}\n    ${replay}`);
      }
      rmSync(directory, { recursive: true, force: true });
    }
    expect(failures.join('\n')).to.equal('');
  });
});

const tryDamage = async (base: Base, directory: string, damage: FileDamage): Promise<void> => {
  const told = new Told();
  const before = await checkDirectory(directory).catch((error: unknown) => refusal(error));
  let store: Store;
  try {
    store = await openStore(directory, { retention: 'off', logger: told.logger });
  } catch (error) {
    expect(refusal(error).problems, 'refused without need').to.satisfy(() => damage.kind === 'VERSION');
    return;
  }
  const first = await session(store, told);
  const checkTold = before.problems.length > 0;
  for (const [fingerprint, samples] of base.content) {
    const read = first.get(fingerprint) ?? new Map<number, number>();
    const isWhole = [...samples].every(([time, value]) => Object.is(read.get(time), value));
    const isInvented = [...read].some(([time, value]) => !Object.is(samples.get(time), value));
    if (isWhole && !isInvented) continue;
    expect(concerns(base, damage, fingerprint), `series ${fingerprint} is not whole`).to.equal(true);
    const isTold = damage.kind === 'series' ? told.series.has(fingerprint) : told.count > 0 || checkTold;
    expect(isTold, `series ${fingerprint} lost or changed samples without a word`).to.equal(true);
  }
  for (const fingerprint of first.keys())
    if (!base.content.has(fingerprint)) expect(told.count, `series ${fingerprint} is invented`).to.be.greaterThan(0);

  const again = new Told();
  const second = await session(await openStore(directory, { retention: 'off', logger: again.logger }), again);
  for (const [fingerprint, samples] of first) {
    // Its file is in quarantine since, as a whole.
    if (told.series.has(fingerprint)) continue;
    for (const [time, value] of samples)
      expect(second.get(fingerprint)?.get(time), `series ${fingerprint} after the second opening`).to.equal(value);
  }
  expect((await checkDirectory(directory)).problems.map(({ message }) => message)).to.deep.equal([]);
};

/** Errors that callers see are typed, and never bugs. */
const refusal = (error: unknown): { problems: string[] } => {
  expect(error).to.be.instanceOf(TidemarkError);
  expect((error as TidemarkError).code).to.not.equal('TIDEMARK_INTERNAL');
  return { problems: [(error as TidemarkError).message] };
};

/** Whether a damage may take samples of a series. Of most files it may not: what they hold is somewhere else, too. */
const concerns = ({ archived, isCrashed }: Base, { kind, files }: FileDamage, fingerprint: string): boolean => {
  if (kind === 'series') return files.includes(`${fingerprint.slice(0, 2)}/${fingerprint.slice(2)}.db`);
  if (kind === 'heads.db') return !archived.has(fingerprint);
  if (kind === 'journal') return isCrashed && !archived.has(fingerprint);
  return false;
};

/** Reads everything twice, waits for quarantine, and closes. */
const session = async (store: Store, told: Told): Promise<Content> => {
  const content: Content = new Map();
  for (let round = 0; round < 2; round++) {
    for await (const { labels, timestamps, values, problems } of store.select('{__name__=~".+"}')) {
      const fingerprint = fingerprintOf(labels);
      const samples: Samples = new Map();
      for (const [i, time] of timestamps.entries()) {
        expect(samples.has(time), `${fingerprint} has the time ${time} twice`).to.equal(false);
        samples.set(time, values[i]);
      }
      content.set(fingerprint, samples);
      if (problems !== undefined) told.note(fingerprint);
    }
  }
  for (const { fingerprint } of await store.quarantined()) {
    await store.readQuarantined(fingerprint);
    told.series.add(fingerprint);
  }
  await store.close();
  return content;
};

/** What a session says of damage, and of which series. */
class Told {
  count = 0;
  readonly series = new Set<string>();

  note(fingerprint: string): void {
    this.count++;
    this.series.add(fingerprint);
  }

  get logger(): Logger {
    const note = (facts: object): void => {
      this.count++;
      if ('fingerprint' in facts) this.series.add(String(facts.fingerprint));
    };
    return { debug() {}, info() {}, warn: note, error: note } as unknown as Logger;
  }
}

const raw = new Int32Array(2);

const fingerprintOf = (labels: Labels): string => {
  fastFingerprint(toLabelPairs(labels), raw);
  return fingerprintText(raw[0], raw[1]);
};

const valueAt = (series: number, k: number): number => [k, 42, Math.sin(k * (series + 1)) * 1e6][series % 3];

/** A closed directory and a crashed one, with everything in them that a directory can have. */
const makeBases = async (parent: string, encoding: ChunkEncodingName): Promise<Base[]> => {
  const live = join(parent, `live-${encoding}`);
  const content: Content = new Map();
  const append = (store: Store, name: string, series: number, from: number, to: number): void => {
    const labels = { __name__: name, i: String(series) };
    const fingerprint = fingerprintOf(labels);
    const samples = content.get(fingerprint) ?? new Map<number, number>();
    content.set(fingerprint, samples);
    for (let k = from; k < to; k++) {
      store.append(labels, TIME + k * 15_000, valueAt(series, k));
      samples.set(TIME + k * 15_000, valueAt(series, k));
    }
  };
  const options = { retention: 'off', chunkEncoding: encoding, checkpointInterval: '1h' } as const;
  let store = await openStore(live, { ...options, headChunkTimeout: 1 });
  for (let i = 0; i < 4; i++) append(store, 'archived', i, 0, 300);
  for (let round = 0; round < 3; round++) await store.maintain();
  const archived = new Set(content.keys());
  await store.close();
  store = await openStore(live, { ...options, headChunkTimeout: '1h' });
  // Holds the journal's segments.
  await store.subscribe('reader', { from: 'end' }).close();
  for (let i = 0; i < 4; i++) append(store, 'resident', i, 0, 400);
  await store.maintain();
  await store.close();
  cpSync(live, join(parent, `closed-${encoding}`), { recursive: true });
  const atClose: Content = new Map([...content].map(([fingerprint, samples]) => [fingerprint, new Map(samples)]));
  store = await openStore(live, { ...options, headChunkTimeout: '1h' });
  for (let i = 0; i < 4; i++) append(store, 'resident', i, 400, 600);
  for (let i = 0; i < 2; i++) append(store, 'new', i, 0, 30);
  await store.checkpoint();
  for (let i = 0; i < 4; i++) append(store, 'resident', i, 600, 650);
  for (let i = 0; i < 2; i++) append(store, 'newer', i, 0, 150);
  await store.maintain();
  await store.flush();
  await store.waitForIndexing();
  // As a kill leaves it. Without LOCK: closing any descriptor of it would free the lock.
  const crashed = join(parent, `crashed-${encoding}`);
  cpSync(live, crashed, { recursive: true, filter: (path) => basename(path) !== 'LOCK' });
  await store.close();
  for (const directory of [join(parent, `closed-${encoding}`), crashed])
    writeFileSync(join(directory, 'RETENTION'), '{"timeMs":"off","bytes":"off"}\n');
  return [
    { directory: join(parent, `closed-${encoding}`), content: atClose, archived, isCrashed: false },
    { directory: crashed, content, archived, isCrashed: true },
  ];
};
