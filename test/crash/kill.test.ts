/**
 * Kills the writing process at random moments, and verifies after each life what the directory holds. Moments are: while
 * it opens and recovers, while it runs (appending, persisting, archiving, dropping, copying itself, rebuilding indexes,
 * writing checkpoints), while it closes, and right at a file-system call. Verified is, against all that the writers have
 * claimed (ledger.ts): every acknowledged sample is there and none that was not appended; what was dropped stays away;
 * each series is found by each of its labels; nothing is in quarantine; `check --pedantic` has nothing to say; an opening
 * for reading shows what the next one for writing shows; a finished backup has all that was appended before it was asked
 * for; a durable subscriber gets every acknowledged sample, in order.
 *
 * `TIDEMARK_KILLS` sets how often; `npm run test:crash` kills 200 times. `TIDEMARK_SEED` repeats a run, as far as
 * processes and their timing can be repeated.
 */
import { expect } from 'chai';
import { runLane } from './lane.ts';

const kills = Number(process.env['TIDEMARK_KILLS'] ?? 8);
const seed = Number(process.env['TIDEMARK_SEED'] ?? 20261122);
/** Stores at a time: one for each of two cores. */
const LANES = 2;

describe(`a process that is killed ${kills} times while it writes`, () => {
  it('leaves a directory that holds what was acknowledged, and nothing else', async () => {
    const lanes = Array.from({ length: LANES }, (_, lane) => runLane(seed * 1000 + lane + 1, Math.ceil(kills / LANES)));
    const results = await Promise.all(lanes).catch((error: unknown) => {
      const again = `TIDEMARK_SEED=${seed} TIDEMARK_KILLS=${kills} npm run test:crash`;
      throw new Error(`${error instanceof Error ? error.message : error}\n  again: ${again}`, { cause: error });
    });
    const opened = results.flatMap((result) => [...result.opened.keys()]);
    // Every one of them has a journal, so none is ever as costly to open as one of the original's that crashed.
    expect(opened).to.not.include('crashRecovery');
    if (kills <= 40) return;
    // A few kills may all strike before there is anything to verify.
    expect(opened, 'how directories were found').to.include('journal');
    for (const what of ['backups', 'drops', 'delivered'] as const) {
      expect(Math.max(...results.map((result) => result[what])), what).to.be.greaterThan(0);
    }
  }).timeout(1_800_000);
});
