/** Followers of a journal that another process writes, in segments that come and go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type JournalEvent, openStore, readEvents, type Store } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const CHILD = fileURLToPath(new URL('../journal/journal-child.js', import.meta.url));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** A directory of a store whose journal is written by `journal-child.ts` from its beginning. */
const madeDirectory = async (): Promise<string> => {
  const directory = temporaryDirectory();
  const store = await openStore(directory, { retention: 'off' });
  await store.close();
  rmSync(join(directory, 'journal'), { recursive: true });
  mkdirSync(join(directory, 'journal'));
  return directory;
};

const write = (directory: string, from: number, count: number): ChildProcess =>
  spawn(process.execPath, [CHILD, join(directory, 'journal'), String(from), String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

interface Followed {
  readonly numbers: number[];
  readonly problems: string[];
  /** Resolves when the last number is there. */
  until(number: number): Promise<void>;
  stop(): Promise<void>;
}

const follow = (
  open: (signal: AbortSignal, onProblem: (text: string) => void) => AsyncIterable<JournalEvent>,
): Followed => {
  const numbers: number[] = [];
  const problems: string[] = [];
  const abort = new AbortController();
  const waiting: { number: number; resolve: () => void }[] = [];
  const running = (async () => {
    for await (const { type, time } of open(abort.signal, (text) => problems.push(text))) {
      if (type !== 'storeOpened' || time > 1_000_000_000) continue;
      numbers.push(time);
      for (const { number, resolve } of waiting) if (time >= number) resolve();
    }
  })();
  return {
    numbers,
    problems,
    until: (number) =>
      Promise.race([
        new Promise<void>((resolve) => {
          waiting.push({ number, resolve });
          if ((numbers.at(-1) ?? -1) >= number) resolve();
        }),
        running.then(() => Promise.reject(new Error('the follower ended'))),
      ]),
    stop: () => {
      abort.abort();
      return running;
    },
  };
};

describe('following the journal of another process', function () {
  this.timeout(60_000);
  afterEach(removeTemporaryDirectories);

  for (const lifecycle of [false, true]) {
    it(`gives every event once and in order, ${lifecycle ? 'of the lifecycle alone' : 'of all kinds'}`, async () => {
      const directory = await madeDirectory();
      const followers = range(0, 3).map(() =>
        follow((signal, onProblem) => readEvents(directory, { follow: true, lifecycle, signal, onProblem })),
      );
      const child = write(directory, 0, 3000);
      await once(child, 'exit');
      await Promise.all(followers.map((follower) => follower.until(2999)));
      await Promise.all(followers.map((follower) => follower.stop()));
      for (const { numbers, problems } of followers) {
        expect(problems).to.deep.equal([]);
        expect(numbers).to.deep.equal(range(0, 3000));
      }
      // How many are left depends on the speed of the machine: young ones stay. The pauses alone outlast the first one.
      expect(readdirSync(join(directory, 'journal')), 'segments went').to.not.include('0000000000000000.journal');
    });
  }

  it('gives every event once and in order when the process is killed and another goes on', async () => {
    const directory = await madeDirectory();
    const follower = follow((signal, onProblem) => readEvents(directory, { follow: true, signal, onProblem }));
    let next = 0;
    for (const stopAfter of [400, 900, 1300]) {
      const child = write(directory, next, 100_000);
      child.stdout!.on('data', (data: Buffer) => {
        const reached = Number(data.toString().trim().split('\n').at(-1));
        if (reached >= stopAfter) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      // What is whole in the files counts; the next process begins behind it.
      let last = -1;
      for await (const { time } of readEvents(directory)) last = Math.max(last, time);
      next = Math.max(last, follower.numbers.at(-1) ?? -1) + 1;
    }
    const child = write(directory, next, 200);
    await once(child, 'exit');
    await follower.until(next + 199);
    await follower.stop();
    expect(follower.problems).to.deep.equal([]);
    expect(follower.numbers).to.deep.equal(range(0, next + 200));
  });

  it('gives the lifecycle events from the history when its consumer stayed away for too long', async () => {
    const directory = await madeDirectory();
    const first = write(directory, 0, 50);
    await once(first, 'exit');
    for (const lifecycle of [true, false]) {
      const problems: string[] = [];
      const abort = new AbortController();
      const events = readEvents(directory, {
        follow: true,
        lifecycle,
        signal: abort.signal,
        onProblem: (text) => problems.push(text),
      });
      const numbers: number[] = [];
      const begin = lifecycle ? 50 : 650;
      // One event is taken. More than a batch, in many segments, is written and removed before the next.
      numbers.push((await events.next()).value!.time);
      const second = write(directory, begin, 600);
      await once(second, 'exit');
      for await (const { time } of events) {
        numbers.push(time);
        if (time === begin + 599) abort.abort();
      }
      expect(numbers).to.deep.equal(range(numbers[0], begin + 600));
      if (lifecycle) expect(problems).to.deep.equal([]);
      else expect(problems.join(), 'samples may have been there').to.match(/^(positions \d+ to \d+ are in no file)?$/);
    }
  });

  it('ends at once when it is told to, also while it waits', async () => {
    const directory = await madeDirectory();
    const events = readEvents(directory, { follow: true });
    const waiting = events.next();
    expect(await events.return(undefined)).to.deep.equal({ done: true, value: undefined });
    expect(await waiting).to.deep.equal({ done: true, value: undefined });
  });

  it('works through a store that was opened for reading, until that is closed', async () => {
    const directory = await madeDirectory();
    const child = write(directory, 0, 1500);
    await once(child.stdout!, 'data');
    const store: Store = await openStore(directory, { readOnly: true, retention: 'off' });
    const problems: string[] = [];
    const numbers: number[] = [];
    for await (const { time } of store.journal({ follow: true, onProblem: (text) => problems.push(text) })) {
      numbers.push(time);
      if (time === 1499) break;
    }
    expect(numbers).to.deep.equal(range(0, 1500));
    expect(problems).to.deep.equal([]);
    const ended = (async () => {
      for await (const _ of store.journal({ follow: true, from: 1 }));
    })();
    await store.close();
    await ended;
    if (child.exitCode === null) await once(child, 'exit');
    expect(existsSync(join(directory, 'journal'))).to.equal(true);
  });
});
