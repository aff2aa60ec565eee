import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { FakeStore } from '../support/fake-store.ts';
import { fakeLibrary, runInProcess } from './run-in-process.ts';

const importInto = (store: FakeStore, input: string | Readable, ...args: string[]) =>
  runInProcess(['import', './data', ...args], { store, input });

describe('tidemark import', () => {
  it('opens without applying any retention and ends with everything acknowledged and closed', async () => {
    const store = new FakeStore();
    const calls: { options: object }[] = [];
    const { exitCode, out, err } = await runInProcess(['import', './data'], {
      library: fakeLibrary(store, calls),
      input: '{"metric":{"__name__":"m"},"values":[1,2],"timestamps":[1,2]}\n',
    });
    expect({ exitCode, out, err }).to.deep.equal({ exitCode: 0, out: '', err: 'Imported 2 samples of 1 series.\n' });
    expect(calls[0].options).to.include({ applyRetention: false }).and.not.to.have.property('retention');
    expect({ flushes: store.flushes, closed: store.closed }).to.deep.equal({ flushes: 1, closed: true });
  });

  it('takes back what dump --bits wrote, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 9 }), {
          maxLength: 5,
        }),
        async (series) => {
          const source = new FakeStore();
          series.forEach((patterns, s) => {
            const handle = source.series({ __name__: `m${s}`, path: 'a"b\\c\nd' });
            for (const [i, bits] of patterns.entries())
              handle.appendBits(i, Number(bits >> 32n), Number(bits & 0xffffffffn));
          });
          const dumped = await runInProcess(['dump', './data', '--bits'], { store: source });
          const copy = new FakeStore();
          const { exitCode } = await importInto(copy, dumped.out, '--bits');
          expect(exitCode).to.equal(0);
          expect(copy.contents()).to.deep.equal(source.contents());
        },
      ),
    );
  });

  it('tells JSON lines from text, and seconds from milliseconds, by itself', async () => {
    const store = new FakeStore();
    await importInto(store, '# HELP up x\nup{job="a"} 1 1700000000000\n{"my.metric"} 2 1700000000000\n');
    await importInto(store, '# TYPE t gauge\nt 5 1700000000.25\n# EOF\n');
    await importInto(store, '{"metric":{"__name__":"j"},"values":["NaN",-0],"timestamps":[1,2]}');
    expect(store.contents()).to.deep.equal({
      'up{job="a"}': [[1700000000000, '3ff0000000000000']],
      '{"my.metric"}': [[1700000000000, '4000000000000000']],
      t: [[1700000000250, '4014000000000000']],
      j: [
        [1, '7ff8000000000000'],
        [2, '8000000000000000'],
      ],
    });
  });

  it('reads timestamps in the unit of the format that is named', async () => {
    const store = new FakeStore();
    await importInto(store, 'a 1 1700000000\n', '--format', 'prometheus');
    await importInto(store, 'b 1 1700000000000\n', '--format', 'openmetrics');
    expect(store.contents()['a'][0][0]).to.equal(1700000000);
    expect(store.contents()['b'][0][0]).to.equal(1700000000000000);
  });

  it('gives samples without a timestamp the time of the import', async () => {
    const store = new FakeStore();
    const before = Date.now();
    await importInto(store, 'up 1\nload 2\n');
    const times = Object.values(store.contents()).map(([[time]]) => time);
    expect(times[0]).to.be.within(before, Date.now());
    expect(times[1]).to.equal(times[0]);
  });

  it('names bad lines, counts rejected samples by reason, keeps the rest, and exits with 3', async () => {
    const store = new FakeStore();
    const input = ['up 1 1700000005000', 'up x', 'up 2 1700000004000', 'up 3 1700000005000', 'up 4 1700000006000'].join(
      '\n',
    );
    const { exitCode, err, out } = await importInto(store, input, '--json');
    expect(exitCode).to.equal(3);
    expect(err).to.equal(
      'Imported 3 samples of 1 series.\n' +
        'line 2: column 4: "x" is not a number\n' +
        '1 sample rejected: TIDEMARK_DUPLICATE_TIMESTAMP\n',
    );
    expect(JSON.parse(out)).to.deep.equal({
      lines: 5,
      series: 1,
      samples: 3,
      rejected: { TIDEMARK_DUPLICATE_TIMESTAMP: 1 },
      badLines: 1,
    });
  });

  it('counts the bad lines past the first ten', async () => {
    const { err } = await importInto(new FakeStore(), '{"metric":{}}\n'.repeat(14));
    expect(err.match(/^line \d+:/gm)).to.have.length(10);
    expect(err).to.contain('and 4 more lines that could not be read');
  });

  it('waits while the store is throttled, and loses nothing', async () => {
    const store = new FakeStore();
    store.throttled = true;
    const importing = importInto(store, 'up 1 1700000000000\nup 2 1700000001000\n');
    setImmediate(() => store.resume());
    expect((await importing).exitCode).to.equal(0);
    expect(Object.values(store.contents())[0]).to.have.length(2);
  });

  it('keeps what was imported when it is interrupted, and says so', async () => {
    const store = new FakeStore();
    const abort = new AbortController();
    const endless = async function* (): AsyncIterable<Buffer> {
      yield Buffer.from('up 1 1700000000000\n');
      setImmediate(() => abort.abort());
      await new Promise(() => {});
    };
    const { exitCode, err } = await runInProcess(['import', './data'], {
      store,
      input: Readable.from(endless()),
      signal: abort.signal,
    });
    expect(exitCode).to.equal(130);
    expect(err).to.equal('Interrupted: 1 sample of 1 series was imported and kept.\n');
    expect({ flushes: store.flushes, closed: store.closed }).to.deep.equal({ flushes: 1, closed: true });
  });

  it('does not wait for a person to type', async () => {
    const input = Object.assign(Readable.from([]), { isTTY: true });
    const { exitCode, err } = await importInto(new FakeStore(), input);
    expect(exitCode).to.equal(2);
    expect(err).to.contain('import reads from stdin');
  });

  const refusedBy = async (input: string, ...args: string[]) => {
    const store = new FakeStore();
    const outcome = await importInto(store, input, '--json', ...args);
    return { ...outcome, counts: JSON.parse(outcome.out), contents: store.contents() };
  };
  const timesOf = (contents: Record<string, [number, string][]>) =>
    Object.values(contents).flatMap((samples) => samples.map(([time]) => time));

  it('does not take a comment for proof of seconds', async () => {
    const { contents } = await refusedBy('# UNIT tests follow\nup 1 1700000000000\n');
    expect(timesOf(contents)).to.deep.equal([1_700_000_000_000]);
  });

  it('takes # EOF as a comment in 0.0.4, and as the end in OpenMetrics', async () => {
    const input = 'up{a="1"} 1 1700000000000\n# EOF\nup{a="2"} 1 1700000000000\n';
    for (const args of [['--format', 'prometheus'], []])
      expect((await refusedBy(input, ...args)).counts).to.include({ samples: 2, badLines: 0 });
    const { counts, err } = await refusedBy(input, '--format', 'openmetrics');
    expect(counts).to.include({ samples: 1, badLines: 1 });
    expect(err).to.contain('line 3: a sample after # EOF');
  });

  it('says that OpenMetrics text without # EOF may have been cut off', async () => {
    for (const args of [['--format', 'openmetrics'], []]) {
      const { exitCode, err } = await refusedBy('up 1 1700000000.5\n', ...args);
      expect(exitCode).to.equal(3);
      expect(err).to.contain('line 1: the OpenMetrics text ends without # EOF');
    }
  });

  it('holds whole numbers that may be seconds or milliseconds until the text shows which', async () => {
    const small = 'up 1 1000\nup 2 2000\n';
    const inputs: readonly (readonly [string, string, number[]])[] = [
      ['the end mark', `${small}# EOF\n`, [1_000_000, 2_000_000]],
      ['a fraction', `${small}up 3 3000.5\n# EOF\n`, [1_000_000, 2_000_000, 3_000_500]],
      ['an exemplar', `${small}up 3 3000 # {a="b"} 1\n# EOF\n`, [1_000_000, 2_000_000, 3_000_000]],
      ['a type of OpenMetrics', `# TYPE build info\n${small}# EOF\n`, [1_000_000, 2_000_000]],
      ['a large number', `${small}up 3 1700000000000\n`, [1000, 2000, 1_700_000_000_000]],
    ];
    for (const [title, input, times] of inputs) {
      const { contents, exitCode } = await refusedBy(input);
      expect({ times: timesOf(contents), exitCode }, title).to.deep.equal({ times, exitCode: 0 });
    }
  });

  it('refuses them where nothing shows which, and says how to name the format', async () => {
    const { counts, err, contents } = await refusedBy('up 1 1000\nup 2 2000\n');
    expect(counts).to.include({ samples: 0, badLines: 2 });
    expect(err).to.contain('line 1: the timestamp 1000 may be seconds or milliseconds: name the format with --format');
    expect(contents).to.deep.equal({});
  });

  it('holds a bounded number of them, and refuses the rest at once', async () => {
    const lines = Array.from({ length: 10_100 }, (_, i) => `up ${i} ${i}`).join('\n');
    expect((await refusedBy(`${lines}\n# EOF\n`)).counts).to.include({ badLines: 100, samples: 10_000 });
  });

  it('refuses milliseconds among seconds, and a fraction among milliseconds', async () => {
    const seconds = await refusedBy('up 1 1700000000.5\nup 2 1700000001000\n# EOF\n');
    expect(seconds.err).to.contain('line 2: the timestamp 1700000001000 is milliseconds');
    const milliseconds = await refusedBy('up 1 1700000000000\nup 2 1700000001.5\n');
    expect(milliseconds.err).to.contain('line 2: the timestamp "1700000001.5" is not a whole number of milliseconds');
  });

  it('refuses lines that are not UTF-8, so that two series do not become one', async () => {
    const store = new FakeStore();
    const input = Buffer.from(
      'up{host="caf\xe9"} 1 1700000000000\nup{host="caf\xe8"} 2 1700000000000\nup 3 1700000000000\n',
      'latin1',
    );
    const { exitCode, err } = await importInto(store, Readable.from([input]));
    expect(exitCode).to.equal(3);
    expect(err).to.contain('line 1: it is not valid UTF-8\nline 2: it is not valid UTF-8');
    expect(Object.keys(store.contents())).to.deep.equal(['up']);
  });

  it('undoes gzip, and refuses other compressed input as a whole', async () => {
    const store = new FakeStore();
    const compressed = gzipSync('up 1 1700000000000\nup 2 1700000001000\n');
    // The first bytes may come one by one.
    const pieces = [compressed.subarray(0, 1), compressed.subarray(1, 5), compressed.subarray(5)];
    expect((await importInto(store, Readable.from(pieces))).exitCode).to.equal(0);
    expect(timesOf(store.contents())).to.deep.equal([1_700_000_000_000, 1_700_000_001_000]);
    const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]);
    for (const input of [zstd, gzipSync(zstd), gzipSync(compressed)]) {
      const { exitCode, err } = await importInto(new FakeStore(), Readable.from([input]));
      expect(exitCode).to.equal(1);
      expect(err).to.contain('compressed with');
    }
  });

  it('keeps what comes before the damage in gzip data, and names the line', async () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `up{n="${i * 7919}"} ${i} 1700000000000\n`).join('');
    const compressed = gzipSync(text);
    const cut = await importInto(new FakeStore(), Readable.from([compressed.subarray(0, -20)]), '--json');
    expect(cut.exitCode).to.equal(3);
    const { samples, lines } = JSON.parse(cut.out);
    expect(samples).to.be.within(10_000, 20_000);
    expect(cut.err).to.match(new RegExp(`line ${lines + 1}: the gzip data are damaged or cut off here`));
  });

  it('takes a JSON line of nine megabytes', async () => {
    const count = 300_000;
    const times = Array.from({ length: count }, (_, i) => 1_700_000_000_000 + i);
    const line = JSON.stringify({ metric: { __name__: 'm' }, values: times.map((t) => t / 7), timestamps: times });
    expect(line.length).to.be.greaterThan(9_000_000);
    expect((await refusedBy(`${line}\n`)).counts).to.include({ samples: count, badLines: 0 });
  });

  it('keeps its messages short, however long the lines are', async () => {
    const long = 'x'.repeat(300_000);
    const inputs = [
      `up ${long}\n`,
      `{"metric":{"${long}":1}}\n`,
      `up{${'a="b",'.repeat(2)}${long}="1",${long}="2"} 1\n`,
      `{"${long}":\n`,
    ];
    for (const input of inputs) expect((await importInto(new FakeStore(), input)).err.length).to.be.below(1000);
  });

  it('says that lines must end with a line feed where only carriage returns do', async () => {
    const { err } = await importInto(new FakeStore(), 'up 1 1700000000000\rup 2 1700000001000\r');
    expect(err).to.contain('lines must end with a line feed');
  });

  it('changes nothing when the same input comes again, and tells other values from late ones', async () => {
    const store = new FakeStore();
    const input = 'a 1 1700000000000\na NaN 1700000001000\na 3 1700000002000\n';
    await importInto(store, input);
    const before = store.contents();
    const again = await importInto(store, input, '--json');
    expect({ exitCode: again.exitCode, counts: JSON.parse(again.out) }).to.deep.equal({
      exitCode: 0,
      counts: { lines: 3, series: 1, samples: 3, rejected: {}, badLines: 0 },
    });
    const changed = await importInto(store, 'a 7 1700000000000\na 1 1700000000500\n', '--json');
    expect(JSON.parse(changed.out)).to.deep.include({ samples: 1, rejected: { TIDEMARK_DUPLICATE_TIMESTAMP: 1 } });
    expect(store.contents()['a'].map(([time]) => time)).to.deep.equal([
      1_700_000_000_000, 1_700_000_000_500, 1_700_000_001_000, 1_700_000_002_000,
    ]);
    expect(before['a']).to.have.length(3);
  });

  it('takes samples in any order, bit for bit', async () => {
    const store = new FakeStore();
    const input = [3, 1, 2].map(
      (time) => `{"metric":{"__name__":"m"},"values":["7ff000000000000${time}"],"timestamps":[${time}]}`,
    );
    const { exitCode } = await importInto(store, input.join('\n'), '--bits');
    expect(exitCode).to.equal(0);
    expect(store.contents()['m']).to.deep.equal([
      [1, '7ff0000000000001'],
      [2, '7ff0000000000002'],
      [3, '7ff0000000000003'],
    ]);
  });

  it('keeps nothing of what it has read', async () => {
    // An abort signal that is waited for once a chunk, and never left, would keep every chunk alive.
    const abort = new AbortController();
    let listeners = 0;
    const { signal } = abort;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const chunks = Array.from({ length: 100 }, (_, i) => Buffer.from(`up ${i} ${1_700_000_000_000 + i}\n`));
    await runInProcess(['import', './data'], { store: new FakeStore(), input: Readable.from(chunks), signal });
    expect(listeners).to.be.within(0, 1);
  });
});
