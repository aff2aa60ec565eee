/**
 * Kills the writing process at random moments, and verifies the directory after each life. The moments are: during
 * opening and recovery, while the store runs (appending, persisting, archiving, dropping, backing up, rebuilding
 * indexes, writing checkpoints), during the close, and at a given file-system call. The directory is compared with the
 * claims of all its writers (ledger.ts):
 *
 * - every acknowledged sample is there, and no sample that was not appended
 * - dropped samples do not come back
 * - each series is found by each of its labels
 * - nothing is in quarantine, and `check --pedantic` finds no problem
 * - a read-only opening shows the same content as the next opening for writing
 * - a finished backup has all samples that were appended before it was requested
 * - a durable subscriber gets every acknowledged sample, in order
 *
 * `TIDEMARK_KILLS` sets the number of kills; `npm run test:crash` kills 200 times. `TIDEMARK_SEED` repeats a run, as
 * far as processes and their timing can be repeated.
 */
import { expect } from 'chai';
import { runLane } from './lane.ts';

const kills = Number(process.env['TIDEMARK_KILLS'] ?? 8);
const seed = Number(process.env['TIDEMARK_SEED'] ?? 20261122);
/** Stores that are tested at the same time, one for each of two cores. */
const LANES = 2;

describe(`a process that is killed ${kills} times while it writes`, () => {
  it('leaves a directory with every acknowledged sample, and none that was not appended', async () => {
    const lanes = Array.from({ length: LANES }, (_, lane) => runLane(seed * 1000 + lane + 1, Math.ceil(kills / LANES)));
    const results = await Promise.all(lanes).catch((error: unknown) => {
      const again = `TIDEMARK_SEED=${seed} TIDEMARK_KILLS=${kills} npm run test:crash`;
      throw new Error(`${error instanceof Error ? error.message : error}\n  again: ${again}`, { cause: error });
    });
    const opened = results.flatMap((result) => [...result.opened.keys()]);
    // Every directory has a journal, so none needs the full crash recovery, which reads all files.
    expect(opened).to.not.include('crashRecovery');
    if (kills <= 40) return;
    // With few kills, it is possible that every kill comes before there is anything to verify.
    expect(opened, 'how directories were found').to.include('journal');
    for (const what of ['backups', 'drops', 'delivered'] as const) {
      expect(Math.max(...results.map((result) => result[what])), what).to.be.greaterThan(0);
    }
  }).timeout(1_800_000);
});
