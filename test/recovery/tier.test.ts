import { expect } from 'chai';
import type { LifecycleEvent, Position, StoreOpened } from '../../src/model/events.ts';
import { chooseTier, type TierChoice, type TierQuestion } from '../../src/recovery/tier.ts';
import { append, directory, openJournal } from '../journal/journal-fixture.ts';

/** What heads.db is by size and checksum. */
const ours = { headsBytes: 100, headsCrc32: 7 };
const theirs = { headsBytes: 200, headsCrc32: 8 };
const time = 1_700_000_000_000;

const opened = (how: StoreOpened['how'] = 'clean', heads = ours): LifecycleEvent => ({
  type: 'storeOpened',
  time,
  how,
  series: 0,
  archivedSeries: 0,
  ...heads,
});
const closed = (heads = ours): LifecycleEvent => ({ type: 'storeClosed', time, ...heads });
const closing = (from: Position, heads = ours): LifecycleEvent => ({ type: 'storeClosing', time, from, ...heads });

interface Directory extends Partial<Omit<TierQuestion, 'heads'>> {
  readonly heads?: Partial<TierQuestion['heads']>;
}

/** The tier for a journal of these events and samples (`null`), in a directory that crashed with the heads.db `ours`. */
const tierOf = async (
  records: readonly (LifecycleEvent | null)[],
  { heads, ...rest }: Directory = {},
): Promise<TierChoice & { readonly positions: readonly Position[] }> => {
  const { journal, fileSystem } = openJournal();
  const positions: Position[] = [];
  for (const record of records) {
    if (record === null) {
      append(journal, 1, time, positions.length);
      positions.push(journal.seal());
    } else positions.push(journal.appendEvent(record));
    await journal.commit();
  }
  const end = records.length === 0 ? undefined : journal.seal();
  await journal.close();
  const choice = chooseTier({
    fileSystem,
    directory,
    dirty: true,
    forced: false,
    overtaken: false,
    first: 0,
    recordsEnd: end,
    heads: { status: 'ok', bytes: ours.headsBytes, crc32: ours.headsCrc32, trailer: undefined, ...heads },
    ...rest,
  });
  return { ...choice, positions };
};

const their = { bytes: theirs.headsBytes, crc32: theirs.headsCrc32 };
const at = (position: Position): Partial<TierQuestion['heads']> => ({ trailer: { position } });

describe('The tier of recovery', () => {
  describe('is clean', () => {
    it('for a directory that was closed', async () => {
      const { tier, ownHeads } = await tierOf([opened(), null, closed()], { dirty: false });
      expect(tier).to.deep.equal({ kind: 'clean' });
      expect(ownHeads).to.equal(true);
    });

    it('for a directory of the original that was closed, without a journal', async () => {
      const { tier, ownHeads } = await tierOf([], { dirty: false });
      expect(tier).to.deep.equal({ kind: 'clean' });
      expect(ownHeads).to.equal(false);
    });

    it('if only DIRTY was not removed after the close', async () => {
      expect((await tierOf([opened(), null, closed()])).tier).to.deep.equal({ kind: 'clean' });
    });
  });

  describe('is the journal', () => {
    it('from the position that the checkpoint names', async () => {
      const { tier, ownHeads } = await tierOf([opened(), null], { heads: at(5) });
      expect(tier).to.deep.equal({ kind: 'journal', from: 5 });
      expect(ownHeads).to.equal(true);
    });

    it('from the opening with exactly this heads.db, also if DIRTY was removed by hand', async () => {
      for (const dirty of [true, false]) {
        const { tier, positions } = await tierOf([opened('clean', theirs), closed(), opened(), null], { dirty });
        expect(tier).to.deep.equal({ kind: 'journal', from: positions[2] });
      }
    });

    it('from the close, if the next session began but noted no opening', async () => {
      const { tier, positions } = await tierOf([opened(), null, closed(), { type: 'clockJumped', time, byMs: 1 }]);
      expect(tier).to.deep.equal({ kind: 'journal', from: positions[2] });
    });

    it('from where the close began that put this heads.db in place and was cut off', async () => {
      for (const dirty of [true, false]) {
        const { tier, ownHeads } = await tierOf([opened('clean', theirs), null, closing(3)], { dirty });
        expect(tier).to.deep.equal({ kind: 'journal', from: 3 });
        expect(ownHeads).to.equal(true);
      }
    });

    it('by the close that announced this heads.db, if a later one announced one that was never written', async () => {
      const { tier } = await tierOf([opened('clean', theirs), closing(3), null, closing(5, theirs)]);
      expect(tier).to.deep.equal({ kind: 'journal', from: 3 });
    });

    it('from before an opening that replayed the journal: that left its samples in the journal alone', async () => {
      const { tier, positions } = await tierOf([opened(), null, opened('journal'), null]);
      expect(tier).to.deep.equal({ kind: 'journal', from: positions[0] });
    });
  });

  describe('is the scan of all files', () => {
    const crash = (reason: string, from: Position | undefined) => ({ kind: 'crash', reason, from });

    it('without a journal', async () => {
      const { tier, ownHeads } = await tierOf([]);
      expect(tier).to.deep.equal(crash('there is no journal', undefined));
      expect(ownHeads).to.equal(false);
    });

    it('if heads.db is damaged, with the journal from its trailer, the unfinished close or the session', async () => {
      const damaged = { status: 'damaged' } as const;
      const reason = 'heads.db is damaged';
      expect((await tierOf([opened(), null], { heads: { ...damaged, ...at(5) } })).tier).to.deep.equal(
        crash(reason, 5),
      );
      expect((await tierOf([opened('clean', theirs), closing(3)], { heads: damaged })).tier).to.deep.equal(
        crash(reason, 3),
      );
      const { tier, positions } = await tierOf([opened(), closed(), opened(), null], { heads: damaged });
      expect(tier).to.deep.equal(crash(reason, positions[2]));
    });

    it('if recovery was asked for, of a closed directory without any of the journal', async () => {
      const forced = { forced: true, dirty: false };
      expect((await tierOf([opened(), closed()], forced)).tier).to.deep.equal(
        crash('recovery was asked for', undefined),
      );
      expect((await tierOf([opened(), null], { ...forced, heads: at(5) })).tier).to.deep.equal(
        crash('recovery was asked for', 5),
      );
    });

    it('if the checkpoint names a position that the journal does not have', async () => {
      const reason = 'the journal of the last checkpoint is missing';
      for (const [position, first] of [
        [1_000_000, 0],
        [5, 6],
      ]) {
        const { tier, positions } = await tierOf([opened(), null], { heads: at(position), first });
        expect(tier).to.deep.equal(crash(reason, positions[0]));
      }
      expect((await tierOf([], { heads: at(5) })).tier).to.deep.equal(crash(reason, undefined));
    });

    it('if another program wrote heads.db, with the samples of an unclosed session', async () => {
      const reason = 'another program has written heads.db since the journal';
      const unclosed = await tierOf([opened(), null], { heads: their });
      expect(unclosed.tier).to.deep.equal(crash(reason, unclosed.positions[0]));
      expect(unclosed.ownHeads).to.equal(false);
      expect(unclosed.sessionHeads).to.deep.equal({ bytes: ours.headsBytes, crc32: ours.headsCrc32 });
      expect((await tierOf([opened(), closed()], { heads: their })).tier).to.deep.equal(crash(reason, undefined));
    });

    it("if the journal's beginning is missing; what is left counts unless heads.db is another program's", async () => {
      const reason = "the journal's beginning is missing";
      expect((await tierOf([null, null])).tier).to.deep.equal(crash(reason, undefined));
      expect((await tierOf([null, null], { heads: { status: 'missing' }, first: 4 })).tier).to.deep.equal(
        crash(reason, 4),
      );
    });
  });

  describe('after the original had the directory', () => {
    const overtaken = { overtaken: true, heads: their };
    const crash = (reason: string, from: Position | undefined) => ({ kind: 'crash', reason, from, overtaken: true });

    it('is clean if both closed it', async () => {
      const { tier, ownHeads } = await tierOf([opened(), null, closed()], { ...overtaken, dirty: false });
      expect(tier).to.deep.equal({ kind: 'clean' });
      expect(ownHeads).to.equal(false);
      expect((await tierOf([], { ...overtaken, dirty: false })).tier).to.deep.equal({ kind: 'clean' });
    });

    it('is the scan if the original did not close it', async () => {
      const { tier } = await tierOf([opened(), null, closed()], overtaken);
      expect(tier).to.deep.equal(crash('the original had the directory open last, and did not close it', undefined));
    });

    it("is the scan if heads.db is still Tidemark's, and never its journal alone", async () => {
      const reason = "the original had the directory open last, and heads.db is still Tidemark's";
      const choices: [readonly (LifecycleEvent | null)[], Partial<TierQuestion['heads']>, Position | undefined][] = [
        [[opened(), null], at(5), 5],
        [[opened(), closed()], {}, undefined],
        [[opened('clean', theirs), closing(3)], {}, 3],
      ];
      for (const [records, heads, from] of choices) {
        const { tier } = await tierOf(records, { overtaken: true, dirty: false, heads });
        expect(tier).to.deep.equal(crash(reason, from));
      }
    });

    it('is the scan after a crash of Tidemark, with the samples of its journal', async () => {
      const reason = 'the original had the directory open after a crash of Tidemark';
      const { tier, positions } = await tierOf([opened(), null], { ...overtaken, dirty: false });
      expect(tier).to.deep.equal(crash(reason, positions[0]));
      expect((await tierOf([null], { ...overtaken, dirty: false })).tier).to.deep.equal(crash(reason, 0));
    });

    it('is the scan if heads.db is damaged or recovery was asked for', async () => {
      const damaged = { ...overtaken, heads: { ...their, status: 'damaged' as const } };
      expect((await tierOf([opened(), closed()], damaged)).tier).to.deep.equal(crash('heads.db is damaged', undefined));
      expect((await tierOf([opened(), closed()], { ...overtaken, forced: true })).tier).to.deep.equal(
        crash('recovery was asked for', undefined),
      );
    });
  });
});
