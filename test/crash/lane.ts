/** Runs one directory after another. In each, writers open the store, write and are killed; every life is verified. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreOptions } from '../../src/index.ts';
import { seeded } from '../support/seeded.ts';
import { Ledger } from './ledger.ts';
import { chooseMoment, live, type Moment } from './life.ts';
import { verifyBackup, verifyDirectory } from './verify.ts';
import type { WriterInput } from './writer.ts';

/** Kills per directory, before the next directory begins. This keeps the content small that each life compares. */
const KILLS_PER_DIRECTORY = 20;

type Random = ReturnType<typeof seeded>;

const pick = <T>(random: Random, choices: readonly T[]): T => choices[random.int(choices.length)];

const directoryOptions = (random: Random): StoreOptions => ({
  chunkEncoding: pick(random, ['delta', 'double-delta', 'varbit']),
  headChunkTimeout: pick(random, [1, '5m']),
  checkpointInterval: pick(random, [50, 200, '1h']),
  checkpointJournalBytes: pick(random, [1 << 16, 1 << 28]),
  memoryTarget: pick(random, [1 << 20, 4 << 20, 64 << 20]),
  syncSeriesFiles: pick(random, ['adaptive', 'always', 'never']),
  historyBytes: pick(random, [4096, 1 << 20, 1 << 26]),
});

const lifeOptions = (random: Random): StoreOptions => ({
  durability: pick(random, ['interval', 'interval', 'os', 'always']),
  commitInterval: pick(random, [5, 100, 1000]),
  ...(random.int(20) === 0 && { forceRecovery: true }),
});

export interface LaneResult {
  /** Lives by how the store was opened. Lives without earlier samples or with forced recovery are not counted. */
  readonly opened: Map<string, number>;
  backups: number;
  drops: number;
  delivered: number;
}

/** Throws at the first complaint. The directory is then kept, and the message names it. */
export const runLane = async (seed: number, count: number): Promise<LaneResult> => {
  const random = seeded(seed);
  const result: LaneResult = { opened: new Map(), backups: 0, drops: 0, delivered: 0 };
  for (let done = 0; done < count; done += KILLS_PER_DIRECTORY) {
    await runDirectory(random, Math.min(KILLS_PER_DIRECTORY, count - done), result);
  }
  return result;
};

const runDirectory = async (random: Random, kills: number, result: LaneResult): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-crash-'));
  const directory = join(root, 'data');
  const ledger = new Ledger();
  const options = directoryOptions(random);
  const habits = { drops: random.int(4) > 0, backups: random.int(3) > 0, subscribes: random.int(3) > 0 };
  let hash: string | undefined;
  const liveOnce = async (moment: Moment, told: string): Promise<void> => {
    const rounds = moment.kind === 'closing' ? random.int(60) : moment.kind === 'never' ? 5 : undefined;
    const input: WriterInput = {
      directory,
      seed: random.int(2 ** 31),
      first: ledger.next,
      options: { ...options, ...lifeOptions(random) },
      ...habits,
      ...(moment.kind === 'call' && { dieAtCall: moment.call }),
      ...(rounds !== undefined && { closeAfterRounds: rounds }),
      ...(moment.kind === 'never' && { drains: true }),
    };
    const hadSamples = ledger.next > 0;
    const life = await live(input, moment);
    ledger.take(life.claims);
    if (life.closed) ledger.close();
    const complaints = [...ledger.complaints, ...(life.complaint === undefined ? [] : [life.complaint])];
    const running = life.claims.find((claim) => claim.type === 'running');
    const isForced = input.options.forceRecovery === true;
    if (running !== undefined && hadSamples && !isForced) {
      result.opened.set(running.opened, (result.opened.get(running.opened) ?? 0) + 1);
    }
    if (running !== undefined && hash !== undefined && running.hash !== hash && !isForced)
      complaints.push('a read-only opening showed another content than the one for writing that followed');
    if (existsSync(join(directory, 'VERSION'))) {
      const verified = await verifyDirectory(ledger, directory);
      hash = verified.hash;
      complaints.push(...verified.complaints);
    } else if (ledger.next > 0) complaints.push('lost: the whole directory');
    for (const backup of ledger.backups.splice(0)) {
      if (backup.isDone) complaints.push(...(await verifyBackup(ledger, backup)));
      if (backup.isDone) result.backups++;
      if (complaints.length === 0) rmSync(backup.directory, { recursive: true, force: true });
    }
    if (complaints.length === 0) return;
    throw new Error(
      `${told} ${JSON.stringify(moment)}, directory kept in ${root}, its writer's input:\n  ${JSON.stringify(input)}\n  ${complaints.join('\n  ')}`,
    );
  };
  for (let kill = 0; kill < kills; kill++) await liveOnce(chooseMoment(random), `life ${kill} of`);
  await liveOnce({ kind: 'never' }, 'the last life of');
  if (habits.subscribes) {
    const undelivered = ledger.undelivered();
    if (undelivered.length > 0)
      throw new Error(`subscriber: rounds ${undelivered.slice(0, 20)} never came, see ${root}`);
  }
  result.drops += ledger.drops.length;
  result.delivered += ledger.delivered.size;
  rmSync(root, { recursive: true, force: true });
};
