import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { FakeStore } from '../support/fake-store.ts';
import { fakeEngine, runInProcess } from './run-in-process.ts';

const importInto = (store: FakeStore, input: string | Readable, ...args: string[]) =>
  runInProcess(['import', './data', ...args], { store, input });

describe('tidemark import', () => {
  it('opens with retention off and ends with everything acknowledged and closed', async () => {
    const store = new FakeStore();
    const calls: { options: { retention: string } }[] = [];
    const { exitCode, out, err } = await runInProcess(['import', './data'], {
      engine: fakeEngine(store, calls),
      input: '{"metric":{"__name__":"m"},"values":[1,2],"timestamps":[1,2]}\n',
    });
    expect({ exitCode, out, err }).to.deep.equal({ exitCode: 0, out: '', err: 'Imported 2 samples of 1 series.\n' });
    expect(calls[0].options.retention).to.equal('off');
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
      'Imported 2 samples of 1 series.\n' +
        'line 2: column 4: "x" is not a number\n' +
        '1 sample rejected: TIDEMARK_OUT_OF_ORDER\n' +
        '1 sample rejected: TIDEMARK_DUPLICATE_TIMESTAMP\n',
    );
    expect(JSON.parse(out)).to.deep.equal({
      lines: 5,
      series: 1,
      samples: 2,
      rejected: { TIDEMARK_OUT_OF_ORDER: 1, TIDEMARK_DUPLICATE_TIMESTAMP: 1 },
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
    expect(err).to.equal('Interrupted: 1 sample of 1 series were imported, and are kept.\n');
    expect({ flushes: store.flushes, closed: store.closed }).to.deep.equal({ flushes: 1, closed: true });
  });

  it('does not wait for a person to type', async () => {
    const input = Object.assign(Readable.from([]), { isTTY: true });
    const { exitCode, err } = await importInto(new FakeStore(), input);
    expect(exitCode).to.equal(2);
    expect(err).to.contain('import reads from stdin');
  });
});
