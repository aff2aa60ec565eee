import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { Library } from '../../src/cli/library.ts';
import { parseTimeArgument } from '../../src/cli/time-argument.ts';
import { UsageError } from '../../src/cli/verb.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import type { JournalEvent } from '../../src/model/events.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { FakeStore } from '../support/fake-store.ts';
import { fakeLibrary, runInProcess } from './run-in-process.ts';

const filled = (): FakeStore => {
  const store = new FakeStore();
  store.append({ __name__: 'up', job: 'b' }, 1000, 1);
  store.append({ __name__: 'up', job: 'a' }, 1000, Number.POSITIVE_INFINITY);
  store.append({ __name__: 'up', job: 'a' }, 2000, -0);
  return store;
};

describe('tidemark dump', () => {
  it('prints series sorted by labels, opened read-only with retention off', async () => {
    const calls: { options: object }[] = [];
    const { exitCode, out } = await runInProcess(['dump', './data'], { library: fakeLibrary(filled(), calls) });
    expect(exitCode).to.equal(0);
    expect(out).to.equal(
      '{"metric":{"__name__":"up","job":"a"},"values":["Infinity"],"timestamps":[1000]}\n' +
        '{"metric":{"__name__":"up","job":"a"},"values":[-0],"timestamps":[2000]}\n' +
        '{"metric":{"__name__":"up","job":"b"},"values":[1],"timestamps":[1000]}\n',
    );
    expect(calls[0].options).to.include({ readOnly: true, retention: 'off' });
  });

  it('takes a selector and a time range', async () => {
    const { out } = await runInProcess(['dump', './data', 'up{job="a"}', '--from', '1500', '--through', '2500'], {
      store: filled(),
    });
    expect(out).to.equal('{"metric":{"__name__":"up","job":"a"},"values":[-0],"timestamps":[2000]}\n');
  });

  it('calls a wrong selector wrong usage', async () => {
    const { exitCode, err } = await runInProcess(['dump', './data', '{{'], { store: filled() });
    expect(exitCode).to.equal(2);
    expect(err).to.match(/^tidemark: TIDEMARK_INVALID_SELECTOR: /);
  });
});

describe('tidemark info', () => {
  it('prints a table, or JSON', async () => {
    const { out } = await runInProcess(['info', './data'], { store: filled() });
    expect(out)
      .to.match(/^series in memory +2$/m)
      .and.match(/^condition +clean/m);
    expect(JSON.parse((await runInProcess(['info', './data', '--json'], { store: filled() })).out)).to.include({
      seriesInMemory: 2,
    });
  });
});

describe('tidemark machines', () => {
  const printed = async (...args: string[]): Promise<string> => {
    const { exitCode, out } = await runInProcess(['machines', ...args], {
      library: await import('../../src/index.ts'),
    });
    expect(exitCode).to.equal(0);
    return out;
  };

  it('prints both charts, or one, as code', async () => {
    const both = await printed('--format', 'js');
    expect(both).to.include('export const seriesMachine = createMachine({');
    expect(both).to.include('export const storeMachine = createMachine({');
    const one = await printed('store', '--format', 'js');
    expect(one).to.include('storeMachine').and.not.include('seriesMachine');
  });
});

describe('tidemark events', () => {
  const events: JournalEvent[] = [
    { type: 'seriesCreated', time: 1, fingerprint: 'f'.repeat(16), labels: { __name__: 'up' }, position: 50 },
    {
      type: 'samplesAppended',
      time: 2,
      fingerprints: ['f'.repeat(16)],
      timestamps: Float64Array.of(2),
      values: Float64Array.of(Number.NaN),
      position: 90,
    },
  ];
  let asked: unknown;
  const library = {
    async *readEvents(_directory: string, options: unknown) {
      asked = options;
      yield* events;
    },
  } as unknown as Library;

  it('prints one JSON object a line, NaN as a string', async () => {
    const { out } = await runInProcess(['events', './data'], { library });
    const [created, appended] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(created).to.include({ position: 50, type: 'seriesCreated' });
    expect(appended).to.deep.include({ position: 90, timestamps: [2], values: ['NaN'] });
  });

  it('begins at a position, and leaves out samples on demand', async () => {
    expect((await runInProcess(['events', './data', '--from', '50', '--lifecycle'], { library })).exitCode).to.equal(0);
    expect(asked).to.deep.include({ from: 50, lifecycle: true, follow: false });
  });
});

describe('tidemark check', () => {
  const problems = [1, 2].map((n) => ({ kind: 'journal' as const, message: `problem ${n}` }));
  type Check = typeof import('../../src/index.ts').checkDirectory;
  const libraryOf = (checkDirectory: Check) => ({ systemClock, checkDirectory }) as unknown as Library;
  const report = { problems, dirty: false, series: 7, chunks: 7, samples: 7 };

  it('prints a problem when it is found, before it goes on', async () => {
    const seen: string[] = [];
    const library = libraryOf(async (_, { onProblem } = {}) => {
      for (const problem of problems) {
        onProblem?.(problem);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(said());
      }
      return report;
    });
    let said = (): string => '';
    const { exitCode, out, err } = await runInProcess(['check', './data'], {
      library,
      onStart: (text) => {
        said = text;
      },
    });
    expect(seen).to.deep.equal(['problem 1\n', 'problem 1\nproblem 2\n']);
    expect({ exitCode, out, err }).to.deep.equal({
      exitCode: 3,
      out: 'problem 1\nproblem 2\n',
      err: 'Checked 7 series: 2 problems.\n',
    });
  });

  it('ends quietly, and early, when the reader of its output has gone', async () => {
    const out = new PassThrough();
    const checking = libraryOf(async (_, { onProblem, signal } = {}) => {
      out.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      onProblem?.(problems[0]);
      while (!signal?.aborted) await new Promise((resolve) => setImmediate(resolve));
      throw new TidemarkError('TIDEMARK_ABORTED', 'the check was aborted');
    });
    const { exitCode, err } = await runInProcess(['check', './data'], { library: checking, out });
    expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: '' });
  });

  it('prints JSON lines on demand', async () => {
    const library = libraryOf(async (_, { onProblem } = {}) => {
      for (const problem of problems) onProblem?.(problem);
      return report;
    });
    const { out } = await runInProcess(['check', './data', '--json'], { library });
    expect(out).to.equal(problems.map((problem) => `${JSON.stringify(problem)}\n`).join(''));
  });
});

describe('tidemark completion', () => {
  for (const shell of ['bash', 'zsh'])
    it(`prints a script for ${shell} that knows verbs and options`, async () => {
      const { exitCode, out } = await runInProcess(['completion', shell]);
      expect(exitCode).to.equal(0);
      expect(out).to.contain('quarantine').and.contain('--pedantic').and.contain('openmetrics');
    });
});

describe('the completion script for zsh', () => {
  it('leaves no quote open, whatever the summaries say', async () => {
    const { out } = await runInProcess(['completion', 'zsh']);
    expect(out).to.contain("'\\''");
    for (const line of out.split('\n')) {
      if (line.startsWith('#')) continue;
      const quotes = line.replaceAll("\\'", '').split("'").length - 1;
      expect(quotes % 2, line).to.equal(0);
    }
  });
});

describe('what goes wrong', () => {
  const failing = (error: unknown) => ({ openStore: () => Promise.reject(error), systemClock: {} }) as never;

  it('is one sentence with its code, and 4 for a directory in use', async () => {
    const locked = new TidemarkError('TIDEMARK_LOCKED', './data is in use by process 7.');
    const { exitCode, err } = await runInProcess(['info', './data'], { library: failing(locked) });
    expect(exitCode).to.equal(4);
    expect(err).to.equal('tidemark: TIDEMARK_LOCKED: ./data is in use by process 7.\n');
  });

  it('shows a stack only when TIDEMARK_DEBUG is set', async () => {
    const library = failing(new Error('broken'));
    expect((await runInProcess(['info', './data'], { library })).err).to.equal('tidemark: broken\n');
    const debug = await runInProcess(['info', './data'], { library, env: { TIDEMARK_DEBUG: '1' } });
    expect(debug).to.include({ exitCode: 1 });
    expect(debug.err).to.match(/\n {4}at /);
  });

  it('is red only where colours are wanted', async () => {
    const library = failing(new Error('broken'));
    const colored = await runInProcess(['info', './data'], { library, env: { FORCE_COLOR: '1' } });
    expect(colored.err).to.equal('\u001b[31mtidemark:\u001b[0m broken\n');
    const plain = await runInProcess(['info', './data'], { library, env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect(plain.err).to.equal('tidemark: broken\n');
  });
});

describe('times on the command line', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');

  it('are milliseconds, dates, now, or how long ago', () => {
    const parse = (text: string) => parseTimeArgument('from', text, now);
    expect(parse('1500')).to.equal(1500);
    expect(parse('-5')).to.equal(-5);
    expect(parse('now')).to.equal(now);
    expect(parse('1h30m')).to.equal(now - 5_400_000);
    expect(parse('2026-01-31T11:59Z')).to.equal(now - 60_000);
    expect(parseTimeArgument('from', undefined, now)).to.equal(undefined);
  });

  it('are refused with what is allowed', () => {
    const dates = [
      '2026-13-45',
      '2023-02-30',
      '2023-02-29T00:00Z',
      '2026-01-31T24:00Z',
      '2026-01-31T12:60Z',
      '2026-1-5',
    ];
    const numbers = ['9007199254740993', '-9007199254740993', `${'9'.repeat(400)}d`, '1e3', '0x10'];
    for (const text of ['soon', '1.5h', '30m1h', '', ...dates, ...numbers])
      expect(() => parseTimeArgument('from', text, now), text).to.throw(UsageError, /--from takes/);
  });

  it('are refused where the range ends before it begins', async () => {
    const { exitCode, err } = await runInProcess(['dump', './data', '--from', '2000', '--through', '1000'], {
      store: filled(),
    });
    expect(exitCode).to.equal(2);
    expect(err).to.contain('--through, 1000, is before --from, 2000.');
    const equal = await runInProcess(['dump', './data', '--from', '1000', '--through', '1000'], { store: filled() });
    expect(equal.exitCode).to.equal(0);
  });

  it('are quoted in messages only so far, as every argument is', async () => {
    const long = 'x'.repeat(100_000);
    for (const args of [
      ['dump', './data', '--from', long],
      ['dump', './data', `{a="${long}`],
      ['dump', './data', 'up', long],
      ['dump', './data', `--${long}`],
      [long],
    ])
      expect((await runInProcess(args, { store: filled() })).err.length, args[0].slice(0, 20)).to.be.below(5000);
  });
});
