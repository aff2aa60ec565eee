/** `tidemark query` on a real directory: formats, default times, mistakes, damage. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { blockChart } from '../../src/cli/block-chart.ts';
import { run } from '../../src/cli/run.ts';
import { Output } from '../../src/cli/terminal.ts';
import * as library from '../../src/index.ts';
import { type Outcome, runInProcess } from './run-in-process.ts';

const START = 1_767_225_600_000;
const MINUTE = 60_000;

describe('tidemark query', () => {
  let directory: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-query-'));
    const store = await library.openStore(directory, { retention: 'off' });
    for (let i = 0; i <= 10; i++) {
      store.append({ __name__: 'requests_total', job: 'a' }, START + i * MINUTE, 60 * i);
      store.append({ __name__: 'requests_total', job: 'b,"c"' }, START + i * MINUTE, 0);
    }
    store.append({ __name__: 'odd' }, START, Number.NaN);
    store.append({ __name__: 'odd', sign: '+' }, START, Number.POSITIVE_INFINITY);
    store.append({ __name__: 'odd', sign: '-' }, START, Number.NEGATIVE_INFINITY);
    await store.close();
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  const ask = (...args: string[]): Promise<Outcome> => runInProcess(['query', directory, ...args], { library });
  const at = String(START + 10 * MINUTE);

  it('prints a table of an instant vector', async () => {
    expect(await ask('requests_total', '--at', at)).to.deep.equal({
      exitCode: 0,
      out: 'requests_total{job="a"}        600\nrequests_total{job="b,\\"c\\""}  0\n',
      err: '',
    });
  });

  it('prints a scalar and a string as they are', async () => {
    expect((await ask('1e-7', '--at', at)).out).to.equal('1e-07\n');
    expect((await ask('"text"', '--at', at)).out).to.equal('text\n');
  });

  it("prints JSON as the data of Prometheus' API", async () => {
    const printed = async (...args: string[]): Promise<string> => (await ask(...args, '--json')).out;
    expect(await printed('requests_total{job="a"}', '--at', at)).to.equal(
      '{"resultType":"vector","result":[{"metric":{"__name__":"requests_total","job":"a"},"value":[1767226200,"600"]}]}\n',
    );
    expect(JSON.parse(await printed('odd', '--at', String(START + 500))).result).to.deep.equal([
      { metric: { __name__: 'odd' }, value: [START / 1000 + 0.5, 'NaN'] },
      { metric: { __name__: 'odd', sign: '+' }, value: [START / 1000 + 0.5, '+Inf'] },
      { metric: { __name__: 'odd', sign: '-' }, value: [START / 1000 + 0.5, '-Inf'] },
    ]);
    const range = ['--from', String(START), '--through', String(START + 2 * MINUTE), '--step', '1m'];
    expect(await printed('requests_total{job="a"}', ...range)).to.equal(
      '{"resultType":"matrix","result":[{"metric":{"__name__":"requests_total","job":"a"},"values":[[1767225600,"0"],[1767225660,"60"],[1767225720,"120"]]}]}\n',
    );
    expect(await printed('"x"', '--at', at)).to.equal('{"resultType":"string","result":[1767226200,"x"]}\n');
    expect(await printed('2', '--at', at)).to.equal('{"resultType":"scalar","result":[1767226200,"2"]}\n');
    expect(await printed('absent_metric', '--at', at)).to.equal('{"resultType":"vector","result":[]}\n');
  });

  it('prints CSV with the labels as columns', async () => {
    expect((await ask('requests_total', '--at', at, '--format', 'csv')).out).to.equal(
      `__name__,job,timestamp,value\nrequests_total,a,${at},600\nrequests_total,"b,""c""",${at},0\n`,
    );
  });

  it('prints a chart of each series over a range, in the width of the output', async () => {
    const range = ['--from', String(START), '--through', at, '--step', '1m'];
    expect((await ask('requests_total', ...range)).out).to.equal(
      'requests_total{job="a"}        ▁▁▂▃▄▅▅▆▇██  600\nrequests_total{job="b,\\"c\\""}  ▄▄▄▄▄▄▄▄▄▄▄  0\n',
    );
    expect((await ask('rate(requests_total{job="a"}[2m]) * 60', ...range)).out).to.equal(
      '{job="a"}   ▁█████████  60\n',
    );
    const long = await ask(
      'label_replace(requests_total{job="a"}, "l", "x".., "", "")'.replace('"x"..', `"${'x'.repeat(90)}"`),
      ...range,
    );
    expect(long.out).to.match(/^requests_total\{job="a",l="x+… {2}\S{11} {2}600\n$/);
    expect(long.out.length).to.be.at.most(81);
  });

  it('asks about the newest sample when all are older than the lookback, and says so', async () => {
    const { out, err } = await ask('requests_total{job="a"}');
    expect(out).to.equal('requests_total{job="a"}  600\n');
    expect(err).to.equal(
      'Evaluated at 2026-01-01T00:10:00.000Z, the time of the newest sample. --at now evaluates at the present.\n',
    );
    expect((await ask('requests_total', '--at', 'now')).out).to.equal('');
  });

  it('prints annotations on stderr', async () => {
    const { exitCode, err } = await ask('rate(odd[1h])', '--at', at);
    expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: '' });
    const quantile = await ask('quantile(2, requests_total)', '--at', at);
    expect(quantile.exitCode).to.equal(0);
    expect(quantile.err).to.match(/^PromQL warning: quantile value should be between 0 and 1, got 2 \(1:10\)\n$/);
  });

  it('takes closed ranges, the lookback and experimental functions', async () => {
    const count = ['count_over_time(requests_total{job="a"}[1m])', '--at', at];
    expect((await ask(...count)).out).to.equal('{job="a"}  1\n');
    expect((await ask(...count, '--closed-ranges')).out).to.equal('{job="a"}  2\n');
    const late = String(START + 40 * MINUTE);
    expect((await ask('requests_total{job="a"}', '--at', late)).out).to.equal('');
    expect((await ask('requests_total{job="a"}', '--at', late, '--lookback', '1h')).out).to.include('600');
    expect((await ask('mad_over_time(requests_total[5m])', '--at', at)).exitCode).to.equal(2);
    expect((await ask('mad_over_time(requests_total[5m])', '--at', at, '--experimental')).exitCode).to.equal(0);
  });

  it('says where the expression is wrong, on a terminal with a caret', async () => {
    const { exitCode, err } = await ask('sum(requests_total', '--at', at);
    expect(exitCode).to.equal(2);
    expect(err).to.equal('tidemark: TIDEMARK_QUERY_SYNTAX: 1:19: parse error: unclosed left parenthesis\n');
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const code = await run(['query', directory, '1 +\n\t§', '--at', at], {
      terminal: {
        input: new PassThrough(),
        out: new Output(new PassThrough()),
        err: new Output(stream),
        env: { NO_COLOR: '1' },
      },
      library: async () => library,
      signal: new AbortController().signal,
    });
    expect(code).to.equal(2);
    expect(String(stream.read())).to.include('  \t§\n  \t^\ntidemark: TIDEMARK_QUERY_SYNTAX: 2:2: parse error: ');
  });

  it('exits with 1 if the expression has no result, and with 2 for options that do not go together', async () => {
    const { exitCode, err } = await ask('requests_total + on() requests_total', '--at', at);
    expect(exitCode).to.equal(1);
    expect(err).to.match(/^tidemark: TIDEMARK_QUERY_FAILED: found duplicate series for the match group \{\}/);
    const wrong = async (...args: string[]): Promise<string> => {
      const outcome = await ask('1', ...args);
      expect(outcome.exitCode).to.equal(2);
      return outcome.err.split('\n')[0];
    };
    expect(await wrong('--step', '1m')).to.equal('tidemark: --step needs --from.');
    expect(await wrong('--through', at)).to.equal('tidemark: --through needs --from.');
    expect(await wrong('--at', at, '--from', at)).to.equal('tidemark: --at and --from exclude each other.');
    expect(await wrong('--json', '--format', 'csv')).to.equal('tidemark: --json and --format exclude each other.');
    expect(await wrong('--lookback', 'soon')).to.match(/TIDEMARK_INVALID_OPTION: lookback is "soon"/);
    expect(await wrong('--from', String(START), '--step', '0')).to.match(/TIDEMARK_INVALID_OPTION: step is "0"/);
  });
});

describe('tidemark query of a damaged directory', () => {
  it('prints what can be read, names the rest on stderr, and exits with 3', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-query-'));
    try {
      const store = await library.openStore(directory, { retention: 'off', headChunkTimeout: '1m' });
      const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;
      for (let k = 0; k < 900; k++)
        for (const id of ['a', 'b']) store.append({ __name__: 'm', id }, START + k, noise(k));
      for (let pass = 0; pass < 2; pass++) await store.maintain();
      await store.close();
      const folder = readdirSync(directory).find((name) => /^[0-9a-f]{2}$/.test(name)) ?? '';
      const file = join(directory, folder, readdirSync(join(directory, folder))[0]);
      const bytes = readFileSync(file);
      bytes[500] ^= 4;
      writeFileSync(file, bytes);
      const args = ['query', directory, 'count_over_time(m[1h])', '--at', String(START + 900), '--json'];
      const { exitCode, out, err } = await runInProcess(args, { library });
      expect(exitCode).to.equal(3);
      expect(err).to.match(/^not readable: .*m\{id="[ab]"\}.*checksum/m);
      const counts = JSON.parse(out).result.map(({ value }: { value: [number, string] }) => Number(value[1]));
      expect(counts).to.have.lengthOf(2).and.include(900);
      expect(Math.min(...counts)).to.be.below(900);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('a chart of block characters', () => {
  const chart = (values: number[], width: number, times = values.map((_value, i) => i)): string =>
    blockChart(
      { timestamps: Float64Array.from(times), values: Float64Array.from(values) },
      { from: 0, through: values.length - 1, width },
    );

  it('goes from the smallest to the largest value', () => {
    expect(chart([0, 1, 2, 3, 4, 5, 6, 7], 8)).to.equal('▁▂▃▄▅▆▇█');
    expect(chart([-5, 5, -5, 5], 4)).to.equal('▁█▁█');
  });

  it('shows the mean of the values that share a cell', () => {
    expect(chart([0, 0, 0, 8, 8, 8], 3)).to.equal('▁▅█');
  });

  it('is in the middle for equal values, blank without values, a dot for what is not finite', () => {
    expect(chart([3, 3, 3], 3)).to.equal('▄▄▄');
    expect(
      blockChart(
        { timestamps: Float64Array.of(0, 2), values: Float64Array.of(0, 1) },
        { from: 0, through: 2, width: 3 },
      ),
    ).to.equal('▁ █');
    expect(chart([1, Number.NaN, Number.POSITIVE_INFINITY, 2], 4)).to.equal('▁··█');
  });

  it('holds the largest doubles', () => {
    expect(chart([-Number.MAX_VALUE, 0, Number.MAX_VALUE], 3)).to.equal('▁▅█');
  });
});
