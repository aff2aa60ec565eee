/**
 * Kills the writing process at random moments, and finds after each restart every sample that `flush()` had
 * acknowledged, and none that was not appended. Moments are: while it opens and recovers, while it runs (appending,
 * persisting, archiving and writing checkpoints), while it closes, and right at a file-system call.
 *
 * `TIDEMARK_KILLS` sets how often; `npm run test:crash` kills 200 times. `TIDEMARK_SEED` repeats a run, as far as
 * processes and their timing can be repeated.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import type { WriterInput } from './writer.ts';

const writer = fileURLToPath(new URL('./writer.js', import.meta.url));
const kills = Number(process.env['TIDEMARK_KILLS'] ?? 8);
const seed = Number(process.env['TIDEMARK_SEED'] ?? (kills > 8 ? Date.now() % 1_000_000 : 20261122));
/** Stores at a time: one for each of two cores. */
const LANES = 2;
/** A directory is killed so often, then the next one begins: what is compared after each restart stays small. */
const KILLS_PER_DIRECTORY = 20;
/** Nothing that a life does takes so long. */
const LIFE_MS_MAX = 60_000;

/** When a life is to end. */
type Moment =
  | { readonly kind: 'opening' | 'running' | 'closing'; readonly delayMs: number }
  | { readonly kind: 'call'; readonly call: number };

interface Life {
  readonly acknowledged: number;
  readonly appended: number;
  /** How the directory was found, once that is known. */
  readonly opened: string;
  /** What went wrong, if anything did. */
  readonly complaint: string | undefined;
}

/** What the writer says when the time to kill it begins to run. */
const signs = { opening: 'opening', running: 'verified', closing: 'closing' } as const;

const chooseMoment = (random: ReturnType<typeof seeded>): Moment => {
  const choice = random.int(20);
  if (choice < 4) return { kind: 'opening', delayMs: random.int(120) };
  if (choice < 7) return { kind: 'closing', delayMs: random.int(60) };
  if (choice < 13) return { kind: 'call', call: Math.ceil(Math.exp(random.next() * Math.log(5000))) };
  return { kind: 'running', delayMs: random.int(300) };
};

const live = (input: WriterInput, moment: Moment): Promise<Life> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, [writer, JSON.stringify(input)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    let isHung = false;
    let isKilling = false;
    const end = setTimeout(() => {
      isHung = true;
      child.kill('SIGKILL');
    }, LIFE_MS_MAX);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (isKilling || moment.kind === 'call' || !output.includes(`${signs[moment.kind]}`)) return;
      isKilling = true;
      setTimeout(() => child.kill('SIGKILL'), moment.delayMs);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(end);
      const lastOf = (word: string): string | undefined =>
        [...output.matchAll(new RegExp(`^${word} (.+)$`, 'gm'))].at(-1)?.[1];
      const asPlanned = signal === 'SIGKILL' || (moment.kind === 'closing' && code === 0);
      resolve({
        acknowledged: Number(lastOf('acknowledged') ?? input.acknowledged),
        appended: Math.max(input.appended, Number(lastOf('appending') ?? -1)),
        opened: lastOf('opened') ?? 'not known',
        complaint: asPlanned && !isHung ? undefined : `${isHung ? 'it hung: ' : ''}${output.slice(-2000)}${errors}`,
      });
    });
  });

/** One directory after another, each killed again and again. Returns how directories were found, with counts. */
const runLane = async (lane: number, count: number): Promise<Map<string, number>> => {
  const random = seeded(seed * 1000 + lane + 1);
  const opened = new Map<string, number>();
  let directory = '';
  let acknowledged = -1;
  let appended = -1;
  for (let kill = 0; kill < count; kill++) {
    if (kill % KILLS_PER_DIRECTORY === 0) {
      directory = temporaryDirectory();
      acknowledged = -1;
      appended = -1;
    }
    const moment = chooseMoment(random);
    const life = await live(
      {
        directory,
        acknowledged,
        appended,
        seed: random.int(2 ** 31),
        ...(moment.kind === 'call' && { dieAtCall: moment.call }),
        ...(moment.kind === 'closing' && { closeAfterRounds: random.int(5) }),
      },
      moment,
    );
    const told = `kill ${kill} of lane ${lane}, ${JSON.stringify(moment)}; TIDEMARK_SEED=${seed} TIDEMARK_KILLS=${kills}`;
    expect(life.complaint, told).to.equal(undefined);
    // Before anything was appended there may be no journal yet.
    if (appended >= 0) opened.set(life.opened, (opened.get(life.opened) ?? 0) + 1);
    acknowledged = life.acknowledged;
    appended = life.appended;
  }
  return opened;
};

describe(`a process that is killed ${kills} times while it writes`, () => {
  after(removeTemporaryDirectories);

  it('finds every acknowledged sample after each restart, and none that was not appended', async () => {
    const lanes = Array.from({ length: LANES }, (_, lane) => runLane(lane, Math.ceil(kills / LANES)));
    const opened = (await Promise.all(lanes)).flatMap((counts) => [...counts.keys()]);
    // A few kills may all strike before a second opening is complete.
    if (kills > 40) expect(opened, 'how directories were found').to.include('journal');
    // Every one of them has a journal, so none is ever as costly to open as one of the original's that crashed.
    expect(opened).to.not.include('crashRecovery');
  }).timeout(900_000);
});
