/** Tests the verifier of the crash test: each case does something that must not happen, and the verifier reports it. */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Level } from 'level';
import { openStore, type Store } from '../../src/index.ts';
import { crashImage } from '../events/crash-image.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import type { Claim } from './claims.ts';
import { Ledger } from './ledger.ts';
import { labelsOf, membersOf, nameOf, sampleTime, sampleValue, seriesOf } from './samples.ts';
import { verifyBackup, verifyDirectory } from './verify.ts';

const ROUNDS = 40;
const rounds = Array.from({ length: ROUNDS }, (_, k) => k);

interface Scene {
  /** Done before the process dies, without a claim. */
  readonly secretly?: (store: Store) => unknown;
  /** Done to the directory after the process has died. */
  readonly damage?: (directory: string) => unknown;
  /** Claims in addition to those of what was done. */
  readonly claimed?: readonly Claim[];
  /** Rounds that the subscriber received. */
  readonly delivered?: readonly number[];
}

const claimsOf = ({ claimed = [], delivered = rounds }: Scene): Claim[] => [
  ...rounds.map((round) => ({ type: 'appending', round }) as const),
  { type: 'acknowledged', round: ROUNDS - 1 },
  ...claimed,
  { type: 'delivered', rounds: delivered },
];

/** Writes as a writer of the crash test does, and dies. Returns the complaints of the verifier. */
const noticed = async (scene: Scene): Promise<string[]> => {
  const source = join(temporaryDirectory(), 'data');
  const store = await openStore(source, { retention: 'off', checkpointInterval: '1h' });
  for (const round of rounds) {
    for (const name of seriesOf(round, 0))
      store.append(labelsOf(name), sampleTime(name, round), sampleValue(name, round));
  }
  await store.waitForIndexing();
  await scene.secretly?.(store);
  await store.flush();
  const directory = crashImage(source);
  await store.close();
  await scene.damage?.(directory);
  const ledger = new Ledger();
  ledger.take(claimsOf(scene));
  const { complaints } = await verifyDirectory(ledger, directory);
  return [...ledger.complaints, ...complaints];
};

const cutJournal = (directory: string): void => {
  const journal = join(directory, 'journal');
  const segment =
    readdirSync(journal)
      .filter((name) => name.endsWith('.journal'))
      .sort()
      .at(-1) ?? '';
  truncateSync(join(journal, segment), Math.floor(statSync(join(journal, segment)).size * 0.7));
};

/** Deletes the entries of one label pair from the index. */
const removeLabelPair = async (directory: string, pair: string): Promise<void> => {
  const index = new Level<Buffer, Buffer>(join(directory, 'labelpair_to_fingerprints'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  for await (const key of index.keys()) if (key.toString('latin1').includes(pair)) await index.del(key);
  await index.close();
};

const dropOf = (drop: number, group: number): Claim[] => [
  { type: 'dropping', drop, names: membersOf(group), round: ROUNDS - 1 },
  { type: 'dropped', drop },
];

describe('the verifier of the crash test', () => {
  afterEach(removeTemporaryDirectories);

  it('has no complaint about a correct directory', async () => {
    expect(await noticed({})).to.deep.equal([]);
  });

  it('notices a lost sample', async () => {
    const complaints = await noticed({ damage: cutJournal, delivered: [] });
    expect(complaints[0]).to.match(/^lost: steady\/0 round \d+$/);
    expect(complaints.filter((complaint) => !complaint.startsWith('lost: '))).to.deep.equal([]);
  });

  it('notices an invented sample', async () => {
    const invent = (store: Store): void => {
      store.append(labelsOf('steady/3'), sampleTime('steady/3', ROUNDS), sampleValue('steady/3', ROUNDS));
    };
    expect(await noticed({ secretly: invent })).to.deep.equal(['invented: steady/3 round 40']);
  });

  it('notices a sample with a wrong value', async () => {
    const another = (store: Store): void => store.append(labelsOf('steady/3'), sampleTime('steady/3', ROUNDS), 0.5);
    const complaints = await noticed({ secretly: another, claimed: [{ type: 'appending', round: ROUNDS }] });
    expect(complaints).to.deep.equal([`wrong: steady/3 round 40 is 0.5 at ${sampleTime('steady/3', ROUNDS)}`]);
  });

  it('notices a dropped series that has come back', async () => {
    const complaints = await noticed({ claimed: dropOf(0, 1) });
    expect(complaints).to.include.members([`returned: ${membersOf(1)[0]} round 8 had been dropped`]);
  });

  it('notices an entry that is missing from the label index', async () => {
    // Replay does not index the series of a checkpoint again, so the entry stays missing.
    const secretly = (store: Store): Promise<void> => store.checkpoint();
    const lacking = (pair: string): Promise<string[]> =>
      noticed({ secretly, damage: (directory) => removeLabelPair(directory, pair) });
    expect(await lacking('steady')).to.include('lost: steady/0 round 0');
    expect(await lacking('id\u000417')).to.include('index: steady/17 is not found by its id');
  });

  it('notices a gap in the delivered rounds, in the middle and at the end', async () => {
    const complaints = await noticed({ delivered: rounds.filter((round) => round !== 20) });
    expect(complaints).to.deep.equal(['subscriber: round 20 was passed over, 21 came']);
    const ledger = new Ledger();
    ledger.take(claimsOf({ delivered: rounds.slice(0, 38) }));
    expect(ledger.undelivered()).to.deep.equal([38, 39]);
  });

  it('notices a delivered sample that is lost', async () => {
    const complaints = await noticed({ delivered: [...rounds, ROUNDS] });
    expect(complaints).to.deep.equal([
      'subscriber: round 40 was invented',
      'lost: round 40, which the subscriber had got',
    ]);
  });

  it('notices a backup that lacks samples appended before it began', async () => {
    const source = join(temporaryDirectory(), 'data');
    const directory = join(temporaryDirectory(), 'copy');
    const store = await openStore(source, { retention: 'off' });
    for (const name of seriesOf(0, 0)) store.append(labelsOf(name), sampleTime(name, 0), sampleValue(name, 0));
    await store.backup(directory);
    await store.close();
    const backup = async (round: number): Promise<string[]> => {
      const ledger = new Ledger();
      ledger.take([
        { type: 'appending', round: 0 },
        { type: 'appending', round: 1 },
        { type: 'copying', directory, round },
        { type: 'copied', directory },
      ]);
      return verifyBackup(ledger, ledger.backups[0]);
    };
    expect(await backup(0)).to.deep.equal([]);
    expect(await backup(1)).to.include.members([`backup: lost: ${nameOf('steady', 0)} round 1`]);
  });
});
